"""Score-CAM: each channel weighted by the score of the image seen through it alone."""

from __future__ import annotations

import dataclasses

import keras
import numpy as np
from keras import ops

from keras_see._types import Images, Layer, Targets
from keras_see._validation import is_whole, shown
from keras_see.attribution.method import Method, Request, Sampling
from keras_see.attribution.one_method import layer_maps_of
from keras_see.attribution.places import at_layer
from keras_see.attribution.upsampling import upsampled


def score_cam_maps(
    model: keras.Model,
    images: Images,
    targets: Targets = None,
    *,
    layer: Layer | None = None,
    size: str | tuple[int, int] | None = None,
    channels: int | None = None,
    batch_size: int = 32,
) -> np.ndarray:
    r"""Return where features lie that keep the score when the image is seen through them alone; without gradients.

    $M_{ij} = \mathrm{ReLU}\left(\sum_k w_k A_{ijk}\right)$ with $w = \mathrm{softmax}(s_1, s_2, \dots)$ over the
    channels, $s_k$ being the explained logit of $x \circ H_k$, and $H_k$ the channel $A_k$ enlarged to the image
    (bilinear) and stretched to 0–1 (Wang et al. 2020, *Score-CAM*, equations 3 to 6, arXiv:1910.01279). The score of
    the paper's base image is the same for all channels, so the softmax does not change with it. A channel that is the
    same everywhere covers the image altogether. What is covered has the value 0 *as the model takes it*. Nothing is
    rescaled.

    Args:
        model: A built Keras model, of any kind, on any backend.
        images: As for `saliency_maps`.
        targets: What is explained, one per image, as for `saliency_maps`.
        layer: As for `grad_cam_maps`.
        size: `None` leaves the maps as coarse as the layer; `"images"` or `(height, width)` enlarges them (bicubic).
        channels: How many channels take part: of each image those that vary most over the places (standard deviation).
            Default: all. Each costs a forward pass.
        batch_size: Images per pass; bounds the memory.

    Returns:
        float32 `(n, rows, columns)`, ≥ 0, in units of the features.

    Raises:
        ValueError: If the layer does not exist or has no rows and columns, or images, targets or `channels` do not fit.

    Example:
        >>> import keras, numpy as np
        >>> from keras_see import gap_classifier
        >>> model = gap_classifier(5, input_shape=(32, 32, 3))
        >>> score_cam_maps(model, np.ones((2, 32, 32, 3)), layer="relu6", channels=8).shape
        (2, 8, 8)
    """
    request = Request(SCORE_CAM, layer, ScoreCAMOptions(channels))
    return layer_maps_of(model, images, request, targets, size, batch_size)


@dataclasses.dataclass(frozen=True)
class ScoreCAMOptions:
    """How many channels take part; None for all."""

    channels: int | None = None

    def __post_init__(self):
        if self.channels is not None and not is_whole(self.channels, 1):
            raise ValueError(
                "`channels` must be None or a whole number from 1: how many of the layer's channels take part. "
                f"Got {shown(self.channels)}. Leave it out for all."
            )


def _count(channels, options):
    return min(channels, options.channels or channels)


def _order(features, options):
    """Return the numbers `(n, count)` of the channels that take part, those that vary most first."""
    return ops.top_k(ops.std(features, axis=(1, 2)), _count(features.shape[-1], options))[1]


def _masked(base, draws, options):
    chosen = ops.one_hot(ops.take(_order(base.features, options), draws["number"], axis=1), base.features.shape[-1])
    maps = ops.einsum("nijc,nkc->nkij", base.features, ops.cast(chosen, "float32"))
    masks = upsampled(maps, base.images.shape[1:3])
    least = ops.min(masks, axis=(2, 3), keepdims=True)
    span = ops.max(masks, axis=(2, 3), keepdims=True) - least
    masks = (masks - least) / ops.where(span > 0, span, ops.ones_like(span))
    return base.images[:, None] * masks[..., None]


def _weighted(totals, base, options):
    order = _order(base.features, options)
    chosen = ops.take_along_axis(base.features, order[:, None, None, :], axis=-1)
    return ops.relu(ops.sum(ops.softmax(totals)[:, None, None] * chosen, axis=-1))


SCORE_CAM = Method(
    word="score_cam",
    title="Score-CAM",
    place=at_layer,
    formula=_weighted,
    meaning="Bright: features lie here that keep the explained class's score when only they are seen.",
    kind="sampled",
    options=ScoreCAMOptions,
    sampling=Sampling(
        count=lambda shapes, options: _count(shapes.features[-1], options),
        draw=lambda numbers, shapes, options: {
            "number": numbers.astype("int32"),
            "which": np.eye(_count(shapes.features[-1], options), dtype="float32")[numbers],
        },
        vary=_masked,
        contribution=lambda scores, gradients, base, draws, options: scores[..., None] * draws["which"],
    ),
    unit="other",
)
