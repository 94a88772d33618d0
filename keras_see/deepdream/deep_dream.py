"""`dream`: amplify in a photo the features that layers of a network find in it."""

from __future__ import annotations

from collections.abc import Mapping

import keras
import numpy as np
from numpy.typing import ArrayLike

from keras_see._progress import Progress
from keras_see._types import Layers, OptimizedImages, Picture, Preprocess
from keras_see.deepdream.image_array import as_image_array, image_array_of
from keras_see.deepdream.octaves import OctaveRunner
from keras_see.deepdream.options import DreamOptions
from keras_see.model.inputs import as_array, check_model
from keras_see.optimization.preprocessing import image_shape
from keras_see.visualization.resizing import resized_image

DEFAULT = DreamOptions()


def dream(
    model: keras.Model,
    image: ArrayLike | Picture,
    layers: Layers | Mapping[str, float] | None = None,
    *,
    octaves: int = DEFAULT.octaves,
    octave_scale: float = DEFAULT.octave_scale,
    steps: int = DEFAULT.steps,
    step_size: float = DEFAULT.step_size,
    tile: int | tuple[int, int] = DEFAULT.tile,
    guide: ArrayLike | Picture | None = None,
    strength: float = DEFAULT.strength,
    mask: ArrayLike | None = None,
    seed: int = 0,
    preprocess: Preprocess | None = None,
    value_range: tuple[float, float] | None = None,
    return_history: bool = False,
    verbose: bool | None = None,
) -> OptimizedImages:
    r"""Return a photo in which the features that layers of a model find in it are amplified.

    Each step is gradient ascent on $\sum_l w_l\, \overline{f_l(x)^2} / \overline{f_l(x_0)^2}$, the weighted mean square
    of layers' features relative to those of the photo, from small versions of the photo (octaves) to the whole
    (Mordvintsev, Olah and Tyka 2015, *Inceptionism*; DeepDream, https://github.com/google/deepdream). The photo's
    detail, lost in the small versions, is put back in each octave. A step visits one tile after the other, so that a
    photo of any size needs the memory of one tile. The tiles are shifted at each step, so that they leave no seams.

    Args:
        model: A built Keras model with one input.
        image: `(height, width)` or `(height, width, channels)`: grey, RGB, either with alpha (which is kept), or of the
            model's own channels; uint8, or floats in 0 to 1, −1 to 1 or 0 to 255. Or a picture: its path, or a
            `PIL.Image.Image`.
        layers: What to dream of: a layer (its name, path, the unique end of a path, or itself), a single channel
            `"layer:7"`, a list of these, or a dict from these to weights, which may be negative. By default two
            layers, at 0.2 and 0.45 of the depth. Early layers give strokes and patterns, later ones objects.
        octaves: Number of sizes. Sizes too small for the model are left out, with a warning in the log.
        octave_scale: The enlargement from octave to octave.
        steps: Steps per octave.
        step_size: Root mean square of a step, as a share of the range of values.
        tile: Largest side of a tile in pixels, or `(height, width)`: bounds the memory. A model of fixed size takes
            tiles of that size.
        guide: Another image: each position of the photo moves towards the guide's feature that resembles it most.
        strength: Share of the dream that is added to the photo: 0 is none, 1 all of it.
        mask: `(height, width)`, boolean or from 0 to 1: where, and how strongly, to dream. Where it is 0 the photo is
            unchanged, bit for bit.
        seed: Seed of the tiles' shifts; equal seeds give equal dreams.
        preprocess: A function from images in the range of `image` to what the model takes: linear in each pixel, or
            made of `keras.ops`.
        value_range: `(low, high)`, black and white of `image`; recognised by default.
        return_history: Whether to return also the objective's value before each step, `(octaves, steps)`, relative to
            that of the photo.
        verbose: Whether to show a progress bar; by default only if the dream takes more than a few seconds.

    Returns:
        An array of the shape, dtype and range of `image`; with `return_history` the pair of it and the history.

    Raises:
        TypeError: If `model` is not a Keras model, or `image` not an array of numbers.
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
    options = DreamOptions(octaves, octave_scale, steps, step_size, tile, strength, seed)
    photo = image_array_for(model, image, value_range)
    mask = None if mask is None else checked_mask(mask, photo.size)
    runner = octave_runner(model, layers, photo, options, guide=guide, preprocess=preprocess)
    history = []
    for octave in dream_octaves(runner, photo, options, mask=mask, verbose=verbose):
        history.append(octave.values)
    result = dreamt(photo, octave, options.strength)
    return (result, np.stack(history)) if return_history else result


def image_array_for(model, image, value_range=None, name="image"):
    """Return the `ImageArray` of an image for a model; raise unless they fit together."""
    check_model(model)
    return image_array_of(image, image_shape(model, fixed=False)[-1], value_range, name)


def octave_runner(model, layers, photo, options, *, guide=None, preprocess=None):
    """Return an `OctaveRunner` for photos with these channels and range; photos of one size share its traces."""
    if guide is not None:
        guide = _guide_like(photo, model, guide)
    sides = np.broadcast_to(options.tile, 2).tolist()
    return OctaveRunner(model, layers, tile=sides, value_range=photo.value_range, preprocess=preprocess, guide=guide)


def dream_octaves(runner, photo, options, *, mask=None, verbose=None):
    """Yield each finished `Octave` of a dream; raise if one is not finite, or equals its photo."""
    runner.check_size(photo.size)
    sizes = runner.octave_sizes(photo.size, options.octaves, options.octave_scale)
    bar = Progress(options.steps * sum(map(runner.count_tiles, sizes)), verbose, unit="tile")
    numbers = {"steps": options.steps, "step_size": options.step_size, "seed": options.seed}
    for octave in runner.octaves(photo.colors, sizes, mask=mask, progress=bar.update, **numbers):
        if not np.all(np.isfinite(octave.values)) or not np.all(np.isfinite(octave.picture)):
            raise ValueError(
                "The model must give finite numbers and gradients. The dream has NaN or infinity. "
                "Check the weights, and that `preprocess` belongs to the model."
            )
        if (mask is None or mask.any()) and np.array_equal(octave.photo, octave.picture):
            raise ValueError(
                "The layers must depend on the photo. Their gradient is zero: they are inactive, or ignore their "
                "input. Choose other layers, or check `preprocess`."
            )
        yield octave


def dreamt(photo, octave, strength):
    """Return a photo's array plus what an octave of any size has added."""
    added = resized_image(octave.picture - octave.photo, photo.size)
    added *= strength
    return photo.plus(added)


def checked_mask(mask, size):
    """Return a mask as float32 `(height, width, 1)`; raise unless it fits a photo of this size."""
    wanted = f"`mask` must have the photo's height and width, {tuple(size)}"
    array = as_array(mask, wanted, "Make all of its rows equally long.")
    array = array[..., 0] if array.ndim == 3 and array.shape[-1] == 1 else array
    if array.shape != tuple(size) or array.dtype.kind not in "biuf":
        raise ValueError(f"{wanted}. Got shape {array.shape} of {array.dtype}. Resize the mask.")
    if not np.all((array >= 0) & (array <= 1)):
        raise ValueError(
            f"`mask` must be boolean or go from 0 to 1. Its values go from {array.min():g} to {array.max():g}. "
            "Divide it by its maximum."
        )
    return array.astype("float32")[..., None]


def _guide_like(photo, model, guide):
    """Return the colours of a guide in the range and with the channels of the photo."""
    kind = as_image_array(guide, "guide").dtype
    known = photo.value_range if kind == photo.image.dtype and kind.kind == "f" else None
    found = image_array_for(model, guide, known, name="guide")
    (low, high), (least, most) = photo.value_range, found.value_range
    colors = (found.colors - least) * ((high - low) / (most - least)) + low
    channels = photo.colors.shape[-1]
    if colors.shape[-1] == channels:
        return colors
    return colors.mean(axis=-1, keepdims=True) if channels == 1 else np.repeat(colors, channels, axis=-1)
