"""LayerCAM: each feature weighted by its own positive gradient, for maps of early layers too."""

from __future__ import annotations

import keras
import numpy as np
from keras import ops

from keras_see._types import Images, Layer, Targets
from keras_see.attribution.method import Method, Request
from keras_see.attribution.one_method import layer_maps_of
from keras_see.attribution.places import at_layer


def layer_cam_maps(
    model: keras.Model,
    images: Images,
    targets: Targets = None,
    *,
    layer: Layer | None = None,
    size: str | tuple[int, int] | None = None,
    batch_size: int = 32,
) -> np.ndarray:
    r"""Return where a layer's features speak for the score, each weighted by its own positive gradient.

    $M_{ij} = \mathrm{ReLU}\left(\sum_k \mathrm{ReLU}(g_{ijk})\, A_{ijk}\right)$, $A$ being the layer's output and
    $g = \partial s / \partial A$ (Jiang et al. 2021, *LayerCAM*, equations 5 to 7, doi:10.1109/TIP.2021.3089943). The
    weight is that of the place, not a mean over all, so early layers have sharp maps too. Nothing is rescaled.

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
        >>> layer_cam_maps(model, np.ones((2, 32, 32, 3))).shape
        (2, 8, 8)
    """
    return layer_maps_of(model, images, Request(LAYER_CAM, layer), targets, size, batch_size)


def _formula(values, gradients):
    return ops.relu(ops.sum(ops.relu(gradients) * values, axis=-1))


LAYER_CAM = Method(
    word="layer_cam",
    title="LayerCAM",
    place=at_layer,
    formula=_formula,
    meaning="Bright: features here are active and more of them would raise the explained class's score.",
)
