"""The range of values in which images are stored."""

import numpy as np

# The usual ranges, `(black, white)`, in the order in which they are tried.
RANGES = ((0.0, 1.0), (-1.0, 1.0), (0.0, 255.0))

# A float image in 0–255 has bright pixels; images whose highest value lies between 1 and this have no usual range.
BRIGHT = 8.0


def value_range_of(images):
    """Return `(low, high)` of images: that of uint8, the first of `RANGES` that holds them, or their own extremes."""
    if images.dtype == np.uint8:
        return 0.0, 255.0
    least, greatest = float(images.min()), float(images.max())
    for low, high in RANGES:
        if low <= least and greatest <= high and (high < 255 or greatest > BRIGHT):
            return low, high
    return least, greatest if greatest > least else least + 1.0
