"""The layout of a run: which calls give rows and columns of an image, and where these lie on it."""

import keras

from keras_see.model.activations import computes_as
from keras_see.model.grid import Grid
from keras_see.model.grid_rules import OtherAxesError, UnknownRuleError, grid_after
from keras_see.model.relations import ATTENTION

# The most tokens beside those of the image: a class token, one of distillation, registers (Darcet et al. 2024).
MOST_EXTRA = 8


class Layout:
    """Finds the grid of each call of a run on one image.

    Args:
        number: The number of the image among the model's inputs.
        image: Its tensor.
        records: A `Record` per call, in execution order.
        known: Path -> `Grid` or None, for calls that were probed.

    Attributes:
        unsure: Path -> the `Grid` that its shape suggests (or None), of calls whose place no rule tells.
    """

    def __init__(self, number, image, records, known):
        self._number, self._image, self._records, self._known = number, image, records, known

    def settle(self):
        """Set `grids` and `input_grids` of the calls, and return the image's own grid.

        The image's channels are where its layers take them.
        """
        usual = keras.config.image_data_format() == "channels_first" and len(self._image.shape) == 4
        for axes in ((2, 3), (1, 2)) if usual else ((1, 2), (2, 3)):
            try:
                return self._settle(axes)
            except OtherAxesError:
                continue
        return self._settle((1, 2), strict=False)

    def _settle(self, axes, strict=True):
        self._forget()
        shape = tuple(self._image.shape)
        whole = Grid(tuple(shape[axis] for axis in axes), axes)
        self._grids = {id(self._image): whole}
        self._found, self.unsure = [], {}  # (record, grid), in order
        for record in self._records:
            if self._number not in record.call.sees or record.is_inside:
                continue
            grid = self._grid(record, whole, strict)
            if grid is not None and record.call.shape and grid.fits(record.call.shape) and self._is_unfolded(record):
                record.call.grids[self._number] = grid
                self._grids[id(record.output)] = grid
                self._found.append((record, grid))
        return whole

    def _forget(self):
        for record in self._records:
            record.call.grids.pop(self._number, None)
            record.call.input_grids.pop(self._number, None)

    def _is_unfolded(self, record):
        return record.call.shape[0] == self._image.shape[0]

    def _grid(self, record, whole, strict):
        """Return the grid of a call's output, or None."""
        if record.call.path in self._known:
            return self._known[record.call.path]
        if id(record.output) in self._grids:
            return self._grids[id(record.output)]
        source = self._source(record, whole)
        if source is not None:
            record.call.input_grids[self._number] = source[0]
        if record.call.is_leaf or computes_as(record.call.operation, *ATTENTION):
            if source is None:
                return None
            try:
                return grid_after(record.call.operation, *source, record.call.shape or ())
            except OtherAxesError:
                if strict:
                    raise
                return None
            except (UnknownRuleError, IndexError, TypeError, ZeroDivisionError):
                pass
        return self._by_shape(record, record.call.shape, whole, is_output=True)

    def _source(self, record, whole):
        """Return the grid and the shape of the first tensor that a call takes which has a grid, or None."""
        for tensor in record.given:
            shape = tuple(tensor.shape)
            grid = self._grids.get(id(tensor)) or self._by_shape(record, shape, whole)
            if grid is not None:
                return grid, shape
        return None

    def _by_shape(self, record, shape, whole, is_output=False):
        """Return the grid of a tensor that no rule knows, by its shape and what it may be made of: the latest first."""
        if not shape or len(shape) not in (3, 4) or shape[0] != self._image.shape[0]:
            return None
        sources = [
            (grid, other.call.shape)
            for other, grid in reversed(self._found)
            if other is not record and record.depends_on(other)
        ]
        for grid, own in [*sources, (whole, tuple(self._image.shape))]:
            if len(own) == len(shape) and grid.fits(shape):
                return grid
            found = _as_tokens(grid, shape) if len(shape) == 3 else _from_tokens(grid, shape)
            if found is not None:
                return found
        latest = sources[0][0] if sources else whole
        guess = _scaled(latest, shape)
        if is_output and (guess is not None or (len(shape) == 4 and not latest.are_tokens and min(shape[1:3]) > 1)):
            self.unsure[record.call.path] = guess
        return guess


def _as_tokens(grid, shape):
    """Return the grid of tokens `(batch, tokens, channels)` of these rows and columns, or None."""
    extra = shape[1] - grid.shape[0] * grid.shape[1]
    return grid._replace(axes=(1,), first=extra) if 0 <= extra <= min(MOST_EXTRA, shape[1] - 1) else None


def _from_tokens(grid, shape):
    if grid.are_tokens and shape[1:3] == grid.shape:
        return grid._replace(axes=(1, 2), first=0)
    return None


def _scaled(grid, shape):
    """Return the grid with cells joined (or parted) by one factor in rows and columns alike, or None."""
    if len(shape) == 3:
        for factor in range(2, min(grid.shape) + 1):
            made = tuple(side // factor for side in grid.shape)
            if made[0] * made[1] == shape[1] and not any(side % factor for side in grid.shape):
                return grid._replace(shape=made, axes=(1,), first=0)
        return None
    axes = (1, 2) if grid.are_tokens else grid.axes
    made = tuple(shape[axis] for axis in axes)
    if min(made) < 2:
        return None
    factors = [own / new for own, new in zip(grid.shape, made, strict=True)]
    is_even = all(abs(own / max(factors) - new) < 1 for own, new in zip(grid.shape, made, strict=True))
    return grid._replace(shape=made, axes=axes) if is_even else None
