"""Ablation-CAM: each channel weighted by what the score loses without it."""

from __future__ import annotations

import keras
import numpy as np
from keras import ops

from keras_see._types import Images, Layer, Targets
from keras_see.attribution.method import Method, Request, Sampling
from keras_see.attribution.one_method import layer_maps_of
from keras_see.attribution.places import at_layer


def ablation_cam_maps(
    model: keras.Model,
    images: Images,
    targets: Targets = None,
    *,
    layer: Layer | None = None,
    size: str | tuple[int, int] | None = None,
    batch_size: int = 32,
) -> np.ndarray:
    r"""Return where features lie without which the score falls; without gradients.

    $M_{ij} = \mathrm{ReLU}\left(\sum_k w_k A_{ijk}\right)$ with $w_k = (s - s_k) / s$, $s_k$ being the explained logit
    with the channel $A_k$ of the layer set to 0 (Desai and Ramaswamy 2020, *Ablation-CAM*, equations 3 and 4,
    doi:10.1109/WACV45572.2020.9093360). The drop is relative: where the logit itself is negative the signs are
    reversed, as in the paper; where it is 0 the map is 0. Nothing is rescaled.

    Each channel of the layer costs a forward pass.

    Args:
        model: A built Keras model, of any kind, on any backend.
        images: As for `saliency_maps`.
        targets: What is explained, one per image, as for `saliency_maps`.
        layer: As for `grad_cam_maps`.
        size: `None` leaves the maps as coarse as the layer; `"images"` or `(height, width)` enlarges them (bicubic).
        batch_size: Images per pass; bounds the memory.

    Returns:
        float32 `(n, rows, columns)`, ≥ 0, in units of the features.

    Raises:
        ValueError: If the layer does not exist or has no rows and columns, or images or targets do not fit.

    Example:
        >>> import keras, numpy as np
        >>> from keras_see import gap_classifier
        >>> model = gap_classifier(5, input_shape=(32, 32, 3))
        >>> ablation_cam_maps(model, np.ones((2, 32, 32, 3)), size="images").shape
        (2, 32, 32)
    """
    return layer_maps_of(model, images, Request(ABLATION_CAM, layer), targets, size, batch_size)


def _formula(totals, base):
    scores = base.scores[:, None]
    drops = ops.where(scores != 0, (scores - totals) / ops.where(scores != 0, scores, ops.ones_like(scores)), 0.0)
    return ops.relu(ops.sum(drops[:, None, None] * base.features, axis=-1))


ABLATION_CAM = Method(
    word="ablation_cam",
    title="Ablation-CAM",
    place=at_layer,
    formula=_formula,
    meaning="Bright: features lie here without which the explained class's score falls.",
    kind="sampled",
    sampling=Sampling(
        count=lambda shapes, options: shapes.features[-1],
        draw=lambda numbers, shapes, options: np.eye(shapes.features[-1], dtype="float32")[numbers],
        vary=lambda base, draws, options: base.features[:, None] * (1 - draws[None, :, None, None, :]),
        contribution=lambda scores, gradients, base, draws, options: scores[..., None] * draws[None],
        varies="features",
    ),
    unit="other",
)
