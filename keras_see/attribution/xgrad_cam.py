"""XGrad-CAM: Grad-CAM whose gradients are averaged with the features as weights."""

from __future__ import annotations

import keras
import numpy as np
from keras import ops

from keras_see._types import Images, Layer, Targets
from keras_see.attribution.method import Method, Request
from keras_see.attribution.one_method import layer_maps_of
from keras_see.attribution.places import at_layer


def xgrad_cam_maps(
    model: keras.Model,
    images: Images,
    targets: Targets = None,
    *,
    layer: Layer | None = None,
    size: str | tuple[int, int] | None = None,
    batch_size: int = 32,
) -> np.ndarray:
    r"""Return where a layer's features speak for the score, gradients being averaged where features are active.

    $M_{ij} = \mathrm{ReLU}\left(\sum_k w_k A_{ijk}\right)$ with
    $w_k = \sum_{ij} A_{ijk}\, g_{ijk} \,/\, \sum_{ij} A_{ijk}$, $A$ being the layer's output and
    $g = \partial s / \partial A$ (Fu et al. 2020, *Axiom-based Grad-CAM*, equation 8, arXiv:2008.02312). A channel
    whose sum is 0 gets the weight 0. Channels with both signs may have a sum near 0 and so a huge weight: the method is
    meant for features behind a ReLU. Nothing is rescaled.

    Args:
        model: A built Keras model, of any kind, on any backend.
        images: As for `saliency_maps`.
        targets: What is explained, one per image, as for `saliency_maps`.
        layer: As for `grad_cam_maps`.
        size: `None` leaves the maps as coarse as the layer; `"images"` or `(height, width)` enlarges them (bicubic).
        batch_size: Images per pass; bounds the memory.

    Returns:
        float32 `(n, rows, columns)`, ≥ 0, in units of the score.

    Raises:
        ValueError: If the layer does not exist or has no rows and columns, or images or targets do not fit.

    Example:
        >>> import keras, numpy as np
        >>> from keras_see import gap_classifier
        >>> model = gap_classifier(5, input_shape=(32, 32, 3))
        >>> xgrad_cam_maps(model, np.ones((2, 32, 32, 3))).shape
        (2, 8, 8)
    """
    return layer_maps_of(model, images, Request(XGRAD_CAM, layer), targets, size, batch_size)


def _formula(values, gradients):
    totals = ops.sum(values, axis=(1, 2), keepdims=True)
    is_used = totals != 0
    weights = ops.sum(values * gradients, axis=(1, 2), keepdims=True)
    weights = ops.where(is_used, weights / ops.where(is_used, totals, ops.ones_like(totals)), ops.zeros_like(totals))
    return ops.relu(ops.sum(weights * values, axis=-1))


XGRAD_CAM = Method(
    word="xgrad_cam",
    title="XGrad-CAM",
    place=at_layer,
    formula=_formula,
    meaning="Bright: the layer's features here speak for the explained class; gradients count where these are active.",
)
