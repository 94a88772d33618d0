"""Eigen-CAM: the strongest pattern in a layer's features, whatever the class."""

from __future__ import annotations

import keras
import numpy as np
from keras import ops

from keras_see._types import Images, Layer, Targets
from keras_see.attribution.method import Method, Request
from keras_see.attribution.one_method import layer_maps_of
from keras_see.attribution.places import at_layer


def eigen_cam_maps(
    model: keras.Model,
    images: Images,
    targets: Targets = None,
    *,
    layer: Layer | None = None,
    size: str | tuple[int, int] | None = None,
    batch_size: int = 32,
) -> np.ndarray:
    r"""Return the strongest common pattern of a layer's features, whatever the class.

    $M = \mathrm{ReLU}(A v)$, $A$ being the layer's output as a matrix of places by channels and $v$ its first right
    singular vector (Muhammad and Yeasin 2020, *Eigen-CAM*, section 3, arXiv:2008.00299). $A$ is not centred. Of the
    two signs of $v$ it is the one with which $A v$ has a positive sum. `targets` do not change the map: it shows what
    is salient in the features, not what speaks for a class. Nothing is rescaled.

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
        >>> eigen_cam_maps(model, np.ones((2, 32, 32, 3))).shape
        (2, 8, 8)
    """
    return layer_maps_of(model, images, Request(EIGEN_CAM, layer), targets, size, batch_size)


def _formula(values):
    n, rows, columns, channels = values.shape
    places = ops.reshape(values, (n, rows * columns, channels))
    if channels <= rows * columns:
        found = ops.squeeze(ops.matmul(places, _first(ops.matmul(ops.transpose(places, (0, 2, 1)), places))), -1)
    else:  # A·v = σ·u, and the places are fewer
        left = _first(ops.matmul(places, ops.transpose(places, (0, 2, 1))))
        found = ops.squeeze(left, -1) * ops.sqrt(ops.sum(ops.matmul(ops.transpose(places, (0, 2, 1)), left) ** 2, (1,)))
    signs = ops.where(ops.sum(found, axis=1, keepdims=True) < 0, -1.0, 1.0)
    return ops.reshape(ops.relu(found * signs), (n, rows, columns))


def _first(squares):
    """Return the eigenvector `(n, size, 1)` of the greatest eigenvalue of symmetric matrices."""
    return ops.eigh(squares)[1][..., -1:]


EIGEN_CAM = Method(
    word="eigen_cam",
    title="Eigen-CAM",
    place=at_layer,
    formula=_formula,
    meaning="Bright: the strongest common pattern of the layer's features; it does not depend on the class.",
    kind="forward",
    unit="other",
)
