"""How well maps can be seen on photographs, and the photographs under them."""

import numpy as np

from keras_see import overlay
from keras_see.visualization.map_drawing import BRIGHTNESS, UNDER_BRIGHTNESS
from keras_see.visualization.resizing import resized_maps


def can_be_read(pictures, maps, scale):
    """Return for each picture whose map reaches a tenth of the range whether map and photograph can be read, bools.

    The strongest tenth of the places must differ from the bare photograph by 30 of 255 (mean over places and channels),
    the weakest tenth by no more than dimming alone does, and the brightness of photograph and overlay must have a
    correlation of 0.6.

    Args:
        pictures: uint8 `(n, height, width, 3)`.
        maps: `(n, rows, columns)`.
        scale: The upper end of the range.
    """
    drawn = overlay(pictures, maps, scale=scale).astype(float)
    shares = resized_maps(maps / scale, pictures.shape[1:3]).clip(0, 1)
    rows = zip(pictures.astype(float), drawn, shares, strict=True)
    return [_is_readable(*row) for row in rows if row[-1].max() >= 0.1]


def at_peak(maps, share, scale):
    """Return maps, each with its peak at this share of the range."""
    return maps / maps.max(axis=(1, 2), keepdims=True) * share * scale * 1.001


def _is_readable(picture, over, share):
    change, grey = np.abs(over - picture).mean(axis=-1), picture @ BRIGHTNESS
    dimming = np.abs(UNDER_BRIGHTNESS * grey[..., None] - picture).mean(axis=-1)
    high, low = share >= np.quantile(share, 0.9), share <= np.quantile(share, 0.1)
    alike = np.corrcoef(grey.ravel(), (over @ BRIGHTNESS).ravel())[0, 1]
    return change[high].mean() >= 30 and change[low].mean() <= dimming[low].mean() + 0.5 and alike >= 0.6
