"""Pixels in the channels and the size that a model takes."""

import numpy as np
from PIL import Image


def in_channels(pixels, channels):
    """Return uint8 pixels in grey (1) or RGB (3), and a note if transparency was left out.

    Args:
        pixels: `(height, width, 1 | 2 | 3 | 4)`, grey or RGB, with alpha or without.
        channels: 1 or 3.
    """
    has_alpha = pixels.shape[-1] in (2, 4)
    note = "transparency is left out" if has_alpha and pixels[..., -1].min() < 255 else ""
    colors = pixels[..., :-1] if has_alpha else pixels
    if channels == 3:
        return np.repeat(colors, 3 // colors.shape[-1], axis=-1), note
    return colors if colors.shape[-1] == 1 else _grey(colors), note


def resized(image, size):
    """Return one image `(height, width, channels)` in another size: float32, bilinear.

    Args:
        image: uint8 or floats.
        size: `(height, width)`.
    """
    height, width = size
    planes = [Image.fromarray(np.ascontiguousarray(plane, "float32")) for plane in np.moveaxis(image, -1, 0)]
    return np.stack([plane.resize((width, height), Image.Resampling.BILINEAR) for plane in planes], axis=-1)


def _grey(colors):
    return np.asarray(Image.fromarray(np.ascontiguousarray(colors)).convert("L"))[..., None]
