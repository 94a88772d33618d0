"""How well maps agree with regions that people know: energy, pointing and boxes, one number per image."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from keras_see._validation import is_number, is_size, numeric, shape_of, shown
from keras_see.attribution.segments import largest_segment_box, overlap
from keras_see.visualization.map_drawing import checked_maps
from keras_see.visualization.resizing import resized_maps

__all__ = ["box_iou", "energy_inside", "pointing_hits"]

# Share of a map's peak from which on its places count for its box: Selvaraju et al. 2017, section 4.1.
BOX_SHARE = 0.15


def energy_inside(maps: ArrayLike, regions: ArrayLike, *, size: tuple[int, int] | None = None) -> np.ndarray:
    r"""Return which share of each map's positive energy lies inside the image's region.

    $E = \sum_{(i,j) \in R} M^+_{ij} \,/\, \sum_{ij} M^+_{ij}$ (Wang et al. 2020, *Score-CAM*, section 4.3, energy-based
    pointing game, arXiv:1910.01279). A map that knows nothing scores the region's share of the area.

    Args:
        maps: `(n, rows, columns)`; negative values count as zero.
        regions: Per image a box `(x0, y0, x1, y1)` in pixels of the images, half-open, or a list of boxes (their
            union counts); or boolean masks `(n, height, width)`.
        size: `(height, width)` of the images, to which maps are enlarged (bicubic). Default: that of the masks; with
            boxes, that of the maps. Masks of another size are refused.

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


def box_iou(
    maps: ArrayLike, regions: ArrayLike, *, size: tuple[int, int] | None = None, share: float = BOX_SHARE
) -> np.ndarray:
    r"""Return how well a box around each map's strongest part fits the box of the object: weak localization.

    The part is the largest connected one of the places where the map reaches a share of its peak. The number is the
    area that its box and the object's box share, over the area that they cover together (Selvaraju et al. 2017,
    *Grad-CAM*, section 4.1, arXiv:1610.02391, with 15 % of the peak). Of several boxes per image the one that fits
    best counts. From 0.5 on a localization is usually called right.

    Args:
        maps: `(n, rows, columns)`; negative values count as zero.
        regions: As for `energy_inside`; of a mask the box around all of it counts.
        size: As for `energy_inside`.
        share: The share of the peak, above 0 and at most 1.

    Returns:
        float64 `(n,)` between 0 and 1; NaN where a map has no positive value.

    Raises:
        ValueError: If maps and regions are not equally many, or a region is empty.

    Example:
        >>> import numpy as np
        >>> maps = np.zeros((1, 8, 8))
        >>> maps[0, 2:6, 2:4] = 1
        >>> box_iou(maps, [(2, 2, 6, 6)])
        array([0.5])
    """
    positive, masks = _aligned(maps, regions, size)
    if not is_number(share) or not 0 < share <= 1:
        raise ValueError(f"`share` must be a number above 0, at most 1. Got {shown(share)}. Leave it out for 0.15.")
    boxes = _boxes_of(regions, masks)
    return np.array([_best_overlap(each, around, share) for each, around in zip(positive, boxes, strict=True)])


def _best_overlap(positive, boxes, share):
    peak = positive.max()
    if not peak > 0:
        return np.nan
    found = largest_segment_box(positive >= share * peak)
    return max(overlap(found, box) for box in boxes)


def _boxes_of(regions, masks):
    """Return the boxes of each image inside it; where regions are masks the box around each."""
    height, width = masks.shape[1:]
    if _are_masks(regions):
        return [[_whole_box(mask)] for mask in masks]
    found = []
    for each in regions:
        boxes = np.rint(numeric(each).reshape(-1, 4)).clip(0, [width, height, width, height])
        found.append([box for box in boxes.tolist() if box[0] < box[2] and box[1] < box[3]])
    return found


def _whole_box(mask):
    """Return the box `(x0, y0, x1, y1)` around all that is true in a mask."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return columns[0], rows[0], columns[-1] + 1, rows[-1] + 1


def masks_of(regions, count, size, is_size_known=True):
    """Return the regions of images as boolean masks `(n, height, width)`.

    Args:
        regions: As for `energy_inside`.
        count: How many images there are.
        size: `(height, width)` of the images.
        is_size_known: Whether that is their true size; else masks keep their own.
    """
    regions = np.asarray(regions) if hasattr(regions, "__array__") else regions
    wanted = f"`regions` must hold, for each of the {count} images, a box (x0, y0, x1, y1) or a list of boxes, or be "
    wanted += f"boolean masks ({count}, height, width). Got {shown(regions)}. "
    if not isinstance(regions, list | tuple | np.ndarray) or shape_of(regions) == () or len(regions) != count:
        raise ValueError(f"{wanted}Pass one entry per image, in the order of the images.")
    if _are_masks(regions):
        masks = numeric(regions)
        if is_size_known and masks.shape[1:] != tuple(size):
            raise ValueError(
                f"`regions` as masks must have the size of the images, {tuple(size)}. Got {shown(masks)}. "
                "Resize them, or pass boxes."
            )
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
    masks = masks_of(regions, len(maps), maps.shape[1:] if size is None else tuple(size), size is not None)
    return resized_maps(maps, masks.shape[1:]).clip(0), masks


def _are_masks(regions):
    masks = numeric(regions)
    return masks is not None and masks.dtype == bool and masks.ndim == 3


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
