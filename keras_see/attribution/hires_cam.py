"""HiResCAM: each feature times its own gradient, so that a map shows only what the score uses."""

from __future__ import annotations

import keras
import numpy as np
from keras import ops

from keras_see._types import Images, Layer, Targets
from keras_see.attribution.method import Method, Request
from keras_see.attribution.one_method import layer_maps_of
from keras_see.attribution.places import at_layer


def hires_cam_maps(
    model: keras.Model,
    images: Images,
    targets: Targets = None,
    *,
    layer: Layer | None = None,
    size: str | tuple[int, int] | None = None,
    batch_size: int = 32,
) -> np.ndarray:
    r"""Return what a layer's features add to the score, place by place: features times gradients.

    $M_{ij} = \mathrm{ReLU}\left(\sum_k g_{ijk} A_{ijk}\right)$, $A$ being the layer's output and
    $g = \partial s / \partial A$ (Draelos and Carin 2020, *Use HiResCAM instead of Grad-CAM*, equation 2,
    arXiv:2011.08891). Gradients are not averaged over the places. Where only linear layers and pooling by average
    follow, the sum over the map before ReLU is the logit without its bias. Nothing is rescaled.

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
        >>> hires_cam_maps(model, np.ones((2, 32, 32, 3))).shape
        (2, 8, 8)
    """
    return layer_maps_of(model, images, Request(HIRES_CAM, layer), targets, size, batch_size)


def _formula(values, gradients):
    return ops.relu(ops.sum(gradients * values, axis=-1))


HIRES_CAM = Method(
    word="hires_cam",
    title="HiResCAM",
    place=at_layer,
    formula=_formula,
    meaning="Bright: what the layer's features here add to the explained class's score.",
)
