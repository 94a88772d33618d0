"""Dream on pictures with one model: octave by octave, step by step, tile by tile."""

import logging
from typing import NamedTuple

import numpy as np

from keras_see.deepdream.image_array import resized
from keras_see.deepdream.layer_objectives import wishes_of
from keras_see.deepdream.tile_step import TileStep
from keras_see.deepdream.tiles import closed, tile_count, tile_sides, tiles
from keras_see.model.inputs import check_model, input_shapes
from keras_see.optimization.image_spec import canvas_of
from keras_see.optimization.preprocessing import USUAL_SIZE

# How many rows and columns lead back from a picture's end to its start, at most; wide enough that no edge is left.
MARGIN = 32

_LOGGER = logging.getLogger("keras_see")


class Octave(NamedTuple):
    """A finished octave.

    Attributes:
        photo: In the octave's size, float32 `(height, width, k)`.
        picture: The dream on it, likewise.
        reached: What each step reached, over what there was at first: `(steps,)`.
    """

    photo: np.ndarray
    picture: np.ndarray
    reached: np.ndarray


class Dreamer:
    """What dreams, and keeps its compiled steps, one per shape of tile, from picture to picture.

    Args:
        model: A built Keras model with one input.
        layers: As for `dream`.
        tile: `(height, width)`, the largest tile.
        value_range: `(low, high)` of the pictures.
        preprocess: Makes of pictures what the model takes, or None.
        guide: float32 `(height, width, k)` in the same range, or None.
    """

    def __init__(self, model, layers=None, *, tile, value_range, preprocess=None, guide=None):
        check_model(model)
        self._model, self._preprocess, self._range = model, preprocess, value_range
        self._own = (input_shapes(model) or [(None,) * 4])[0][1:3]  # None where the model takes any
        self._most = [side or most for side, most in zip(self._own, tile, strict=True)]
        self._steps, self._guides = {}, []
        size = USUAL_SIZE if guide is None else _scaled(guide.shape[:2], max(USUAL_SIZE))
        sides = self._fixed(tile_sides(size, self._most))
        self.wishes = wishes_of(layers, self._canvas(sides).layer_calls)
        if guide is not None:
            self._guides = self._features_of(resized(guide, sides))

    @property
    def traces(self):
        """How often Python went through a step (on PyTorch: at each)."""
        return sum(step.traces for step in self._steps.values())

    def octave_sizes(self, size, octaves, scale):
        """Return the sizes of a picture's octaves, smallest first, that the model can take; tells of the others."""
        sizes = [tuple(max(round(side / scale**k), 1) for side in size) for k in reversed(range(octaves))]
        self._step(size)  # what is wrong with the photo itself is said as it is
        kept = [each for each in sizes if self._can_take(each)]
        if len(kept) < len(sizes):
            left_out = ", ".join(f"{height} × {width}" for height, width in sizes if (height, width) not in kept)
            _LOGGER.warning("Octaves left out, for they are too small for the model: %s.", left_out)
        return kept

    def count_tiles(self, size):
        """Return how many tiles one step has in a picture of this size."""
        return tile_count(_closed_size(size), self.sides(size))

    def sides(self, size):
        """Return `(height, width)` of the tiles of a picture of this size."""
        return self._fixed(tile_sides(_closed_size(size), self._most))

    def octaves(self, colors, sizes, *, steps, step_size, mask=None, seed=0, progress=None):
        """Yield each `Octave` of a dream on a photo when it is finished.

        What a dream adds to the photo is all that is enlarged from octave to octave: the photo's own detail comes in
        anew with each. A step goes along each tile's gradient over its root mean square; the tiles lie elsewhere at
        each step, so that their borders leave no trace.

        Args:
            colors: float32 `(height, width, k)`.
            sizes: As `octave_sizes` returns them.
            steps: Per octave.
            step_size: Root mean square of a step, as a share of the range.
            mask: float32 `(height, width, 1)`, by which steps are multiplied, or None.
            seed: Of where the tiles lie.
            progress: A function of what each tile reached, or None.
        """
        length, added, first = step_size * (self._range[1] - self._range[0]), None, None
        for number, size in enumerate(sizes):
            photo = _inside(resized(colors, size), self._range)
            part = None if mask is None else _inside(resized(mask, size), (0, 1))
            picture = closed(photo if added is None else self._with(photo, added, part), _margin(size))
            part = None if mask is None else closed(part, _margin(size))
            first = self._first(picture, size) if first is None else first
            reached = []
            for step in range(steps):
                corner = np.random.default_rng((seed, number, step)).integers(picture.shape[:2])
                walk = tiles(picture.shape[:2], self.sides(size), corner)
                reached.append(
                    self._walk(picture, walk, self._step(size), [first, *self._guides], length, part, progress)
                )
            picture = picture[: size[0], : size[1]]
            yield Octave(photo, picture, np.array(reached, "float32"))
            added = picture - photo

    def _with(self, photo, added, mask):
        """Return a photo with what the octave before has added, only where the mask lets it."""
        picture = resized(added, photo.shape[:2])
        if mask is not None:
            picture *= mask > 0
        picture += photo
        return _inside(picture, self._range)

    def _walk(self, picture, walk, take, wanted, length, mask, progress):
        """Take one step in each tile of a picture, in place, and return the mean of what they reached before it."""
        reached = []
        for tile in walk:
            weight = 1.0 if mask is None else mask[tile.place]
            if np.any(weight):
                seen = tile.of(picture)
                amount, way = take(seen, wanted)
                picture[tile.place] = _inside(seen[tile.own] + length * weight * way[tile.own], self._range)
                reached.append(amount)
            if progress is not None:
                progress(reached[-1] if reached else 0.0)
        return np.mean(reached) if reached else 0.0

    def _first(self, picture, size):
        """Return how much of each wish a photo holds, so that weights count alike; 1 where that is nothing."""
        walk = tiles(picture.shape[:2], self.sides(size), (0, 0))
        found = [self._step(size).amounts(tile.of(picture), self._guides) for tile in walk]
        first = np.abs(np.mean(found, axis=0))
        return np.where(first > 0, first, 1.0).astype("float32")

    def _features_of(self, guide):
        if any(wish.channel is not None for wish in self.wishes):
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
        if any(own is not None and own > whole for own, whole in zip(self._own, size, strict=True)):
            raise ValueError(
                f"The photo must be at least as large as what the model takes, {sides[0]} × {sides[1]}. "
                f"It is {size[0]} × {size[1]}. Enlarge it, or choose a model that takes any size."
            )
        return self._step_of(sides)

    def _step_of(self, sides):
        if sides not in self._steps:
            self._steps[sides] = TileStep(self._model, self._canvas(sides), self.wishes)
        return self._steps[sides]

    def _fixed(self, sides):
        """Return sides with those that the model prescribes."""
        return tuple(own or side for own, side in zip(self._own, sides, strict=True))

    def _canvas(self, sides):
        options = {"value_range": self._range, "preprocess": self._preprocess, "parameterization": "pixels"}
        return canvas_of(self._model, size=sides, **options)


def _margin(size):
    return tuple(min(MARGIN, side // 2) for side in size)


def _closed_size(size):
    return tuple(side + more for side, more in zip(size, _margin(size), strict=True))


def _inside(picture, value_range):
    """Return a picture without what is out of range; one without any is returned as it is."""
    low, high = value_range
    return picture if low <= picture.min() and picture.max() <= high else picture.clip(low, high)


def _scaled(size, longest):
    """Return a size of the same proportions whose longer side is `longest`."""
    return tuple(max(round(side * longest / max(size)), 1) for side in size)
