"""Zoom films: each frame is a dream on the last one, slightly enlarged."""

import dataclasses
import math

import numpy as np

from keras_see.deepdream.deep_dream import dream_octaves, dreamt
from keras_see.visualization.resizing import resized_image

# Frames after the first start from a dream, so they take at most this many octaves, and steps divided by this.
OCTAVES, STEP_DIVISOR = 2, 3


def zoom_frames(runner, photo, options, frames, scale=1.03):
    """Yield the frames of a zoom into the middle of a photo, arrays like it; the first is a full dream.

    Args:
        runner: As `octave_runner` returns it.
        photo: The `ImageArray` to start from.
        options: The `DreamOptions` of the first frame. The others take a third of its steps, in two octaves.
        frames: Number of frames.
        scale: The enlargement from frame to frame.
    """
    frame = _frame(runner, photo, options)
    yield frame
    octaves, steps = min(OCTAVES, options.octaves), math.ceil(options.steps / STEP_DIVISOR)
    for number in range(1, frames):
        photo = dataclasses.replace(photo, **_enlarged(photo, frame, scale))
        later = dataclasses.replace(options, octaves=octaves, steps=steps, seed=options.seed + number)
        frame = _frame(runner, photo, later)
        yield frame


def _frame(runner, photo, options):
    *_, last = dream_octaves(runner, photo, options, verbose=False)
    return dreamt(photo, last, options.strength)


def _enlarged(photo, frame, scale):
    """Return the image and the colours of the middle of a frame, enlarged to the frame's own size."""
    height, width = photo.size
    rows, columns = height / scale, width / scale
    box = ((width - columns) / 2, (height - rows) / 2, (width + columns) / 2, (height + rows) / 2)
    enlarged = resized_image(frame.reshape(height, width, -1), (height, width), box)
    colors = enlarged[..., : photo.colors.shape[-1]].clip(*photo.value_range)
    if frame.dtype.kind in "iu":
        enlarged = np.rint(enlarged).clip(np.iinfo(frame.dtype).min, np.iinfo(frame.dtype).max)
    return {"image": enlarged.astype(frame.dtype).reshape(frame.shape), "colors": colors}
