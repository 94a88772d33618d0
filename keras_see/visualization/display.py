"""Images in any range and number of channels as pictures: uint8 RGB."""

import numpy as np

from keras_see._validation import is_number, numeric, shown
from keras_see.model.image_batches import picture_of
from keras_see.model.inputs import check_inputs
from keras_see.model.layer_calls import first_line
from keras_see.visualization.value_range import RANGES, value_range_of

# How the note on channels that are left out begins.
CHANNELS_SHOWN = "shown: channels 1 to 3 of"


def to_pictures(images, display=None):
    """Return images as pictures, and a note on what they do not show: a range that was stretched, channels left out.

    Args:
        images: `(n, height, width, channels)` in any range; of several inputs, the first with this shape. One channel
            is shown as grey, two as grey from their mean, three and more as RGB from the first three.
        display: `None` recognises uint8, 0–1, −1–1 and 0–255, one range for all the images; any other range is
            stretched from the lowest to the highest value, and the note says so. `(low, high)` are the values of black
            and white. A function receives the images and returns pictures; an array is the pictures.

    Returns:
        uint8 `(n, height, width, 3)` and a str, empty where there is nothing to note.
    """
    if callable(display):
        images, display = _checked(_displayed(display, images)), None
    elif display is not None and not _is_pair(display):
        images, display = _checked(display), None
    else:
        _check_pair(display)
        images = np.asarray(picture_of(check_inputs(images)))
    if images.dtype == np.uint8:
        return _rgb(images), _channel_note(images)
    images = images.astype("float32") * (255.0 if images.dtype == bool else 1.0)
    low, high, note = (*display, "") if display is not None else _range(images)
    scaled = (images - low) / (high - low) * 255.0
    notes = filter(None, [note, _channel_note(images)])
    return _rgb(np.rint(scaled.clip(0, 255)).astype("uint8")), "; ".join(notes)


def _displayed(display, images):
    """Return what the user's function makes of the images."""
    try:
        return display(np.array(picture_of(images)))
    except Exception as error:
        raise ValueError(
            "`display` as a function must make pictures of images (n, height, width, channels). "
            f"Got {type(error).__name__}: {first_line(error)} Try it on the images by itself."
        ) from error


def _checked(pictures):
    """Return the user's pictures as an array `(n, height, width, channels)`, or raise ValueError."""
    array = numeric(pictures)
    if array is None or array.ndim != 4 or not array.size or not np.all(np.isfinite(array)):
        raise ValueError(
            "`display` must be None, (black, white), or pictures (n, height, width, channels) of finite numbers, or a "
            f"function that makes them. Got {shown(pictures)}. Leave it out if the images are pictures themselves."
        )
    return array


def _range(images):
    """Return the values of black and white, and a note if they are no usual range."""
    low, high = value_range_of(images)
    known = (low, high) in RANGES
    return low, high, "" if known else f"pictures stretched from {low:.3g} (black) to {high:.3g} (white)"


def _channel_note(images):
    """Return which channels are shown where that is not all of them."""
    channels = images.shape[-1]
    return f"{CHANNELS_SHOWN} {channels}" if channels > 3 else ""


def _rgb(pictures):
    """Return a copy of uint8 pictures with three channels."""
    channels = pictures.shape[-1]
    if channels == 2:
        pictures = pictures.mean(axis=-1, keepdims=True).astype("uint8")
    return np.repeat(pictures[..., :1], 3, axis=-1) if channels < 3 else pictures[..., :3].copy()


def _check_pair(display):
    """Raise unless this is None or two different finite numbers."""
    if display is not None and not (all(map(is_number, display)) and display[0] != display[1]):
        raise ValueError(
            "`display` as a pair must be the values of black and of white, two different finite numbers. "
            f"Got {shown(tuple(display))}. Pass for example (-1, 1)."
        )


def _is_pair(display):
    return isinstance(display, tuple | list) and len(display) == 2 and all(np.ndim(value) == 0 for value in display)
