"""Paths, pictures of Pillow and lists of images, as one array of images."""

import logging
import os
from collections import Counter
from pathlib import Path

import numpy as np
from PIL import Image

from keras_see._validation import shown
from keras_see.pictures.fitting import in_channels, resized
from keras_see.pictures.picture_files import pixels_of, read_picture

_LOGGER = logging.getLogger("keras_see")


def is_picture(thing):
    """Return whether this is the path of a picture, or a `PIL.Image.Image`."""
    return isinstance(thing, str | os.PathLike | Image.Image)


def are_pictures(things):
    """Return whether this is a picture, or a list or tuple of pictures."""
    return is_picture(things) or (isinstance(things, list | tuple) and bool(things) and all(map(is_picture, things)))


def loaded(images, shape=None, what="`images`"):
    """Return pictures, or a list of images, as one array `(n, height, width, channels)`; anything else as it is.

    Pictures become float32 from 0 to 255, not normalized, turned as their EXIF orientation says, in grey or RGB as the
    model takes them. Each image of a list gets the size that the model takes (bilinear, without keeping proportions).

    Args:
        images: A path, a `PIL.Image.Image`, a list of these, or a list of arrays `(height, width, channels)`.
        shape: What the model takes, `(n, height, width, channels)`, None where it is free; None if it is not known.
        what: The name of the images in messages.
    """
    if are_pictures(images):
        pictures = [images] if is_picture(images) else images
        opened = "image" if isinstance(pictures[0], Image.Image) else "PIL.Image.open(image)"
        code = f"[{opened}.resize((224, 224)) for image in images]"
        return _stacked(_arrays_of(pictures, shape, what), shape, what, code).astype("float32")
    if isinstance(images, list) and images and all(np.ndim(image) == 3 for image in images):
        return _stacked(images, shape, what, "[keras.ops.image.resize(image, (224, 224)) for image in images]")
    return images


def loaded_picture(picture, what):
    """Return the uint8 pixels of a picture, with alpha if it has that, and log a note on what was changed."""
    if isinstance(picture, Image.Image):
        pixels, note = pixels_of(picture)
    else:
        _check_path(picture, what)
        pixels, note = read_picture(picture, f"{what} as a path")
    _log(picture, note)
    return pixels


def _arrays_of(pictures, shape, what):
    pixels = [loaded_picture(picture, what) for picture in pictures]
    channels = shape[-1] if shape else None
    if channels not in (None, 1, 3):
        raise ValueError(
            f"{what} as pictures must be grey or RGB, for a model of 1 or 3 channels. This one takes {channels}. "
            f"Pass an array of {channels} channels."
        )
    if channels is None:
        channels = 1 if not shape and all(each.shape[-1] < 3 for each in pixels) else 3
    found = [in_channels(each, channels) for each in pixels]
    for picture, (_, note) in zip(pictures, found, strict=True):
        _log(picture, note)
    return [colors for colors, _ in found]


def _stacked(images, shape, what, code):
    """Return images as one array, in the size that the model takes; raise where that is free and they differ."""
    sizes = [_size_for(image, shape) for image in images]
    if len(set(sizes)) > 1:
        came = ", ".join(f"{height} × {width}" for height, width in list(dict.fromkeys(sizes))[:3])
        why = "the model takes any" if shape else "what the model takes is not known here"
        raise ValueError(f"{what} must be of one size, since {why}. Got {came}. Pass {code}.")
    if len({image.shape[-1] for image in images}) > 1:
        came = ", ".join(str(image.shape) for image in images[:3])
        raise ValueError(f"{what} must have equally many channels. Got {came}. Make all of them grey or RGB.")
    return np.stack(
        [image if image.shape[:2] == size else resized(image, size) for image, size in zip(images, sizes, strict=True)]
    )


def _size_for(image, shape):
    """Return the size that an image gets: that of `shape`, its own where that is free."""
    height, width = shape[1:3] if shape else (None, None)
    return height or image.shape[0], width or image.shape[1]


def _check_path(path, what):
    """Raise where a path is none of a single file, with the code that finds the files."""
    wanted, name = f"{what} as a path must be a file", os.fspath(path)
    if Path(path).is_dir():
        endings = Counter(file.suffix for file in Path(path).iterdir() if file.is_file()).most_common(1)
        pattern = f"*{endings[0][0]}" if endings else "*/*"
        raise ValueError(
            f"{wanted}. {name!r} is a folder. Pass its files: sorted(pathlib.Path({name!r}).glob({pattern!r}))."
        )
    if name.startswith(("http://", "https://")):
        raise ValueError(f"{wanted}. Got a web address. Pass keras.utils.get_file(origin={name!r}).")
    if any(sign in name for sign in "*?") and not Path(path).exists():
        raise ValueError(f"{wanted}. Got the pattern {shown(name)}. Pass the files: sorted(glob.glob({name!r})).")


def _log(picture, note):
    if note:
        name = picture if not isinstance(picture, Image.Image) else getattr(picture, "filename", "") or "an image"
        _LOGGER.warning("%s: %s.", name, note)
