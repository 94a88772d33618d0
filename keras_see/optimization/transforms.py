"""Random views of an image: shifted, rotated and scaled, in a fixed shape; differentiable."""

import dataclasses

import numpy as np
from keras import ops

from keras_see._validation import is_number, shape_of


@dataclasses.dataclass(frozen=True)
class Transforms:
    r"""Random views: one draw of shift, rotation and scale per step, the same for all images of a batch.

    The view at place $p$, counted from the centre, shows the picture at $s R p + t$, interpolated bilinearly. What
    lies outside of the picture is its mirror image. An image that activates a neuron in all views does so by
    its shapes, not by single pixels (Olah, Mordvintsev and Schubert 2017, *Feature Visualization*,
    doi:10.23915/distill.00007, "Transformation Robustness"). One draw for all images makes an image independent of
    those beside it, and lets one gather serve the whole batch.

    Attributes:
        jitter: Largest shift in each direction, as a share of the sides.
        rotate: Largest angle, in degrees, either way.
        scale: Least and greatest side of the view, as a share of the picture's.

    Example:
        >>> import numpy as np
        >>> transforms = Transforms(rotate=0)
        >>> view = transforms.view(np.ones((2, 8, 8, 3), "float32"), transforms.draw(seed=0, step=0, size=(8, 8)))
        >>> tuple(view.shape)
        (2, 8, 8, 3)
    """

    jitter: float = 1 / 14
    rotate: float = 8.0
    scale: tuple = (0.85, 1.15)

    def __post_init__(self):
        numbers = (self.jitter, self.rotate, *(self.scale if shape_of(self.scale) == (2,) else (None,)))
        if not all(map(is_number, numbers)) or not self._is_within():
            raise ValueError(
                "A `Transforms` must have a jitter from 0 to 1, degrees from 0 to 180 and a scale (low, high) above 0. "
                f"Got {self}. Correct it."
            )

    def _is_within(self):
        low, high = self.scale
        return 0 <= self.jitter <= 1 and 0 <= self.rotate <= 180 and 0 < low <= high

    @property
    def is_still(self):
        """Whether every view is the picture itself."""
        return self.jitter == 0 and self.rotate == 0 and tuple(self.scale) == (1, 1)

    def draw(self, seed, step, size):
        """Return the view of this step as a float32 matrix `(2, 3)`: rows and columns from rows, columns and 1."""
        random = np.random.default_rng((seed, step))
        shift = random.uniform(-1, 1, 2) * self.jitter * np.asarray(size)
        angle = np.deg2rad(random.uniform(-1, 1) * self.rotate)
        scale = random.uniform(*self.scale)
        turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
        return np.concatenate([turn * scale, shift[:, None]], axis=1).astype("float32")

    def view(self, images, matrix):
        """Return the images `(n, h, w, c)` as seen through `matrix`, in the same shape; traced."""
        if self.is_still:
            return images
        count, height, width, channels = images.shape
        corner, down, right = _places(ops.convert_to_tensor(matrix, "float32"), height, width)
        # One row per pixel, so that one index fetches all images and channels at once.
        pixels = ops.reshape(ops.transpose(images, (1, 2, 0, 3)), (height * width, count * channels))

        def at(offset):
            return ops.take(pixels, corner + offset, axis=0)

        upper = at(0) * (1 - right) + at(1) * right
        lower = at(width) * (1 - right) + at(width + 1) * right
        view = ops.reshape(upper * (1 - down) + lower * down, (height, width, count, channels))
        return ops.transpose(view, (2, 0, 1, 3))


def _places(matrix, height, width):
    """Return, for each pixel of a view, the index of the picture's pixel above left, and the shares of the next."""
    rows = ops.arange(height, dtype="float32")[:, None] - (height - 1) / 2
    columns = ops.arange(width, dtype="float32")[None] - (width - 1) / 2
    places = [line[0] * rows + line[1] * columns + line[2] for line in (matrix[0], matrix[1])]
    y, x = _mirrored(places[0] + (height - 1) / 2, height), _mirrored(places[1] + (width - 1) / 2, width)
    top, left = ops.floor(y), ops.floor(x)
    corner = ops.cast(ops.reshape(top * width + left, (-1,)), "int32")
    return corner, ops.reshape(y - top, (-1, 1)), ops.reshape(x - left, (-1, 1))


def _mirrored(places, size):
    """Return places inside 0 to size − 1, just short of the end so that there is always a next pixel."""
    last = size - 1
    return ops.clip(last - ops.abs(last - ops.abs(places)), 0.0, last - 1e-3)
