"""Overlay: maps drawn in colour over their images, as the callbacks draw them."""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import ArrayLike

from keras_see._types import Display, Images
from keras_see._validation import is_number, shape_of, shown
from keras_see.attribution.registry import method_of
from keras_see.visualization.colormaps import check_colors
from keras_see.visualization.display import to_pictures
from keras_see.visualization.map_drawing import ALPHA, OVERLAY, as_drawn, checked_maps, draw_maps, sizes, upper_limit


def overlay(
    images: Images,
    maps: ArrayLike,
    *,
    alpha: float = ALPHA,
    colors: str | None = None,
    scale: str | float = "all",
    display: Display = None,
    method: str | None = None,
) -> np.ndarray:
    r"""Return maps drawn in colour, over the images or, for saliency, on black.

    Over an image, the colour of the value $v$, as a share of the range, is that at $v^{0.7}$ of the colour map, lighter
    where the image is lighter; its opacity rises to $\alpha$ at a fifth of the range. The image under it is made grey
    and darker, all of it alike, so that weak evidence can be seen on any photograph. A map with nothing above zero
    leaves its image bit for bit as it is. Only evidence for the target is drawn, negative values count as zero; but
    with the `method` of a signed map, negative values are blue, positive ones red, and the range goes from −upper to
    upper.

    Args:
        images: `(n, height, width, channels)` in any range that `display` recognises; or pictures of one size.
        maps: `(n, rows, columns)`, of any size: resized (bicubic) to that of the images. Attributions in the shape of
            the images: their sum over the channels is drawn.
        alpha: Opacity of the colours from a fifth of the range on, 0 to 1.
        colors: `"turbo"`, `"inferno"`, `"magma"`, `"viridis"` or `"gray"`. Default: that of the method.
        scale: The range of values, from 0. `"all"`: up to the 99th percentile of all the maps. `"image"`: each map up
            to its own, so that maps cannot be compared. A number: the upper limit itself.
        display: How images become pictures: `None` recognises uint8, 0–1, −1–1 and 0–255 and stretches anything else;
            a pair `(low, high)`; a function; or an array of pictures.
        method: The word of the method that made the maps, such as `"saliency"`: they are drawn as `Watch` draws them
            (saliency smoothed, on black). Default: over the images.

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
    if shape_of(maps) == shape_of(images) and len(shape_of(maps) or ()) == 4:
        maps = np.sum(maps, axis=-1)
    checked = checked_maps(maps)
    if len(checked) != len(pictures):
        raise ValueError(
            f"`maps` must hold one map for each of the {len(pictures)} images. Got {len(checked)}. "
            "Pass the maps of the same images."
        )
    if not is_number(alpha) or not 0 <= alpha <= 1:
        raise ValueError(f"`alpha` must be a number from 0 to 1. Got {shown(alpha)}. Leave it out for the usual one.")
    style = OVERLAY if method is None else method_of(method).style
    if colors is not None:
        check_colors(colors)
        style = dataclasses.replace(style, colors=colors)
    values = as_drawn(checked, style)
    return draw_maps(pictures, values, upper_limit(sizes(values, style), scale), style, alpha)
