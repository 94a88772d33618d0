"""Grids: where the rows and columns of a tensor lie on the image that it was made of."""

from typing import NamedTuple

# How far what a layer sees may end from the image's edge, as a share of the image, before maps of it are laid where it
# lies. Pixels that windows without padding leave out at the edges do not count.
TOLERANCE = 0.1


class Side(NamedTuple):
    """One side of a grid, in shares of the image's side.

    Attributes:
        start: Where the first cell begins, so that the cells' centres lie where what they see has its centre.
        stop: Where the last cell ends.
        low: Where the part of the image begins that is left of it by crops.
        high: Where that part ends.
    """

    start: float = 0.0
    stop: float = 1.0
    low: float = 0.0
    high: float = 1.0

    def windows(self, count, made, window, stride, before):
        """Return the side of `made` cells, each of which sees a window of the `count` cells of this one.

        Args:
            count: Number of cells of this side.
            made: Number of cells of the new side.
            window: Length of a window, in cells.
            stride: From one window to the next, in cells.
            before: How many cells the first window begins before the first cell.
        """
        cell = (self.stop - self.start) / count
        start = self.start + cell * (window / 2 - before - stride / 2)
        return self._replace(start=start, stop=start + cell * stride * made)

    def cut(self, count, before, after):
        """Return the side without some of its cells; negative numbers add cells."""
        cell = (self.stop - self.start) / count
        start, stop = self.start + cell * before, self.stop - cell * after
        return Side(start, stop, max(self.low, start), min(self.high, stop))

    def is_whole(self, count):
        """Whether its cells may be drawn over the whole image: they see all of it, and none lies outside."""
        outside = max(-self.start, self.stop - 1)
        return max(self.low, 1 - self.high) <= TOLERANCE and outside <= max(TOLERANCE, (self.stop - self.start) / count)


class Grid(NamedTuple):
    """Rows and columns of a tensor, on one image.

    Attributes:
        shape: Numbers of rows and columns.
        axes: Their axes in the tensor; one axis where each place is a token.
        rows: The `Side` of the rows, from top to bottom.
        columns: The `Side` of the columns, from left to right.
        first: Number of the first token that is a place of the image; class tokens come before.
    """

    shape: tuple
    axes: tuple = (1, 2)
    rows: Side = Side()
    columns: Side = Side()
    first: int = 0

    @property
    def are_tokens(self):
        """Whether rows and columns lie in one axis."""
        return len(self.axes) == 1

    @property
    def is_whole(self):
        """Whether maps of it may be drawn over the whole image."""
        return self.rows.is_whole(self.shape[0]) and self.columns.is_whole(self.shape[1])

    def fits(self, shape):
        """Return whether a tensor of this shape has these rows and columns on these axes."""
        if max(self.axes) >= len(shape):
            return False
        if self.are_tokens:
            return shape[self.axes[0]] == self.first + self.shape[0] * self.shape[1]
        return tuple(shape[axis] for axis in self.axes) == self.shape
