"""One compiled step on one tile of a picture: what it reaches, and which way there is more of it."""

import numpy as np
from keras import ops

from keras_see.deepdream.layer_objectives import amounts_of, objective_of
from keras_see.model import backend
from keras_see.optimization.objective_gradient import LEAK, Slope, unit
from keras_see.optimization.parameterization import Plain

# Standard deviations, in pixels, of the blurs whose mean makes steps smooth; the finest is the one that no eye sees.
# With steps as they are, dreams are covered with colour noise of single pixels.
BLURS = (0.7, 1.4)


class TileStep:
    """A forward and a backward pass over tiles of one shape; compiled at its first call.

    Args:
        model: A built Keras model with one input.
        canvas: The `Canvas` of tiles of this shape.
        wishes: What there should be more of.

    Attributes:
        traces: How often Python went through the step (on PyTorch: at each call).
    """

    def __init__(self, model, canvas, wishes):
        self.traces = 0
        self._wishes, self._objective = wishes, objective_of(wishes)
        self._pixels = Plain(canvas.parameterization.shape)
        self._slope = Slope(model, self._objective, self._pixels, preprocess=canvas.preprocess)
        self._step = backend.compiled(lambda *args: self._trace(*args, opens=False))
        self._opening_step = backend.compiled(lambda *args: self._trace(*args, opens=True))

    def __call__(self, tile, wanted):
        """Return what a tile `(height, width, k)` reaches, and a way up whose root mean square is 1: NumPy arrays.

        Where nothing is excited yet and so there is no gradient, closed rectifiers let it through.
        """
        given = (
            self._slope.values(),
            ops.convert_to_tensor(tile[None]),
            [ops.convert_to_tensor(part) for part in wanted],
        )
        reached, gradient, size = self._step(*given)
        if not ops.convert_to_numpy(size).all():
            _, gradient, _ = self._opening_step(*given)
        return float(ops.convert_to_numpy(reached)[0]), ops.convert_to_numpy(gradient)[0]

    def features(self, tile):
        """Return the features of a tile `(height, width, k)`: one array `(rows, columns, channels)` per wish."""
        seen = ops.convert_to_numpy(self._pixels.images(tile[None]))
        found = dict(zip(self._objective.places, self._slope.features(seen), strict=True))
        return [found[wish.place][0] for wish in self._wishes]

    def amounts(self, tile, guides):
        """Return how much of each wish a tile holds, a NumPy array."""
        features = {w.place: part[None] for w, part in zip(self._wishes, self.features(tile), strict=True)}
        return np.array([float(ops.convert_to_numpy(a)[0]) for a in amounts_of(self._wishes, features, guides)])

    def _trace(self, values, tiles, wanted, *, opens):
        self.traces += 1
        slopes = ops.full((1,), LEAK) if opens else None
        reached, gradient, size = self._slope(values, tiles, wanted, slopes=slopes)
        return reached, smooth(gradient), size


def smooth(gradient):
    """Return the mean of a gradient `(1, height, width, k)` in several blurs, each over its root mean square; traced.

    Weights at the border add up to 1 as elsewhere, so that a tile moves as much there as inside.
    """
    blurred = [unit(_blurred(_blurred(gradient, deviation, 1), deviation, 2))[0] for deviation in BLURS]
    return unit(sum(blurred))[0]


def _blurred(values, deviation, axis):
    """Return values blurred along one axis, as a sum of shifted ones: here faster than convolutions or matrices."""
    reach, length = round(3 * deviation), values.shape[axis]
    weights = np.exp(-np.square(np.arange(-reach, reach + 1) / deviation) / 2)
    inside = np.convolve(np.ones(length), weights, "full")[reach : reach + length].astype("float32")
    padded = ops.pad(values, [(reach, reach) if each == axis else (0, 0) for each in range(4)])
    cut = (slice(None),) * axis
    parts = [float(weight) * padded[(*cut, slice(at, at + length))] for at, weight in enumerate(weights)]
    return sum(parts) / ops.convert_to_tensor(inside.reshape([-1 if each == axis else 1 for each in range(4)]))
