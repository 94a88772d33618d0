"""Deep dream: enhance in a photo whatever a network sees in it."""

from __future__ import annotations

from collections.abc import Mapping

import keras
import numpy as np
from numpy.typing import ArrayLike

from keras_see._progress import Progress
from keras_see._types import Layers, OptimizedImages, Preprocess
from keras_see.deepdream.image_array import photo_of, picture_array, resized
from keras_see.deepdream.octaves import Dreamer
from keras_see.deepdream.recipe import Recipe
from keras_see.model.inputs import as_array, check_model
from keras_see.optimization.preprocessing import made_shape

DEFAULT = Recipe()


def dream(
    model: keras.Model,
    image: ArrayLike,
    layers: Layers | Mapping[str, float] | None = None,
    *,
    octaves: int = DEFAULT.octaves,
    octave_scale: float = DEFAULT.octave_scale,
    steps: int = DEFAULT.steps,
    step_size: float = DEFAULT.step_size,
    tile: int | tuple[int, int] = DEFAULT.tile,
    guide: ArrayLike | None = None,
    strength: float = DEFAULT.strength,
    mask: ArrayLike | None = None,
    seed: int = 0,
    preprocess: Preprocess | None = None,
    value_range: tuple[float, float] | None = None,
    return_history: bool = False,
    verbose: bool | None = None,
) -> OptimizedImages:
    r"""Return a photo in which everything is enhanced that layers of a model see in it.

    Each step climbs $\sum_l w_l\, \overline{f_l(x)^2} / \overline{f_l(x_0)^2}$, the weighted mean square of layers'
    features, each over that of the photo, from small versions of the photo to the whole (Mordvintsev, Olah and Tyka
    2015, *Inceptionism*; DeepDream, https://github.com/google/deepdream). The photo's detail, lost in the small
    versions, comes back with each octave. A step looks at one tile after the other, so that photos of any size fit in
    the memory of one tile, and the tiles lie elsewhere at each step, so that they leave no seams.

    Args:
        model: A built Keras model with one input.
        image: `(height, width)` or `(height, width, channels)`: grey, RGB, either with alpha (which is kept), or of the
            model's own channels; uint8, or floats in 0 to 1, −1 to 1 or 0 to 255.
        layers: What to dream of: a layer (its name, path, the unique end of a path, or itself), a single channel
            `"layer:7"`, a list of these, or a dict from these to weights, which may be negative. By default two
            layers, at 0.2 and 0.45 of the depth. Early layers give strokes and patterns, later ones things.
        octaves: In how many sizes. What is too small for the model is left out, with a line in the log.
        octave_scale: How much larger each is than the one before.
        steps: In each octave.
        step_size: Root mean square of a step, as a share of the range of values.
        tile: Largest side of a tile in pixels, or `(height, width)`: bounds the memory. A model of fixed size takes
            tiles of that size.
        guide: Another image: places are drawn towards those of its features that they resemble most.
        strength: How much of what was dreamt is laid over the photo: 0 none, 1 all.
        mask: `(height, width)`, boolean or from 0 to 1: where, and how strongly, to dream. Elsewhere the photo stays
            as it is, bit for bit.
        seed: Equal seeds give equal dreams; it says where the tiles lie.
        preprocess: Makes of images in the range of `image` what the model takes: a linear function of each pixel,
            or one made of `keras.ops`.
        value_range: `(low, high)`, black and white of `image`; recognised by default.
        return_history: Whether to return also what each step reached: 1 is the photo, float32 `(octaves, steps)`.
        verbose: Whether to show a bar; by default if it takes longer than some seconds.

    Returns:
        An array of the shape, the type and the range of `image`; with `return_history`, that and the history.

    Raises:
        TypeError: If `model` is no model or `image` no array of numbers.
        ValueError: If an argument does not fit the model, before anything is computed; or if the layers do not depend
            on the image.

    Example:
        >>> import numpy as np
        >>> from keras_see import gap_classifier
        >>> photo = np.random.default_rng(0).integers(0, 256, (48, 64, 3), "uint8")
        >>> dreamt = dream(gap_classifier(5, (None, None, 3)), photo, octaves=2, steps=2)
        >>> dreamt.shape, dreamt.dtype
        ((48, 64, 3), dtype('uint8'))
    """
    recipe = Recipe(octaves, octave_scale, steps, step_size, tile, strength, seed)
    photo = photo_for(model, image, value_range)
    mask = None if mask is None else checked_mask(mask, photo.size)
    dreamer = dreamer_for(model, layers, photo, recipe, guide=guide, preprocess=preprocess)
    history = []
    for octave in dreams(dreamer, photo, recipe, mask=mask, verbose=verbose):
        history.append(octave.reached)
    result = laid_over(photo, octave, recipe.strength)
    return (result, np.stack(history)) if return_history else result


def photo_for(model, image, value_range=None, name="image"):
    """Return the `Photo` of an image for a model, sure that both fit."""
    check_model(model)
    return photo_of(image, made_shape(model, fixed=False)[-1], value_range, name)


def dreamer_for(model, layers, photo, recipe, *, guide=None, preprocess=None):
    """Return a `Dreamer` for photos like this one; it may be used for several of one size without another trace."""
    if guide is not None:
        guide = _guide_like(photo, model, guide)
    sides = np.broadcast_to(recipe.tile, 2).tolist()
    return Dreamer(model, layers, tile=sides, value_range=photo.value_range, preprocess=preprocess, guide=guide)


def dreams(dreamer, photo, recipe, *, mask=None, verbose=None):
    """Yield each octave of a dream when it is finished, sure that it moved and is finite."""
    sizes = dreamer.octave_sizes(photo.size, recipe.octaves, recipe.octave_scale)
    bar = Progress(recipe.steps * sum(map(dreamer.count_tiles, sizes)), verbose, unit="tile")
    options = {"steps": recipe.steps, "step_size": recipe.step_size, "seed": recipe.seed}
    for octave in dreamer.octaves(photo.colors, sizes, mask=mask, progress=bar.update, **options):
        if not np.all(np.isfinite(octave.reached)) or not np.all(np.isfinite(octave.picture)):
            raise ValueError(
                "The model must give finite numbers and gradients. Dreaming gave NaN or infinity. "
                "Look for it in the weights, or for a `preprocess` that the model was not made for."
            )
        if (mask is None or mask.any()) and np.array_equal(octave.photo, octave.picture):
            raise ValueError(
                "The photo must have a gradient to climb. Nothing that is wished for depends on it: the layers are "
                "all zero on it, or ignore their input. Choose other layers, or look at `preprocess`."
            )
        yield octave


def laid_over(photo, octave, strength):
    """Return the array of a photo with what an octave has added to it, whatever the octave's size."""
    added = resized(octave.picture - octave.photo, photo.size)
    added *= strength
    return photo.plus(added)


def _guide_like(photo, model, guide):
    """Return the colours of a guide in the range and the channels of the photo."""
    kind = picture_array(guide, "guide").dtype
    known = photo.value_range if kind == photo.image.dtype and kind.kind == "f" else None
    found = photo_for(model, guide, known, name="guide")
    (low, high), (least, most) = photo.value_range, found.value_range
    colors = (found.colors - least) * ((high - low) / (most - least)) + low
    channels = photo.colors.shape[-1]
    if colors.shape[-1] == channels:
        return colors
    return colors.mean(axis=-1, keepdims=True) if channels == 1 else np.repeat(colors, channels, axis=-1)


def checked_mask(mask, size):
    """Return a mask as float32 `(height, width, 1)`, sure that it is one for a photo of this size."""
    wanted = f"`mask` must have the photo's height and width, {tuple(size)}"
    array = as_array(mask, wanted, "Make all of its rows equally long.")
    array = array[..., 0] if array.ndim == 3 and array.shape[-1] == 1 else array
    if array.shape != tuple(size) or array.dtype.kind not in "biuf":
        raise ValueError(f"{wanted}. Got shape {array.shape} of {array.dtype}. Resize it to that.")
    if not np.all((array >= 0) & (array <= 1)):
        raise ValueError(
            f"`mask` must be boolean or go from 0 to 1. Its values go from {array.min():g} to {array.max():g}. "
            "Divide it by its greatest value."
        )
    return array.astype("float32")[..., None]
