"""One compiled gradient step on one tile of a picture: the objective's value and a smooth direction of ascent."""

import numpy as np
from keras import ops

from keras_see.deepdream.layer_objectives import combined, values_of
from keras_see.model import backend
from keras_see.optimization.objective_gradient import ObjectiveGradient, unit
from keras_see.optimization.parameterization import Plain
from keras_see.optimization.rescue import LEAK

# Standard deviations in pixels of the blurs whose mean smooths a step; the smaller one is too fine to be seen. Without
# smoothing, dreams are covered with colour noise of single pixels.
BLURS = (0.7, 1.4)


class TileStep:
    """A forward and a backward pass over tiles of one shape, compiled at its first call.

    Args:
        model: A built Keras model with one input.
        image_spec: The image spec of tiles of this shape.
        objectives: The `LayerObjective`s.

    Attributes:
        traces: How often the step was traced (on PyTorch once per call).
    """

    def __init__(self, model, image_spec, objectives):
        self.traces = 0
        self._objectives, self._combined = objectives, combined(objectives)
        self._pixels = Plain(image_spec.parameterization.shape)
        self._gradient = ObjectiveGradient(model, self._combined, self._pixels, preprocess=image_spec.preprocess)
        self._step = backend.compiled(lambda *args: self._trace(*args, leaks=False))
        self._leaking_step = backend.compiled(lambda *args: self._trace(*args, leaks=True))

    def __call__(self, tile, goals):
        """Return the objective's value of a tile `(height, width, k)` and a direction of root mean square 1: NumPy.

        Where the gradient is zero because activations are closed, it is leaked through them.
        """
        given = (
            self._gradient.values(),
            ops.convert_to_tensor(tile[None]),
            [ops.convert_to_tensor(part) for part in goals],
        )
        value, direction, size = self._step(*given)
        if not ops.convert_to_numpy(size).all():
            _, direction, _ = self._leaking_step(*given)
        return float(ops.convert_to_numpy(value)[0]), ops.convert_to_numpy(direction)[0]

    def features(self, tile):
        """Return the features of a tile `(height, width, k)`: one array `(rows, columns, channels)` per objective."""
        images = ops.convert_to_numpy(self._pixels.images(tile[None]))
        found = dict(zip(self._combined.paths, self._gradient.features(images), strict=True))
        return [found[objective.path][0] for objective in self._objectives]

    def values(self, tile, guides):
        """Return each objective's value of a tile, a NumPy array."""
        pairs = zip(self._objectives, self.features(tile), strict=True)
        features = {objective.path: part[None] for objective, part in pairs}
        found = values_of(self._objectives, features, guides)
        return np.array([float(ops.convert_to_numpy(value)[0]) for value in found])

    def _trace(self, values, tiles, goals, *, leaks):
        self.traces += 1
        value, gradient, flow = self._gradient(values, tiles, goals, None, ops.full((1,), LEAK) if leaks else None)
        return value, smooth(gradient), flow.size


def smooth(gradient):
    """Return the mean of a gradient `(1, height, width, k)` in several blurs, each over its root mean square; traced.

    Weights add up to 1 at the border too, so that a tile moves as much there as inside.
    """
    blurred = [unit(_blurred(_blurred(gradient, deviation, 1), deviation, 2))[0] for deviation in BLURS]
    return unit(sum(blurred))[0]


def _blurred(values, deviation, axis):
    """Return values blurred along one axis, as a sum of shifted copies: faster here than convolution or matrices."""
    reach, length = round(3 * deviation), values.shape[axis]
    weights = np.exp(-np.square(np.arange(-reach, reach + 1) / deviation) / 2)
    inside = np.convolve(np.ones(length), weights, "full")[reach : reach + length].astype("float32")
    padded = ops.pad(values, [(reach, reach) if each == axis else (0, 0) for each in range(4)])
    cut = (slice(None),) * axis
    parts = [float(weight) * padded[(*cut, slice(at, at + length))] for at, weight in enumerate(weights)]
    return sum(parts) / ops.convert_to_tensor(inside.reshape([-1 if each == axis else 1 for each in range(4)]))
