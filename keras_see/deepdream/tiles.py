"""Cut a picture into tiles that cover every pixel once, from a new corner at each step."""

import math
from typing import NamedTuple

import numpy as np


class Tile(NamedTuple):
    """A tile of a picture whose rows and columns wrap around.

    Attributes:
        rows: Indices of the tile's rows.
        columns: Indices of its columns.
        own: Two slices: the tile's rows and columns that no earlier tile covers.
    """

    rows: np.ndarray
    columns: np.ndarray
    own: tuple

    def of(self, picture):
        """Return the tile's pixels, a copy."""
        return picture[np.ix_(self.rows, self.columns)]

    @property
    def place(self):
        """The index of the tile's own pixels in the picture."""
        return np.ix_(self.rows[self.own[0]], self.columns[self.own[1]])


def wrap_padded(picture, margin):
    """Return a picture `(height, width, k)` padded by `margin` rows and columns so that it wraps around seamlessly.

    The padding cross-fades the mirror images of both ends. Without it a network sees, and enhances, an edge where the
    last row meets the first.
    """
    for axis, more in enumerate(margin):
        shares = (np.arange(1, more + 1) / (more + 1)).reshape([-1 if each == axis else 1 for each in range(3)])
        ends = np.flip(picture.take(range(-more, 0), axis), axis), np.flip(picture.take(range(more), axis), axis)
        between = ((1 - shares) * ends[0] + shares * ends[1]).astype(picture.dtype)
        picture = np.concatenate([picture, between], axis)
    return picture


def tile_sides(size, most):
    """Return `(height, width)` of equal tiles, at most `most` large, that cover this size with the least overlap."""
    return tuple(math.ceil(side / math.ceil(side / limit)) for side, limit in zip(size, most, strict=True))


def tiles(size, sides, corner):
    """Yield the tiles of a picture of this size; their own pixels cover every pixel exactly once.

    The last tile of a row or column is shifted inwards where it would not fit, so that all have one shape.

    Args:
        size: `(height, width)` of the picture.
        sides: `(height, width)` of the tiles, no larger than the picture.
        corner: `(row, column)` where the first tile starts; tiles wrap around at the end.
    """
    lines = [_pieces(*each) for each in zip(size, sides, corner, strict=True)]
    for rows, own_rows in lines[0]:
        for columns, own_columns in lines[1]:
            yield Tile(rows, columns, (own_rows, own_columns))


def tile_count(size, sides):
    """Return how many tiles cover this size."""
    return math.prod(math.ceil(side / each) for side, each in zip(size, sides, strict=True))


def _pieces(length, side, start):
    """Return, for each tile along one axis, its indices and the slice of them that no earlier tile covers."""
    found = []
    for first in range(0, length, side):
        begin = min(first, length - side)
        found.append(((start + begin + np.arange(side)) % length, slice(first - begin, side)))
    return found
