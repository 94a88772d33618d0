"""The octave runner: deep dream on pictures with one model, octave by octave, step by step, tile by tile."""

import logging
from typing import NamedTuple

import numpy as np

from keras_see.deepdream.layer_objectives import layer_objectives_of
from keras_see.deepdream.tile_step import TileStep
from keras_see.deepdream.tiles import tile_count, tile_sides, tiles, wrap_padded
from keras_see.model.inputs import check_model, input_shapes
from keras_see.optimization.image_spec import image_spec_of
from keras_see.optimization.preprocessing import USUAL_SIZE
from keras_see.visualization.resizing import resized_image

# Maximum wrap-around padding in pixels, wide enough that no edge remains where opposite borders meet.
WRAP_PADDING = 32

_LOGGER = logging.getLogger("keras_see")


class Octave(NamedTuple):
    """A finished octave.

    Attributes:
        photo: The photo in the octave's size, float32 `(height, width, k)`.
        picture: The dream on it, likewise.
        values: The objective's value before each step, relative to that of the first octave's photo: `(steps,)`.
    """

    photo: np.ndarray
    picture: np.ndarray
    values: np.ndarray


class OctaveRunner:
    """Runs the octaves of dreams with one model; its compiled steps, one per tile shape, are kept for later pictures.

    Args:
        model: A built Keras model with one input.
        layers: As for `dream`.
        tile: `(height, width)`, the largest tile.
        value_range: `(low, high)` of the pictures.
        preprocess: A function from pictures to what the model takes, or None.
        guide: float32 `(height, width, k)` in the same range, or None.

    Attributes:
        objectives: The `LayerObjective`s.
    """

    def __init__(self, model, layers=None, *, tile, value_range, preprocess=None, guide=None):
        check_model(model)
        self._model, self._preprocess, self._range = model, preprocess, value_range
        self._fixed_sides = (input_shapes(model) or [(None,) * 4])[0][1:3]  # None where the model takes any
        self._largest = [side or most for side, most in zip(self._fixed_sides, tile, strict=True)]
        self._steps, self._guides = {}, []
        size = USUAL_SIZE if guide is None else _scaled(guide.shape[:2], max(USUAL_SIZE))
        sides = self._as_fixed(tile_sides(size, self._largest))
        self.objectives = layer_objectives_of(layers, self._image_spec(sides).layer_calls)
        if guide is not None:
            self._guides = self._guide_features(resized_image(guide, sides))

    @property
    def traces(self):
        """How many traces the steps made (on PyTorch one per call)."""
        return sum(step.traces for step in self._steps.values())

    def check_size(self, size):
        """Raise unless the model can take a picture of this size."""
        if self._can_take(size):
            return
        if any(self._fixed_sides) or not self._can_take(USUAL_SIZE):
            self._step(size)  # raises what is wrong
        raise ValueError(
            "`image` must be large enough for every layer of the model to keep rows and columns. "
            f"Got {size[0]} × {size[1]} pixels. Pass a larger one."
        )

    def octave_sizes(self, size, octaves, scale):
        """Return the sizes of a picture's octaves that the model can take, smallest first; log the others."""
        sizes = [tuple(max(round(side / scale**k), 1) for side in size) for k in reversed(range(octaves))]
        kept = [each for each in sizes if self._can_take(each)]
        if len(kept) < len(sizes):
            left_out = ", ".join(f"{height} × {width}" for height, width in sizes if (height, width) not in kept)
            _LOGGER.warning("Octaves left out, since they are too small for the model: %s.", left_out)
        return kept

    def count_tiles(self, size):
        """Return the number of tiles of one step in a picture of this size."""
        return tile_count(_padded_size(size), self.sides(size))

    def sides(self, size):
        """Return `(height, width)` of the tiles of a picture of this size."""
        return self._as_fixed(tile_sides(_padded_size(size), self._largest))

    def octaves(self, colors, sizes, *, steps, step_size, mask=None, seed=0, progress=None):
        """Yield each `Octave` of a dream on a photo when it is finished.

        Only what the dream has added is enlarged from octave to octave: each octave starts from the photo's own detail
        plus that. A step moves along each tile's gradient over its root mean square. The tiles are shifted at each
        step, so that their borders stay invisible.

        Args:
            colors: float32 `(height, width, k)`.
            sizes: As `octave_sizes` returns them.
            steps: Steps per octave.
            step_size: Root mean square of a step, as a share of the range.
            mask: float32 `(height, width, 1)`, by which steps are multiplied, or None.
            seed: Seed of the tiles' shifts.
            progress: A function of each tile's value, or None.
        """
        length, added, first = step_size * (self._range[1] - self._range[0]), None, None
        for number, size in enumerate(sizes):
            photo = _clipped(resized_image(colors, size), self._range)
            part = None if mask is None else _clipped(resized_image(mask, size), (0, 1))
            picture = wrap_padded(photo if added is None else self._with(photo, added, part), _padding(size))
            part = None if mask is None else wrap_padded(part, _padding(size))
            first = self._first_values(picture, size) if first is None else first
            values = []
            for step in range(steps):
                corner = np.random.default_rng((seed, number, step)).integers(picture.shape[:2])
                parts, goals = tiles(picture.shape[:2], self.sides(size), corner), [first, *self._guides]
                values.append(self._step_in_tiles(picture, parts, self._step(size), goals, length, part, progress))
            picture = picture[: size[0], : size[1]]
            yield Octave(photo, picture, np.array(values, "float32"))
            added = picture - photo

    def _with(self, photo, added, mask):
        """Return a photo plus what the previous octave has added, only where the mask allows it."""
        picture = resized_image(added, photo.shape[:2])
        if mask is not None:
            picture *= mask > 0
        picture += photo
        return _clipped(picture, self._range)

    def _step_in_tiles(self, picture, parts, step, goals, length, mask, progress):
        """Take one step in each tile of a picture, in place, and return the mean of the values before it."""
        values = []
        for tile in parts:
            weight = 1.0 if mask is None else mask[tile.place]
            if np.any(weight):
                pixels = tile.of(picture)
                value, direction = step(pixels, goals)
                moved = pixels[tile.own] + length * weight * direction[tile.own]
                picture[tile.place] = _clipped(moved, self._range)
                values.append(value)
            if progress is not None:
                progress(values[-1] if values else 0.0)
        return np.mean(values) if values else 0.0

    def _first_values(self, picture, size):
        """Return each objective's value of a photo, to which all later ones are relative; 1 where it is zero."""
        parts = tiles(picture.shape[:2], self.sides(size), (0, 0))
        values = [self._step(size).values(tile.of(picture), self._guides) for tile in parts]
        first = np.abs(np.mean(values, axis=0))
        return np.where(first > 0, first, 1.0).astype("float32")

    def _guide_features(self, guide):
        if any(objective.channel is not None for objective in self.objectives):
            raise ValueError(
                "A guided dream takes whole layers, for the guide says which of their features are wanted. "
                "Got a single channel. Leave out ':' and the number, or `guide`."
            )
        return [part.reshape(-1, part.shape[-1]) for part in self._step_of(guide.shape[:2]).features(guide)]

    def _can_take(self, size):
        try:
            self._step(size)
        except ValueError:
            return False
        return True

    def _step(self, size):
        """Return the compiled step for the tiles of a picture of this size."""
        sides = self.sides(size)
        if any(fixed is not None and fixed > side for fixed, side in zip(self._fixed_sides, size, strict=True)):
            raise ValueError(
                f"The photo must be at least as large as what the model takes, {sides[0]} × {sides[1]}. "
                f"It is {size[0]} × {size[1]}. Enlarge it, or choose a model that takes any size."
            )
        return self._step_of(sides)

    def _step_of(self, sides):
        if sides not in self._steps:
            self._steps[sides] = TileStep(self._model, self._image_spec(sides), self.objectives)
        return self._steps[sides]

    def _as_fixed(self, sides):
        """Return sides with those that the model prescribes."""
        return tuple(fixed or side for fixed, side in zip(self._fixed_sides, sides, strict=True))

    def _image_spec(self, sides):
        options = {"value_range": self._range, "preprocess": self._preprocess, "parameterization": "pixels"}
        return image_spec_of(self._model, size=sides, **options)


def _padding(size):
    return tuple(min(WRAP_PADDING, side // 2) for side in size)


def _padded_size(size):
    return tuple(side + more for side, more in zip(size, _padding(size), strict=True))


def _clipped(picture, value_range):
    """Return a picture clipped to the range; the picture itself where nothing is outside."""
    low, high = value_range
    return picture if low <= picture.min() and picture.max() <= high else picture.clip(low, high)


def _scaled(size, longest):
    """Return a size of the same proportions whose longer side is `longest`."""
    return tuple(max(round(side * longest / max(size)), 1) for side in size)
