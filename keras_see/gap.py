"""Classifiers that end in global average pooling, for which exact heatmaps exist."""

import keras
from keras import layers

# Filters of the small backbone's convolutions, and after which of them the features halve in size. A feature then
# sees 38 × 38 pixels.
SMALL = (16, 32, 32, 64, 64, 128)
HALVED_AFTER = (1, 3)


def gap_classifier(classes, input_shape=None, backbone=None, head="conv", activation="softmax"):
    """Build a classifier with a GAP head, so that `class_activation_maps` are exact; not compiled.

    `head="conv"` ends in a 1×1 convolution with one filter per class, then global average pooling (Lin, Chen and Yan
    2014, *Network In Network*, section 3.2, arXiv:1312.4400): a class's heatmap is its own filter. `head="dense"` ends
    in global average pooling, then a dense layer (Zhou et al. 2016, arXiv:1512.04150). Both are the same function.

    Args:
        classes: Number of classes. One means a single unit with a sigmoid.
        input_shape: `(height, width, channels)`; height and width may be None. Default: the backbone's own, or
            `(None, None, 3)`.
        backbone: A Keras model from images to features `(batch, rows, columns, channels)`, such as one of
            `keras.applications` with `include_top=False`. Default: a small one of six convolutions with batch
            normalisation, whose features have a quarter of the input's height and width.
        head: `"conv"` or `"dense"`.
        activation: That of the output: `"softmax"`, `"sigmoid"` (several labels per image) or None for logits.

    Returns:
        A `keras.Model`.

    Raises:
        ValueError: If the backbone's output has no rows and columns, or an argument is none of the above.

    Example:
        >>> gap_classifier(10, input_shape=(32, 32, 3)).output_shape
        (None, 10)
    """
    _check(classes, input_shape, head, activation)
    if classes == 1 and activation == "softmax":
        activation = "sigmoid"  # the softmax of one number is always 1
    if backbone is not None and input_shape is None:
        input_shape = tuple(backbone.input_shape[1:])
    inputs = keras.Input(input_shape or (None, None, 3), name="images")
    features = _small_backbone(inputs) if backbone is None else backbone(inputs)
    if len(features.shape) != 4:
        raise ValueError(
            "`backbone` must give features of shape (batch, rows, columns, channels). "
            f"{backbone.name!r} gives {features.shape}. Build it with include_top=False and pooling=None."
        )
    if head == "conv":
        features = layers.Conv2D(classes, 1, name="class_maps")(features)
        logits = layers.GlobalAveragePooling2D(name="gap", dtype="float32")(features)
        outputs = layers.Activation(activation or "linear", name="predictions", dtype="float32")(logits)
    else:
        means = layers.GlobalAveragePooling2D(name="gap")(features)
        outputs = layers.Dense(classes, activation, name="predictions", dtype="float32")(means)
    return keras.Model(inputs, outputs, name="gap_classifier")


def _small_backbone(features):
    for number, filters in enumerate(SMALL, start=1):
        features = layers.Conv2D(filters, 3, padding="same", use_bias=False, name=f"conv{number}")(features)
        features = layers.BatchNormalization(momentum=0.9, name=f"norm{number}")(features)
        features = layers.ReLU(name=f"relu{number}")(features)
        if number in HALVED_AFTER:
            features = layers.MaxPooling2D(padding="same", name=f"pool{number}")(features)
    return features


def _check(classes, input_shape, head, activation):
    if not isinstance(classes, int) or classes < 1:
        raise ValueError(f"`classes` must be a whole number from 1. Got {classes!r}. Pass how many classes there are.")
    if input_shape is not None and len(input_shape) != 3:
        raise ValueError(
            f"`input_shape` must be (height, width, channels). Got {input_shape!r}. Leave the batch axis out."
        )
    if head not in ("conv", "dense"):
        raise ValueError(f'`head` must be "conv" or "dense". Got {head!r}. Choose one of them.')
    if activation not in ("softmax", "sigmoid", "linear", None):
        raise ValueError(f'`activation` must be "softmax", "sigmoid" or None. Got {activation!r}. Choose one of them.')
