"""Draw maps in colour, over images or as heatmaps."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike

from keras_see._types import Display, Images
from keras_see._validation import is_number, numeric, shown
from keras_see.visualization.colormaps import STEPS, check_colors, color_table
from keras_see.visualization.display import to_pictures
from keras_see.visualization.resizing import resized_maps

# The percentile of the positive and zero values that is drawn as the strongest colour: single outliers must not
# darken the rest (Smilkov et al. 2017, *SmoothGrad*, section 3.1, arXiv:1706.03825, cap at the 99th percentile).
PERCENTILE = 99.0


def overlay(
    images: Images,
    maps: ArrayLike,
    *,
    alpha: float = 0.65,
    colors: str = "turbo",
    scale: str | float = "all",
    display: Display = None,
) -> np.ndarray:
    r"""Return the images with maps drawn over them in colour; where a map is zero or below, the image is unchanged.

    Each pixel is $(1 - o) x + o\, c(v)$ with the picture $x$, the colour map $c$, the map's value $v$ divided by the
    upper limit of the range, and the opacity $o = \alpha \min(1, 2v)$. Only evidence for the target is drawn: negative
    values count as zero.

    Args:
        images: `(n, height, width, channels)` in any range that `display` recognises; or pictures of one size.
        maps: `(n, rows, columns)`, of any size: resized (bicubic) to that of the images.
        alpha: Opacity of the colours in the upper half of the range, 0 to 1.
        colors: `"turbo"`, `"inferno"`, `"magma"`, `"viridis"` or `"gray"`.
        scale: The range of values, from 0. `"all"`: up to the 99th percentile of all the maps. `"image"`: each map up
            to its own, so that maps cannot be compared. A number: the upper limit itself.
        display: How images become pictures: `None` recognises uint8, 0–1, −1–1 and 0–255 and stretches anything else;
            a pair `(low, high)`; a function; or an array of pictures.

    Returns:
        uint8 `(n, height, width, 3)`.

    Raises:
        ValueError: If the numbers of images and maps differ, or an option is none of the above.

    Example:
        >>> import numpy as np
        >>> overlay(np.zeros((2, 32, 32, 3)), np.ones((2, 4, 4))).shape
        (2, 32, 32, 3)
    """
    pictures, _ = to_pictures(images, display)
    checked = checked_maps(maps)
    if len(checked) != len(pictures):
        raise ValueError(
            f"`maps` must hold one map for each of the {len(pictures)} images. Got {len(checked)}. "
            "Pass the maps of the same images."
        )
    if not is_number(alpha) or not 0 <= alpha <= 1:
        raise ValueError(f"`alpha` must be a number from 0 to 1. Got {shown(alpha)}. 0.65 is the default.")
    check_colors(colors)
    return overlaid(pictures, checked, upper_limit(checked, scale), colors, alpha)


def overlaid(pictures, maps, upper, colors="turbo", alpha=0.65):
    """Return pictures with maps drawn over them, both uint8 `(n, height, width, 3)`; nothing is checked.

    Args:
        pictures: uint8 `(n, height, width, 3)`.
        maps: `(n, rows, columns)`.
        upper: The value drawn as the strongest colour: one number, or one per map as `upper_limit` returns them.
        colors: The name of a colour map.
        alpha: As for `overlay`.
    """
    values = resized_maps(normalized(maps, upper), pictures.shape[1:3]).clip(0, 1)
    opacity = alpha * np.minimum(2 * values, 1)[..., None]
    mixed = pictures + opacity * (_colored(values, colors) - pictures)
    return np.rint(mixed).astype("uint8")


def heatmaps(maps, upper, size, colors="inferno"):
    """Return maps as pictures of their own, uint8 `(n, *size, 3)`: zero and below black, `upper` and above bright."""
    values = normalized(maps, upper)
    if size[0] % values.shape[1] == 0 and size[1] % values.shape[2] == 0:  # whole pixels, as the image has them
        values = values.repeat(size[0] // values.shape[1], axis=1).repeat(size[1] // values.shape[2], axis=2)
    values = resized_maps(values, size).clip(0, 1)
    return np.rint(_colored(values, colors)).astype("uint8")


def upper_limit(maps, scale):
    """Return the value that is drawn as the strongest colour: one number, or `(n, 1, 1)` with `scale="image"`."""
    if isinstance(scale, str) and scale in ("all", "image"):
        positive = np.nan_to_num(maps, nan=0.0, posinf=0.0, neginf=0.0).clip(0)
        over = {"axis": (1, 2), "keepdims": True} if scale == "image" else {}
        limit = np.percentile(positive, PERCENTILE, **over)
        return np.where(limit > 0, limit, positive.max(**over))  # fewer than 1 % of the values may be positive
    if is_number(scale) and scale > 0:
        return float(scale)
    raise ValueError(f'`scale` must be "all", "image" or a number above 0. Got {shown(scale)}. Choose one of these.')


def normalized(maps, upper):
    """Return maps divided by `upper` and clipped to 0–1, float32; NaN is 0, and so is everything if `upper` is 0."""
    maps, upper = np.asarray(maps, "float32"), np.asarray(upper, "float32")
    values = np.divide(maps, upper, out=np.zeros_like(maps), where=upper > 0)
    return np.nan_to_num(values, nan=0.0).clip(0, 1)


def checked_maps(maps):
    """Return maps as float32 `(n, rows, columns)`, or raise ValueError."""
    array = numeric(maps)
    if array is None or array.ndim != 3 or not array.size:
        advice = (
            "Pass one of its entries." if isinstance(maps, Mapping) else "Pass maps as keras_see's functions give them."
        )
        raise ValueError(f"`maps` must be numbers of shape (n, rows, columns). Got {shown(maps)}. {advice}")
    return array.astype("float32")


def _colored(values, colors):
    """Return the colours of values in 0–1 as float32 0–255, with a last axis of three."""
    return color_table(colors)[np.rint(values * STEPS).astype("int32")]
