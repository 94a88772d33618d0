"""Fuse the maps of several layers into one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike

from keras_see._validation import is_size, is_word, shown
from keras_see.visualization.map_drawing import checked_maps
from keras_see.visualization.resizing import resized_maps

HOW = ("mean", "maximum")


def fused_maps(
    maps: Sequence[ArrayLike] | Mapping[str, ArrayLike],
    *,
    how: str = "mean",
    size: tuple[int, int] | None = None,
) -> np.ndarray:
    r"""Return the mean or the maximum of the maps of several layers, brought to one size and one scale.

    Deep layers have sure but coarse maps, early ones fine but noisy maps. Each map is divided by its own highest value
    first, since the values of several layers cannot be compared; the size comes after (bicubic). A map without anything
    above 0 stays 0. (Jiang et al. 2021, *LayerCAM*, section III-C, doi:10.1109/TIP.2021.3089943, take the maximum, and
    scale with a tanh.)

    Args:
        maps: Several arrays `(n, rows, columns)` of the same images, in a list or as the values of a mapping; negative
            values count as zero.
        how: `"mean"` or `"maximum"`.
        size: `(height, width)` of the result. Default: that of the largest of the maps.

    Returns:
        float32 `(n, height, width)`, from 0 to 1.

    Raises:
        ValueError: If there are no maps, they are not equally many, or an option is none of the above.

    Example:
        >>> import numpy as np
        >>> fused_maps([np.ones((2, 4, 4)), np.ones((2, 8, 8))]).shape
        (2, 8, 8)
    """
    parts = [checked_maps(part) for part in (maps.values() if isinstance(maps, Mapping) else maps)]
    if not parts or len({len(part) for part in parts}) > 1:
        raise ValueError(
            "`maps` must be several arrays of maps of the same images. "
            f"Got {', '.join(str(len(part)) for part in parts) or 'no'} maps. Pass one array per layer."
        )
    if not is_word(how, HOW):
        raise ValueError(f'`how` must be "mean" or "maximum". Got {shown(how)}. Choose one of them.')
    if size is not None and not is_size(size):
        raise ValueError(
            f"`size` must be (height, width) in pixels. Got {shown(size)}. Leave it out, or pass (224, 224)."
        )
    size = max((part.shape[1:] for part in parts), key=np.prod) if size is None else size
    resized = [resized_maps(_scaled(part), size).clip(0, 1) for part in parts]
    return (np.mean if how == "mean" else np.max)(resized, axis=0).astype("float32")


def _scaled(maps):
    """Return maps divided by their own highest values, from 0 to 1."""
    positive = maps.clip(0)
    highest = positive.max(axis=(1, 2), keepdims=True)
    return np.divide(positive, highest, out=np.zeros_like(positive), where=highest > 0)
