"""What users pass as images beside arrays: pairs with labels, datasets, nested lists."""

from collections.abc import Iterable, Iterator

import keras
import numpy as np

from keras_see._validation import shown
from keras_see.pictures.image_loading import are_pictures, is_picture


def split_labels(images, several=False):
    """Return images and their labels, or None: a tuple is `(x, y)` or `(x, y, weights)`.

    Args:
        images: A tuple, or images alone.
        several: Whether the model has several inputs, so that a tuple of arrays holds these.
    """
    if not isinstance(images, tuple) or are_pictures(images):
        return (list(images) if isinstance(images, tuple) else images), None
    if several and not isinstance(images[0], list | dict | tuple):
        return images, None
    if len(images) not in (1, 2, 3):
        raise ValueError(
            "`images` as a tuple means (x, y) or (x, y, sample_weights). "
            f"Got a tuple of {len(images)}. Pass several inputs, or several images, as a list."
        )
    return images[0], images[1] if len(images) > 1 else None


def check_kind(images, wanted):
    """Raise where the images are no array, nor a list or dict of arrays."""
    if images is None:
        raise TypeError(f"{wanted}. Got None. Pass an array, the path of a picture, or a list of paths.")
    _check_is_no_dataset(images, wanted)
    if not isinstance(images, list | tuple):
        return
    if any(isinstance(part, list | tuple) and any(map(_is_array, part)) for part in images):
        raise TypeError(
            f"{wanted}. Got a {type(images).__name__} of batches such as (x, y). "
            "Pass one of them, or numpy.concatenate their images."
        )
    if any(isinstance(part, list | tuple) for part in images):
        raise TypeError(f"{wanted}. Got nested lists of numbers. Make an array of them with numpy.array(images).")


def _check_is_no_dataset(images, wanted):
    known = list | tuple | dict | keras.Layer | keras.Variable
    if isinstance(images, known) or is_picture(images) or hasattr(images, "shape") or np.isscalar(images):
        return
    if hasattr(images, "__getitem__"):
        code = "images[0]"
    elif isinstance(images, Iterable):
        code = "next(images)" if isinstance(images, Iterator) else "next(iter(images))"
    else:
        return
    raise TypeError(f"{wanted}. Got {shown(images)}. Pass a part of it: {code}.")


def _is_array(part):
    return len(getattr(part, "shape", ())) > 0
