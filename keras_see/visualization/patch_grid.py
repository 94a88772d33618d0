"""A few patches in one picture: two by two, each in its own proportions."""

import numpy as np

from keras_see.visualization.resizing import resized_picture

# Patches in a grid, and the colour between them.
SIDE, AROUND = 2, (34, 38, 43)


def patch_grid(patches, size):
    """Return up to four patches in one picture, the first at the top left, uint8 `(height, width, 3)`.

    Args:
        patches: uint8 `(n, height, width, 3)`; more than four are left out.
        size: `(height, width)` of the picture.
    """
    whole = np.full((*size, 3), AROUND, "uint8")
    cell = tuple(length // SIDE for length in size)
    for number, patch in enumerate(patches[: SIDE**2]):
        fitted = _fitted(patch, tuple(length - 2 for length in cell))
        row, column = divmod(number, SIDE)
        top, left = (
            place * length + (length - side) // 2
            for place, length, side in zip((row, column), cell, fitted.shape[:2], strict=True)
        )
        whole[top : top + fitted.shape[0], left : left + fitted.shape[1]] = fitted
    return whole


def _fitted(patch, room):
    """Return a patch as large as the room allows, in its own proportions."""
    factor = min(length / side for length, side in zip(room, patch.shape[:2], strict=True))
    factor = int(factor) if factor >= 1 else factor  # whole pixels stay visible
    return resized_picture(patch, tuple(max(int(side * factor), 1) for side in patch.shape[:2]))
