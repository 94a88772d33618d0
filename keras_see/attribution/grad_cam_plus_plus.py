"""Grad-CAM++: Grad-CAM with a weight per place, so that several things of one class all count."""

from __future__ import annotations

import keras
import numpy as np
from keras import ops

from keras_see._types import Images, Layer, Targets
from keras_see.attribution.method import Method, Request
from keras_see.attribution.one_method import layer_maps_of
from keras_see.attribution.places import at_layer


def grad_cam_plus_plus_maps(
    model: keras.Model,
    images: Images,
    targets: Targets = None,
    *,
    layer: Layer | None = None,
    size: str | tuple[int, int] | None = None,
    batch_size: int = 32,
) -> np.ndarray:
    r"""Return where a layer's features speak for the score, each place weighted by how few others do.

    $M_{ij} = \mathrm{ReLU}\left(\sum_k w_k A_{ijk}\right)$ with
    $w_k = \sum_{ij} \alpha_{ijk}\,\mathrm{ReLU}(g_{ijk})$ and
    $\alpha_{ijk} = g_{ijk}^2 \,/\, \left(2 g_{ijk}^2 + g_{ijk}^3 \sum_{ab} A_{abk}\right)$, $A$ being the layer's
    output and $g = \partial s / \partial A$ (Chattopadhyay et al. 2018, *Grad-CAM++*, equations 10 to 12 and 19,
    arXiv:1710.11063). The paper explains $e^s$, whose factor is the same at every place; here it is $s$, the logit, so
    that maps of several images can be compared. $\alpha$ is 0 where $g$ is. Nothing is rescaled.

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
        >>> grad_cam_plus_plus_maps(model, np.ones((2, 32, 32, 3))).shape
        (2, 8, 8)
    """
    return layer_maps_of(model, images, Request(GRAD_CAM_PLUS_PLUS, layer), targets, size, batch_size)


def _formula(values, gradients):
    # The fraction divided by the square of the gradient, which float32 loses below 1e-19.
    below = 2 + ops.sum(values, axis=(1, 2), keepdims=True) * gradients
    is_used = ops.logical_and(gradients > 0, below != 0)
    alphas = ops.where(is_used, 1 / ops.where(is_used, below, ops.ones_like(below)), ops.zeros_like(below))
    weights = ops.sum(alphas * ops.relu(gradients), axis=(1, 2), keepdims=True)
    return ops.relu(ops.sum(weights * values, axis=-1))


GRAD_CAM_PLUS_PLUS = Method(
    word="grad_cam_plus_plus",
    title="Grad-CAM++",
    place=at_layer,
    formula=_formula,
    meaning="Bright: the layer's features here speak for the explained class; small and repeated things count too.",
)
