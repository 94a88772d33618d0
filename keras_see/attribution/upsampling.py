"""Enlarge maps inside a compiled function, to the same values on every backend."""

import numpy as np
from keras import ops


def upsampled(maps, size):
    """Return maps `(..., rows, columns)` enlarged to `(..., height, width)`: bilinear, pixel centres aligned; traced.

    Args:
        maps: A tensor.
        size: `(height, width)`.
    """
    down, across = (hats(place_of(side, len_), len_) for side, len_ in zip(size, maps.shape[-2:], strict=True))
    return ops.matmul(ops.matmul(down, maps), across.T)


def place_of(side, length):
    """Return where the pixels of a side lie among as many points as `length`, each the middle of its cell."""
    return ((np.arange(side) + 0.5) * length / side - 0.5).clip(0, length - 1)


def hats(places, length):
    """Return the weights `(len(places), length)` with which points 0, 1, ... make the values between them."""
    return np.maximum(1 - np.abs(places[:, None] - np.arange(length)), 0).astype("float32")
