"""What Keras's layers do to a grid: how the rows and columns of their output lie, given those of their input."""

import math

from keras import layers

from keras_see.model.activations import computes_as, own_operation
from keras_see.model.grid import Grid

WINDOWS = (
    *(layers.Conv2D, layers.DepthwiseConv2D, layers.SeparableConv2D, layers.MaxPooling2D, layers.AveragePooling2D),
)
POOLS = (layers.MaxPooling2D, layers.AveragePooling2D)

# Layers whose output at a place is made of their input at that place and, of all others, as a whole.
PLACEWISE = (
    *(layers.Activation, layers.ReLU, layers.LeakyReLU, layers.PReLU, layers.ELU, layers.Softmax),
    *(layers.BatchNormalization, layers.LayerNormalization, layers.GroupNormalization, layers.UnitNormalization),
    *(layers.Dropout, layers.SpatialDropout2D, layers.AlphaDropout, layers.GaussianDropout, layers.GaussianNoise),
    *(layers.Dense, layers.EinsumDense, layers.Identity, layers.Rescaling, layers.Normalization),
    *(layers.Add, layers.Subtract, layers.Multiply, layers.Average, layers.Maximum, layers.Minimum),
    layers.MultiHeadAttention,
)


class UnknownRuleError(Exception):
    """Raised where no rule tells where the output lies; what the tensors' shapes allow is tried instead."""


class OtherAxesError(Exception):
    """Raised where a layer takes rows and columns on other axes than assumed."""


def grid_after(operation, grid, given, shape):
    """Return the `Grid` of a layer's output, or None where it has no rows and columns of the image.

    Args:
        operation: The layer or operation.
        grid: The grid of its (first) input that has one.
        given: The shape of that input.
        shape: The shape of the output.

    Raises:
        UnknownRuleError: If no rule fits.
        OtherAxesError: If the layer takes other axes for rows and columns.
    """
    axes = axes_of(operation)
    if axes and not grid.are_tokens and len(given) == 4 and axes != tuple(sorted(grid.axes)):
        raise OtherAxesError
    for kinds, rule in _RULES.items():
        if computes_as(operation, *kinds):
            return rule(operation, grid, given, shape)
    name = own_operation(operation)
    if name in _OPERATIONS:
        return _OPERATIONS[name](operation, grid, given, shape)
    raise UnknownRuleError


def axes_of(operation):
    """Return the axes of rows and columns that a layer of Keras takes, or None."""
    formats = {"channels_first": (2, 3), "channels_last": (1, 2)}
    is_spatial = computes_as(operation, *_OF_FORMAT)
    return formats.get(getattr(operation, "data_format", None)) if is_spatial else None


def _windows(layer, grid, given, shape):
    pooled = computes_as(layer, *POOLS)
    sizes = layer.pool_size if pooled else layer.kernel_size
    dilation = (1, 1) if pooled else layer.dilation_rate
    sides, made = [], tuple(shape[axis] for axis in grid.axes)
    for number, side in enumerate((grid.rows, grid.columns)):
        own, count = _own(grid, number), grid.shape[number]
        stride, window = _pair(layer.strides)[own], (_pair(sizes)[own] - 1) * _pair(dilation)[own] + 1
        lacking = max((made[number] - 1) * stride + window - count, 0)
        sides.append(side.windows(count, made[number], window, stride, lacking // 2 if layer.padding == "same" else 0))
    return grid._replace(shape=made, rows=sides[0], columns=sides[1])


def _transposed(layer, grid, given, shape):
    made, sides = tuple(shape[axis] for axis in grid.axes), []
    for number, side in enumerate((grid.rows, grid.columns)):
        stride = _pair(layer.strides)[_own(grid, number)]
        more = made[number] - grid.shape[number] * stride
        cell = (side.stop - side.start) / grid.shape[number] / stride
        start, stop = side.start - cell * (more // 2), side.stop + cell * (more - more // 2)
        sides.append(side._replace(start=start, stop=stop))
    return grid._replace(shape=made, rows=sides[0], columns=sides[1])


def _placewise(layer, grid, given, shape):
    """The same grid, where the output still has it."""
    if grid.fits(shape) and shape[0] == given[0]:
        return grid
    if computes_as(layer, layers.MultiHeadAttention, layers.Dense):
        return None
    raise UnknownRuleError


def _scaled(layer, grid, given, shape):
    return grid._replace(shape=tuple(shape[axis] for axis in grid.axes))


def _padded(layer, grid, given, shape):
    return _cut(grid, shape, [tuple(-count for count in layer.padding[_own(grid, number)]) for number in (0, 1)])


def _cropped(layer, grid, given, shape):
    return _cut(grid, shape, [layer.cropping[_own(grid, number)] for number in (0, 1)])


def _center_cropped(layer, grid, given, shape):
    made = tuple(shape[axis] for axis in grid.axes)
    if all(own >= new for own, new in zip(grid.shape, made, strict=True)):
        over = [own - new for own, new in zip(grid.shape, made, strict=True)]
        return _cut(grid, shape, [(each // 2, each - each // 2) for each in over])
    return _of_aspect(grid, made)  # a smaller image is enlarged and cropped


def _resized(layer, grid, given, shape):
    made = tuple(shape[axis] for axis in grid.axes)
    if getattr(layer, "crop_to_aspect_ratio", False):
        return _of_aspect(grid, made)
    if getattr(layer, "pad_to_aspect_ratio", False):
        return _of_aspect(grid, made, pad=True)
    return _scaled(layer, grid, given, shape)


def _of_aspect(grid, made, pad=False):
    """Return the grid, cropped (or padded) to the aspect of the new shape around its centre, then resized."""
    pick = max if pad else min
    scale = pick(grid.shape[0] / made[0], grid.shape[1] / made[1])
    sides = []
    for side, own, new in zip((grid.rows, grid.columns), grid.shape, made, strict=True):
        over = (own - new * scale) / 2
        sides.append(side.cut(own, over, over))
    return grid._replace(shape=made, rows=sides[0], columns=sides[1])


def _cut(grid, shape, pairs):
    rows, columns = (
        side.cut(count, *pair) for side, count, pair in zip((grid.rows, grid.columns), grid.shape, pairs, strict=True)
    )
    return grid._replace(shape=tuple(shape[axis] for axis in grid.axes), rows=rows, columns=columns)


def _permuted(layer, grid, given, shape):
    order = getattr(layer, "dims", None) or getattr(layer, "axes", None)
    if order is None or (0 in order and order[0] != 0):
        raise UnknownRuleError
    order = tuple(order) if 0 in order else (0, *order)
    return grid._replace(axes=tuple(order.index(axis) for axis in grid.axes))


def _reshaped(layer, grid, given, shape):
    """Places become tokens, or tokens places again, where the last axes are still the channels."""
    count = grid.shape[0] * grid.shape[1]
    if shape == given:
        return grid
    if grid.axes == (1, 2) and len(shape) == 3 and shape[1:] == (count, math.prod(given[3:])):
        return grid._replace(axes=(1,))
    if grid.are_tokens and grid.first == 0 and given[1] == count and shape[1:3] == grid.shape:
        return grid._replace(axes=(1, 2)) if shape[3:] == given[2:] else None
    if grid.axes == (1, 2) and shape[1:3] == grid.shape:
        return grid  # channels alone are split or joined
    return None


def _nothing(layer, grid, given, shape):
    return None


def _concatenated(layer, grid, given, shape):
    if grid.fits(shape) and all(shape[axis] == given[axis] for axis in grid.axes):
        return grid
    raise UnknownRuleError


def _own(grid, number):
    """Return which of a layer's two sides the rows (0) or columns (1) of the image are."""
    return sorted(grid.axes).index(grid.axes[number])


def _pair(value):
    return tuple(value) if isinstance(value, list | tuple) else (value, value)


_RULES = {
    WINDOWS: _windows,
    (layers.Conv2DTranspose,): _transposed,
    PLACEWISE: _placewise,
    (layers.UpSampling2D, layers.RandomFlip, layers.RandomRotation, layers.RandomZoom): _scaled,
    (layers.RandomTranslation, layers.RandomContrast, layers.RandomBrightness): _scaled,
    (layers.ZeroPadding2D,): _padded,
    (layers.Cropping2D,): _cropped,
    (layers.CenterCrop, layers.RandomCrop): _center_cropped,
    (layers.Resizing,): _resized,
    (layers.Permute,): _permuted,
    (layers.Reshape,): _reshaped,
    (layers.Flatten, layers.GlobalAveragePooling2D, layers.GlobalMaxPooling2D, layers.GlobalAveragePooling1D): _nothing,
    (layers.Concatenate,): _concatenated,
}

_OPERATIONS = {"Transpose": _permuted, "Reshape": _reshaped, "Mean": _nothing, "Max": _nothing, "Sum": _nothing}

_OF_FORMAT = (
    *WINDOWS,
    *(layers.Conv2DTranspose, layers.UpSampling2D, layers.ZeroPadding2D, layers.Cropping2D, layers.CenterCrop),
    *(layers.Resizing, layers.GlobalAveragePooling2D, layers.GlobalMaxPooling2D),
)

__all__ = ["Grid", "OtherAxesError", "UnknownRuleError", "axes_of", "grid_after"]
