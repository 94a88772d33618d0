"""CAM: what each place adds to the logit of a classifier with a GAP head."""

from __future__ import annotations

import math

import keras
import numpy as np
from keras import layers, ops

from keras_see._types import Images, Targets
from keras_see._validation import shown
from keras_see.attribution.given_images import given_images
from keras_see.attribution.gradient_pass import explain
from keras_see.attribution.method import Method, Request
from keras_see.model.activations import closing_activation, computes_as, is_identity, own_operation
from keras_see.visualization.resizing import check_size, resized_to

# Layers that can average over all places, beside Keras's own operation of the name.
AVERAGES, AVERAGE_OPERATIONS = (layers.GlobalAveragePooling2D, layers.AveragePooling2D), ("Mean",)

# What may come after the average: in inference each is linear in its input, up to an added constant.
LINEAR = (
    *(layers.Dense, layers.Conv2D, layers.Activation, layers.BatchNormalization, layers.Flatten, layers.Reshape),
    *(layers.Identity, layers.Dropout, layers.SpatialDropout2D, layers.AlphaDropout),
    *(layers.GaussianDropout, layers.GaussianNoise),
)
LINEAR_OPERATIONS = ("Reshape", "Squeeze", "Identity")


def class_activation_maps(
    model: keras.Model,
    images: Images,
    targets: Targets = None,
    *,
    size: str | tuple[int, int] | None = None,
    batch_size: int = 32,
    image: int | str | None = None,
) -> np.ndarray:
    r"""Return what each place adds to the logit of a class, for a classifier with a GAP head.

    $M_{ij} = \sum_k w_k A_{ijk}$, $w$ being the weights from the averaged features $A$ to the class, so that
    $\frac{1}{rc}\sum_{ij} M_{ij} + b$ is the logit (Zhou et al. 2016, *Learning Deep Features for Discriminative
    Localization*, equations 1 and 2, arXiv:1512.04150). The map is signed: places may speak against the class.
    With a `"conv"` head the map is the class's own filter. Nothing is rescaled.

    A GAP head is global average pooling followed by layers that are linear in what it gives: dense layers without
    an activation but a closing softmax or sigmoid, dropout, batch normalisation. `gap_classifier` makes one.

    Args:
        model: A built Keras model with a GAP head.
        images: As for `saliency_maps`.
        targets: What is explained, one per image, as for `saliency_maps`; a callable must be linear in the outputs.
        size: `None` leaves the maps as coarse as the features; `"images"` or `(height, width)` enlarges them (bicubic).
        batch_size: Images per pass; bounds the memory.
        image: As for `saliency_maps`.

    Returns:
        float32 `(n, rows, columns)`, signed, in units of the logit.

    Raises:
        ValueError: If the model has no GAP head, or images or targets do not fit.

    Example:
        >>> import keras, numpy as np
        >>> from keras_see import gap_classifier
        >>> model = gap_classifier(5, input_shape=(32, 32, 3))
        >>> images = np.random.default_rng(0).random((2, 32, 32, 3))
        >>> class_activation_maps(model, images, targets=3).shape
        (2, 8, 8)
    """
    check_size(size)
    images, labels = given_images(model, images)
    result = explain(model, images, [Request(CAM)], targets, labels=labels, batch_size=batch_size, image=image)
    return resized_to(result.maps[0], size, result.size)


def gap_call(layer_calls):
    """Return the call that averages the features of a GAP head over all places; raise if there is no such head."""
    if not any(_averages_all(call) for call in layer_calls.calls):
        raise ValueError(_NO_HEAD.format("nothing in it averages each channel over all places"))
    for call in layer_calls.chain:  # from the output backwards
        if _averages_all(call):
            return call
        if not _is_linear(call):
            raise ValueError(_NO_HEAD.format(f"on the way to the output lies {call.path!r} ({call.type})"))
    raise ValueError(_NO_HEAD.format("what makes its output of the average is not layers alone"))


_NO_HEAD = (
    "For CAM `model` must have a GAP head: a layer that averages each channel over all places "
    "(GlobalAveragePooling2D), then nothing but layers that are linear in inference, one after the other. "
    "This one has none: {}. "
    "Use Grad-CAM, or build the model with keras_see.gap_classifier."
)


def _averages_all(call):
    """Whether the call makes one number of each channel of an input with rows and columns."""
    is_average = computes_as(call.operation, *AVERAGES) or own_operation(call.operation) in AVERAGE_OPERATIONS
    if not is_average or not call.input_shape or len(call.input_shape) != 4 or not call.shape:
        return False
    pool = getattr(call.operation, "pool_size", None)
    if pool is not None and tuple(pool) != call.input_shape[1:3]:
        return False  # one window that leaves places out, or several
    return math.prod(call.shape[1:]) == call.input_shape[-1] == call.shape[-1]


def _is_linear(call):
    if call.is_output and closing_activation(call.operation):
        return True
    if own_operation(call.operation) in LINEAR_OPERATIONS:
        return True
    return computes_as(call.operation, *LINEAR) and is_identity(getattr(call.operation, "activation", None))


def _place(layer_calls, layer):
    gap = gap_call(layer_calls)
    if layer is not None and layer_calls.find(layer) not in (gap, layer_calls.default_call()):
        raise ValueError(f"CAM takes what {gap.path!r} averages. Got the layer {shown(layer)}. Leave `layer` out.")
    return gap.input_path


def _formula(values, gradients):
    # Behind an average the gradient is w/(rows · columns) at every place.
    return ops.sum(ops.sum(gradients, axis=(1, 2), keepdims=True) * values, axis=-1)


CAM = Method(
    word="cam",
    title="CAM",
    place=_place,
    formula=_formula,
    meaning="Bright: what this place adds to the class's logit; places that add nothing or take away stay as they are.",
)
