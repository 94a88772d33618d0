"""A journey into a dream: each frame is dreamt from the last, slightly enlarged."""

import dataclasses
import math

import numpy as np
from PIL import Image

from keras_see.deepdream.deep_dream import dreams, laid_over

# What a frame after the first needs of the octaves and the steps: the frame before it was a dream already.
OCTAVES, SHARE = 2, 3


def zoom_frames(dreamer, photo, recipe, frames, scale=1.03):
    """Yield the frames of a zoom into the middle of a photo, arrays like it; the first is a whole dream.

    Args:
        dreamer: As `dreamer_for` makes it.
        photo: The `Photo` to start from.
        recipe: Of the first frame. The others take a third of the steps, in the two largest octaves.
        frames: How many.
        scale: How much larger each frame shows the one before.
    """
    frame = _dreamt(dreamer, photo, recipe)
    yield frame
    octaves, steps = min(OCTAVES, recipe.octaves), math.ceil(recipe.steps / SHARE)
    for number in range(1, frames):
        photo = dataclasses.replace(photo, **_enlarged(photo, frame, scale))
        frame = _dreamt(
            dreamer, photo, dataclasses.replace(recipe, octaves=octaves, steps=steps, seed=recipe.seed + number)
        )
        yield frame


def _dreamt(dreamer, photo, recipe):
    for octave in dreams(dreamer, photo, recipe, verbose=False):
        last = octave
    return laid_over(photo, last, recipe.strength)


def _enlarged(photo, frame, scale):
    """Return the image and the colours of the middle of a frame, in the frame's own size."""
    height, width = photo.size
    rows, columns = height / scale, width / scale
    box = ((width - columns) / 2, (height - rows) / 2, (width + columns) / 2, (height + rows) / 2)
    planes = frame.reshape(height, width, -1)
    made = np.empty(planes.shape, "float32")
    for channel in range(planes.shape[-1]):
        plane = Image.fromarray(planes[..., channel].astype("float32"), "F")
        made[..., channel] = plane.resize((width, height), Image.Resampling.BICUBIC, box)
    colors = made[..., : photo.colors.shape[-1]].clip(*photo.value_range)
    if frame.dtype.kind in "iu":
        made = np.rint(made).clip(np.iinfo(frame.dtype).min, np.iinfo(frame.dtype).max)
    return {"image": made.astype(frame.dtype).reshape(frame.shape), "colors": colors}
