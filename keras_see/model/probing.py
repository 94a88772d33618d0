"""Probe where rows and columns of a call lie on the image: by the gradients of its cells with respect to pixels."""

import keras
import numpy as np
from keras import ops

from keras_see.model import backend
from keras_see.model.grid import Grid, Side
from keras_see.model.inference import infer
from keras_see.model.interceptors import FeatureTaps

# How much of the cells' positions a straight line through the pixels' positions must explain.
LEAST_FIT = 0.8

# Gradients below this share of the greatest are rounding errors.
NOTHING = 1e-5


def probed_grid(model, inputs, layer_calls, call, number, guess):
    """Return the `Grid` of a call's output on an image, or None where its cells are no places of the image.

    The model runs for real, on random images and with random weights above zero, so that no rectifier is closed and no
    weight is zero. For each pixel the mean position of the cells that it moves is found from two gradients. A straight
    line is fitted to these positions.

    Args:
        model: A built model.
        inputs: The structure that the model takes, leaves as `keras.KerasTensor` for a batch of two.
        layer_calls: The model's `LayerCalls`.
        call: The call.
        number: The number of the image among the inputs.
        guess: The `Grid` that the shape suggests, or None.
    """
    gradient = _Gradient(model, inputs, layer_calls, call, number)
    shape, image = call.shape, layer_calls.image_grids[number]
    all_cells = gradient(np.ones(shape[1:], "float32"), image)
    if all_cells is None or not all_cells[0].any() or all_cells[1].max() > NOTHING * all_cells[0].max():
        return None
    lines = {}
    for axis, cells in _positions(shape, guess).items():
        moved = gradient(cells, image)[0]
        lines[axis] = [_line(moved, all_cells[0], along) for along in (0, 1)]
    axes = [max(lines, key=lambda axis, along=along: lines[axis][along][0]) for along in (0, 1)]
    if axes[0] == axes[1] or min(lines[axis][along][0] for along, axis in enumerate(axes)) < LEAST_FIT:
        return None
    counts = guess.shape if len(shape) == 3 else tuple(shape[axis] for axis in axes)
    sides = [_side(lines[axis][along], counts[along], all_cells[0], along) for along, axis in enumerate(axes)]
    return Grid(counts, (1,) if len(shape) == 3 else tuple(axes), *sides, first=guess.first if len(shape) == 3 else 0)


class _Gradient:
    """The gradient of a weighted sum of a call's output of the first image, with respect to all images."""

    def __init__(self, model, inputs, layer_calls, call, number):
        random = np.random.default_rng(0)
        self._model, self._calls, self._call, self._number = model, layer_calls, call, number
        self._values = [_benign(variable, random) for variable in model.variables]
        self._inputs = [_filled(spec, random) for spec in keras.tree.flatten(inputs)]
        self._structure = inputs

    def __call__(self, weights, image):
        """Return its size at each pixel, `(n, rows, columns)`, or None where there is no gradient."""
        weights = np.concatenate([weights[None], np.zeros((1, *weights.shape), "float32")])

        def summed(points):
            leaves = list(self._inputs)
            leaves[self._number] = points["image"]
            taps = FeatureTaps(self._calls, [self._call.path], stop=True)
            infer(self._model, keras.tree.pack_sequence_as(self._structure, leaves), [taps], self._values)
            features = ops.cast(taps.features[self._call.path], "float32")
            return ops.sum(features * ops.convert_to_tensor(weights)), ops.zeros(())

        gradient = backend.gradients(summed, {"image": ops.convert_to_tensor(self._inputs[self._number])})[1]["image"]
        if gradient is None:
            return None
        found = np.moveaxis(ops.convert_to_numpy(gradient), image.axes, (1, 2))
        return found.sum(axis=-1)


def _positions(shape, guess):
    """Return for each axis that may be rows or columns an array of the cells' positions along it, `shape[1:]`."""
    if len(shape) == 3:  # tokens
        places = np.arange(shape[1]) - guess.first
        parts = {0: places // guess.shape[1], 1: places % guess.shape[1]}
        is_place = (places >= 0) & (places < guess.shape[0] * guess.shape[1])
        return {
            key: np.broadcast_to((part * is_place)[:, None], shape[1:]).astype("float32") for key, part in parts.items()
        }
    return {axis: np.indices(shape[1:])[axis - 1].astype("float32") for axis in (1, 2, 3)}


def _line(moved, total, along):
    """Return how well a line explains the positions that pixels move, and its values at the image's two ends."""
    weights = total.sum(axis=1 - along)
    seen = np.abs(weights) > NOTHING * np.abs(weights).max()
    if seen.sum() < 2:
        return 0.0, 0.0, 0.0
    places = (np.arange(len(weights)) + 0.5)[seen] / len(weights)
    positions = moved.sum(axis=1 - along)[seen] / weights[seen]
    slope, start = np.polyfit(places, positions, 1)
    spread = ((positions - positions.mean()) ** 2).sum()
    fit = 1 - ((positions - start - slope * places) ** 2).sum() / spread if spread > 1e-6 else 0.0
    return (fit if slope > 0 else 0.0), start, start + slope


def _side(line, count, total, along):
    """Return the `Side` of cells whose positions on the image the line gives."""
    _, start, stop = line
    weights = np.abs(total).max(axis=1 - along)
    seen = np.flatnonzero(weights > NOTHING * weights.max())
    cell = 1 / (stop - start)
    first = (-0.5 - start) * cell
    return Side(first, first + count * cell, seen[0] / len(weights), (seen[-1] + 1) / len(weights))


def _benign(variable, random):
    shape, dtype = tuple(variable.shape), keras.backend.standardize_dtype(variable.dtype)
    if "float" not in dtype:
        return ops.convert_to_tensor(ops.convert_to_numpy(variable), dtype)
    fan_in = max(int(np.prod(shape[:-1])), 1) if len(shape) > 1 else 1
    return ops.convert_to_tensor(random.uniform(0.5, 1.5, shape).astype("float32") / fan_in, dtype)


def _filled(spec, random):
    numbers = random.uniform(0.5, 1, spec.shape).astype("float32")
    return ops.convert_to_tensor(numbers, keras.backend.standardize_dtype(spec.dtype))
