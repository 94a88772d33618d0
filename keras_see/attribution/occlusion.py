"""Occlusion: what the score loses when a window of the image is covered."""

from __future__ import annotations

import dataclasses
import math

import keras
import numpy as np
from keras import ops
from numpy.typing import ArrayLike

from keras_see._types import Images, Size, Targets
from keras_see._validation import is_size, is_whole, numeric, shown
from keras_see.attribution.method import Method, Request, Sampling
from keras_see.attribution.one_method import maps_of
from keras_see.attribution.places import at_images
from keras_see.visualization.map_drawing import SIGNED


def occlusion_maps(
    model: keras.Model,
    images: Images,
    targets: Targets = None,
    *,
    patch: Size | None = None,
    stride: Size | None = None,
    fill: float | ArrayLike | None = None,
    batch_size: int = 32,
) -> np.ndarray:
    r"""Return how much the score falls when a window of the image is covered, for each position of the window.

    $M_{rc} = s(x) - s(x_{rc})$, $x_{rc}$ being the image with the window at row $r \cdot \mathrm{stride}$ and column
    $c \cdot \mathrm{stride}$ filled (Zeiler and Fergus 2014, *Visualizing and Understanding Convolutional Networks*,
    section 4.2, arXiv:1311.2901). Positive: what is there speaks for the class. A last window that would reach beyond
    the image covers what is left of it: every pixel is covered where the stride is not larger than the window.

    Each position costs a forward pass: 400 with the defaults, where the sides are multiples of 20.

    Args:
        model: A built Keras model, of any kind, on any backend.
        images: As for `saliency_maps`.
        targets: What is explained, one per image, as for `saliency_maps`.
        patch: Side of the window in pixels, or `(height, width)`. Default: a tenth of the image's.
        stride: Pixels from one position to the next, or `(down, across)`. Default: half the window.
        fill: The value that covers, as the model takes it: a number, or one per channel. Default: the mean of the
            image, channel by channel.
        batch_size: Covered images per pass; bounds the memory.

    Returns:
        float32 `(n, rows, columns)`, signed, one value per position of the window, in units of the score.

    Raises:
        ValueError: If images, targets or an option do not fit; before anything is computed.

    Example:
        >>> import keras, numpy as np
        >>> model = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Flatten(), keras.layers.Dense(5)])
        >>> occlusion_maps(model, np.ones((2, 8, 8, 3)), targets=1, patch=4, stride=2).shape
        (2, 3, 3)
    """
    request = Request(OCCLUSION, options=OcclusionOptions(patch, stride, fill))
    return maps_of(model, images, request, targets, batch_size)


@dataclasses.dataclass(frozen=True)
class OcclusionOptions:
    """Sides of the window, its steps, and what covers."""

    patch: object = None
    stride: object = None
    fill: object = None

    def __post_init__(self):
        for name in ("patch", "stride"):
            given = getattr(self, name)
            if given is not None and not is_whole(given, 1) and not is_size(given):
                raise ValueError(
                    f"`{name}` must be a whole number of pixels from 1, or (height, width). Got {shown(given)}. "
                    "Leave it out for the default."
                )
        if self.fill is not None:
            array = numeric(self.fill)
            if array is None or array.ndim > 1 or not array.size or not np.isfinite(array).all():
                raise ValueError(_FILL.format(shown(self.fill)))
            object.__setattr__(self, "fill", array.astype("float32"))


_FILL = (
    "`fill` must be None, a finite number or one number per channel of the images. "
    "Got {}. Leave it out for the mean of each image."
)


@dataclasses.dataclass(frozen=True)
class Windows:
    """The positions of a window on images: `patch`, `stride` and `grid`, each a pair down and across."""

    patch: tuple
    stride: tuple
    grid: tuple


def windows_of(shape, options):
    """Return the `Windows` on images of a shape `(height, width, channels)`; raise where the options do not fit."""
    if options.fill is not None and options.fill.size not in (1, shape[-1]):
        raise ValueError(_FILL.format(shown(options.fill)))
    patch = _pair(options.patch) or tuple(max(round(side / 10), 1) for side in shape[:2])
    if any(window > side for window, side in zip(patch, shape[:2], strict=True)):
        raise ValueError(
            f"`patch` must be at most as large as the images, {shape[0]} × {shape[1]} pixels. "
            f"Got {patch[0]} × {patch[1]}. Leave it out for a tenth."
        )
    stride = _pair(options.stride) or tuple(max(window // 2, 1) for window in patch)
    sides = zip(shape[:2], patch, stride, strict=True)
    return Windows(patch, stride, tuple(1 + math.ceil((side - window) / step) for side, window, step in sides))


def _pair(given):
    return given if given is None or not is_whole(given) else (given, given)


def _draw(numbers, shapes, options):
    windows = windows_of(shapes.images, options)
    places = np.stack(np.divmod(numbers, windows.grid[1])) * np.array(windows.stride)[:, None]
    return {"place": places.T.astype("int32"), "which": np.eye(math.prod(windows.grid), dtype="float32")[numbers]}


def _covered(base, draws, options):
    patch = windows_of(base.images.shape[1:], options).patch
    inside = [_within(draws["place"][:, axis], patch[axis], base.images.shape[1 + axis]) for axis in (0, 1)]
    masks = inside[0][:, :, None] * inside[1][:, None, :]
    images, masks = base.images[:, None], masks[None, ..., None]
    fill = ops.mean(images, axis=(2, 3), keepdims=True) if options.fill is None else ops.convert_to_tensor(options.fill)
    return images * (1 - masks) + fill * masks


def _within(starts, length, side):
    """Return `(k, side)`: 1 where a pixel lies in the window that begins at a start, else 0."""
    distance = ops.arange(side, dtype="int32")[None] - starts[:, None]
    return ops.cast(ops.logical_and(distance >= 0, distance < length), "float32")


def _drops(totals, base, options):
    grid = windows_of(base.images.shape[1:], options).grid
    return ops.reshape(base.scores[:, None] - totals, (-1, *grid))


OCCLUSION = Method(
    word="occlusion",
    title="Occlusion",
    place=at_images("Occlusion"),
    formula=_drops,
    meaning="Red: the score falls when this place is covered; blue: it rises.",
    style=SIGNED,
    kind="sampled",
    options=OcclusionOptions,
    sampling=Sampling(
        count=lambda shapes, options: math.prod(windows_of(shapes.images, options).grid),
        draw=_draw,
        vary=_covered,
        contribution=lambda scores, gradients, base, draws, options: scores[..., None] * draws["which"][None],
    ),
)
