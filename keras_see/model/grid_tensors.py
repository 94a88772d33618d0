"""Tensors between a model's own axes and `(n, rows, columns, channels)`, and maps laid where they lie on the image."""

import numpy as np
from keras import ops


def arranged(tensor, grid):
    """Return features as `(n, rows, columns, channels)`: of tokens those of the image, its channels last."""
    if grid is None or (grid.axes == (1, 2) and len(tensor.shape) == 4):
        return tensor
    if grid.are_tokens:
        places = tensor[:, grid.first : grid.first + grid.shape[0] * grid.shape[1]]
        return ops.reshape(places, (tensor.shape[0], *grid.shape, -1))
    if grid.axes == (1, 2):  # several axes of channels, or none
        return ops.reshape(tensor, (tensor.shape[0], *grid.shape, -1))
    return ops.moveaxis(tensor, grid.axes, (1, 2))


def restored(tensor, grid, shape):
    """Return what `arranged` has arranged in its own axes again, with zeros for tokens that are no places.

    Args:
        tensor: `(n, rows, columns, channels)`.
        grid: The `Grid`.
        shape: The shape of the features in the model, whatever its first axis.
    """
    if grid is None:
        return tensor
    if grid.are_tokens:
        tokens = ops.reshape(tensor, (tensor.shape[0], -1, shape[-1]))
        after = shape[1] - grid.first - tokens.shape[1]
        return ops.pad(tokens, ((0, 0), (grid.first, after), (0, 0)))
    if grid.axes == (1, 2):
        return ops.reshape(tensor, (tensor.shape[0], *shape[1:]))
    return ops.moveaxis(tensor, (1, 2), grid.axes)


def placed(maps, grid):
    """Return maps `(n, rows, columns)` of a grid laid where it lies, in cells of about its own size over the image.

    A cell gets the mean of what lies in it: nothing where the layer sees nothing. Maps of a grid that covers the image
    are returned as they are.
    """
    if grid is None or grid.is_whole:
        return maps
    rows, columns = (_shares(side, count) for side, count in zip(grid[2:4], grid.shape, strict=True))
    return ops.einsum("ir,nrc,jc->nij", ops.convert_to_tensor(rows), maps, ops.convert_to_tensor(columns))


def _shares(side, count):
    """Return `(cells of the image, cells of the side)`: how much of each of the first lies in each of the second."""
    edges = np.linspace(side.start, side.stop, count + 1)
    wanted = np.linspace(0, 1, max(round(count / (side.stop - side.start)), 1) + 1)
    low = np.maximum(wanted[:-1, None], edges[None, :-1])
    high = np.minimum(wanted[1:, None], edges[None, 1:])
    return (np.maximum(high - low, 0) / np.diff(wanted)[:, None]).astype("float32")
