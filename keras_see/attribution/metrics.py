"""How well maps agree with regions that people know: one number per image."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from keras_see._validation import is_size, numeric, shape_of, shown
from keras_see.visualization.map_drawing import checked_maps
from keras_see.visualization.resizing import resized_maps

__all__ = ["energy_inside", "pointing_hits"]


def energy_inside(maps: ArrayLike, regions: ArrayLike, *, size: tuple[int, int] | None = None) -> np.ndarray:
    r"""Return which share of each map's positive energy lies inside the image's region.

    $E = \sum_{(i,j) \in R} M^+_{ij} \,/\, \sum_{ij} M^+_{ij}$ (Wang et al. 2020, *Score-CAM*, section 4.3, energy-based
    pointing game, arXiv:1910.01279). A map that knows nothing scores the region's share of the area.

    Args:
        maps: `(n, rows, columns)`; negative values count as zero.
        regions: Per image a box `(x0, y0, x1, y1)` in pixels of the images, half-open, or a list of boxes (their
            union counts); or boolean masks `(n, height, width)`.
        size: `(height, width)` of the images, to which maps are enlarged (bicubic). Default: that of the masks; with
            boxes, that of the maps.

    Returns:
        float64 `(n,)` between 0 and 1; NaN where a map has no positive value.

    Raises:
        ValueError: If maps and regions are not equally many, or a region is empty.

    Example:
        >>> import numpy as np
        >>> energy_inside(np.ones((1, 8, 8)), [(0, 0, 8, 4)])
        array([0.5])
    """
    positive, masks = _aligned(maps, regions, size)
    total = positive.sum(axis=(1, 2))
    inside = (positive * masks).sum(axis=(1, 2))
    return np.divide(inside, total, out=np.full(len(positive), np.nan), where=total > 0)


def pointing_hits(maps: ArrayLike, regions: ArrayLike, *, size: tuple[int, int] | None = None) -> np.ndarray:
    """Return whether each map's highest place lies inside the image's region: the pointing game.

    After Zhang et al. 2016, *Top-down Neural Attention by Excitation Backprop*, section 4.1, arXiv:1608.00507, without
    their tolerance of 15 pixels.

    Args:
        maps: `(n, rows, columns)`; negative values count as zero.
        regions: As for `energy_inside`.
        size: As for `energy_inside`.

    Returns:
        float64 `(n,)`: 1 for a hit, 0 for a miss, NaN where a map has no positive value.

    Raises:
        ValueError: If maps and regions are not equally many, or a region is empty.

    Example:
        >>> import numpy as np
        >>> pointing_hits(np.eye(4)[None], [(0, 0, 1, 1)])
        array([1.])
    """
    positive, masks = _aligned(maps, regions, size)
    flat, inside = positive.reshape(len(positive), -1), masks.reshape(len(masks), -1)
    hits = np.take_along_axis(inside, flat.argmax(axis=1)[:, None], axis=1)[:, 0].astype("float64")
    return np.where(flat.max(axis=1) > 0, hits, np.nan)


def masks_of(regions, count, size):
    """Return the regions of images as boolean masks `(n, height, width)`.

    Args:
        regions: As for `energy_inside`.
        count: How many images there are.
        size: `(height, width)` of the images; masks keep their own.
    """
    regions = np.asarray(regions) if hasattr(regions, "__array__") else regions
    wanted = f"`regions` must hold, for each of the {count} images, a box (x0, y0, x1, y1) or a list of boxes, or be "
    wanted += f"boolean masks ({count}, height, width). Got {shown(regions)}. "
    if not isinstance(regions, list | tuple | np.ndarray) or shape_of(regions) == () or len(regions) != count:
        raise ValueError(f"{wanted}Pass one entry per image, in the order of the images.")
    masks = numeric(regions)
    if masks is not None and masks.dtype == bool and masks.ndim == 3:
        return _not_empty(masks)
    boxes = [numeric(each) for each in regions]
    if not all(_are_boxes(each) for each in boxes):
        raise ValueError(f"{wanted}Give four numbers per box, or masks of one size, such as numbers > 0.5.")
    return _not_empty(np.stack([_mask(each, size) for each in boxes]))


def _aligned(maps, regions, size):
    maps = checked_maps(maps)
    if size is not None and not is_size(size):
        raise ValueError(
            f"`size` must be (height, width) of the images in pixels. Got {shown(size)}. "
            "Leave it out for that of the maps."
        )
    masks = masks_of(regions, len(maps), maps.shape[1:] if size is None else tuple(size))
    return resized_maps(maps, masks.shape[1:]).clip(0), masks


def _mask(boxes, size):
    mask = np.zeros(size, bool)
    for x0, y0, x1, y1 in np.rint(boxes.reshape(-1, 4).clip(0, max(size))).astype(int):
        mask[y0:y1, x0:x1] = True
    return mask


def _are_boxes(each):
    is_array = each is not None and each.size and each.shape[-1:] == (4,) and each.ndim <= 2
    return is_array and bool(np.isfinite(each).all())


def _not_empty(masks):
    empty = np.flatnonzero(~masks.any(axis=(1, 2)))
    if empty.size:
        raise ValueError(
            f"`regions` must lie inside the images, {masks.shape[1]} pixels high and {masks.shape[2]} wide. "
            f"Got none of their pixels for the images with index {empty[:5].tolist()}. Boxes are (x0, y0, x1, y1)."
        )
    return masks
