"""How well maps agree with regions that people know: one number per image."""

import numpy as np

from keras_see.pictures import resized


def energy_inside(maps, regions, *, size=None):
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


def pointing_hits(maps, regions, *, size=None):
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


def _aligned(maps, regions, size):
    maps = np.asarray(maps, "float32")
    if maps.ndim != 3 or len(regions) != len(maps) or not len(maps):
        raise ValueError(
            "`maps` must have the shape (n, rows, columns), with one region for each map. "
            f"Got maps of shape {maps.shape} and {len(regions)} regions. Pass those of the same images."
        )
    is_mask = np.asarray(regions[0]).dtype == bool
    size = np.shape(regions)[1:] if is_mask else tuple(size or maps.shape[1:])
    masks = np.asarray(regions) if is_mask else np.stack([_mask(boxes, size) for boxes in regions])
    empty = np.flatnonzero(~masks.any(axis=(1, 2)))
    if empty.size:
        raise ValueError(
            f"`regions` must lie inside the images, {size[0]} pixels high and {size[1]} wide. "
            f"Those of the images with index {empty[:5].tolist()} hold no pixel. Boxes are (x0, y0, x1, y1)."
        )
    return resized(maps, size).clip(0), masks


def _mask(boxes, size):
    mask = np.zeros(size, bool)
    for x0, y0, x1, y1 in np.rint(np.reshape(boxes, (-1, 4))).astype(int).clip(0):
        mask[y0:y1, x0:x1] = True
    return mask
