"""Grad-CAM: where a layer's features speak for the score."""

from __future__ import annotations

import keras
import numpy as np
from keras import ops

from keras_see._types import Images, Layer, Targets
from keras_see.attribution.given_images import given_images
from keras_see.attribution.gradient_pass import explain
from keras_see.attribution.method import Method, Request
from keras_see.visualization.resizing import check_size, resized_to


def grad_cam_maps(
    model: keras.Model,
    images: Images,
    targets: Targets = None,
    *,
    layer: Layer | None = None,
    size: str | tuple[int, int] | None = None,
    batch_size: int = 32,
    image: int | str | None = None,
) -> np.ndarray:
    r"""Return where a layer's features speak for the score, in one coarse map per image.

    $M_{ij} = \mathrm{ReLU}\left(\sum_k \alpha_k A_{ijk}\right)$ with
    $\alpha_k = \frac{1}{rc}\sum_{ij} \partial s / \partial A_{ijk}$, $A$ being the layer's output of $r$ rows and
    $c$ columns and $s$ the explained class's logit (Selvaraju et al. 2017, *Grad-CAM*, equations 1 and 2,
    arXiv:1610.02391). A map of zeros says that nothing speaks for the class. Nothing is rescaled.

    Args:
        model: A built Keras model, of any kind, on any backend.
        images: As for `saliency_maps`.
        targets: What is explained, one per image, as for `saliency_maps`.
        layer: A layer's name, its path (`"backbone/conv"`; `"backbone/conv#1"` is its second call), the unique end of
            a path, or the layer itself. Default: the last one on the way from the image to the score whose output holds
            rows and columns of the image, or tokens of it.
        size: `None` leaves the maps as coarse as the layer, laid where its window lies if that is a
            part of the image; `"images"` or `(height, width)` enlarges them (bicubic).
        batch_size: Images per pass; bounds the memory.
        image: As for `saliency_maps`.

    Returns:
        float32 `(n, rows, columns)`, ≥ 0, in units of the score.

    Raises:
        ValueError: If the layer does not exist or has no rows and columns, or images or targets do not fit.

    Example:
        >>> import keras, numpy as np
        >>> from keras_see import gap_classifier
        >>> model = gap_classifier(5, input_shape=(32, 32, 3))
        >>> grad_cam_maps(model, np.zeros((2, 32, 32, 3)), size="images").shape
        (2, 32, 32)
    """
    check_size(size)
    images, labels = given_images(model, images)
    result = explain(
        model, images, [Request(GRAD_CAM, layer)], targets, labels=labels, batch_size=batch_size, image=image
    )
    return resized_to(result.maps[0], size, result.size).clip(0)


def _place(layer_calls, layer):
    return layer_calls.spatial_call(layer).path


def _formula(values, gradients):
    weights = ops.mean(gradients, axis=(1, 2), keepdims=True)
    return ops.relu(ops.sum(weights * values, axis=-1))


GRAD_CAM = Method(
    word="grad_cam",
    title="Grad-CAM",
    place=_place,
    formula=_formula,
    meaning="Bright: the layer's features here speak for the explained class; nothing: they do not, or speak against.",
)
