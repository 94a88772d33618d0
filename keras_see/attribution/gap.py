"""Classifiers that end in global average pooling, for which exact heatmaps exist."""

import keras
from keras import layers

from keras_see._validation import is_whole, is_word, shown
from keras_see.model.inputs import input_shapes

# Filters of the small backbone's convolutions, and after which of them the features halve in size. A feature then
# sees 38 × 38 pixels.
SMALL = (16, 32, 32, 64, 64, 128)
HALVED_AFTER = (1, 3)


def gap_classifier(
    classes: int,
    input_shape: tuple[int | None, int | None, int] | None = None,
    backbone: keras.Model | None = None,
    head: str = "conv",
    activation: str | None = "softmax",
) -> keras.Model:
    """Return a classifier with a GAP head, for which `class_activation_maps` are exact; not compiled.

    `head="conv"` ends in a 1×1 convolution with one filter per class, then global average pooling (Lin, Chen and Yan
    2014, *Network In Network*, section 3.2, arXiv:1312.4400): a class's heatmap is its own filter. `head="dense"` ends
    in global average pooling, then a dense layer (Zhou et al. 2016, arXiv:1512.04150). Both are the same function.

    Args:
        classes: Number of classes. One means a single unit with a sigmoid.
        input_shape: `(height, width, channels)`; height and width may be None. Default: the backbone's own, or
            `(None, None, 3)`.
        backbone: A Keras model from images to features `(batch, rows, columns, channels)`, such as one of
            `keras.applications` with `include_top=False`. Default: a small one of six convolutions with batch
            normalization, whose features have a quarter of the input's height and width.
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
    _check(classes, head, activation)
    if classes == 1 and activation == "softmax":
        activation = "sigmoid"  # the softmax of one number is always 1
    own: tuple = (None, None, None) if backbone is None else _shape_of(backbone)
    if input_shape is None:
        input_shape = (None, None, 3) if backbone is None else own
    inputs = keras.Input(_fitting(input_shape, own), name="images")
    features = _small_backbone(inputs) if backbone is None else backbone(inputs)
    came = getattr(features, "shape", "several tensors")
    if backbone is not None and len(came) != 4:
        raise ValueError(
            "`backbone` must give features of shape (batch, rows, columns, channels). "
            f"{backbone.name!r} gives {came}. Build it with include_top=False and pooling=None."
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


def _check(classes, head, activation):
    if not is_whole(classes, 1):
        raise ValueError(
            f"`classes` must be a whole number from 1. Got {shown(classes)}. Pass how many classes there are."
        )
    if not is_word(head, ("conv", "dense")):
        raise ValueError(f'`head` must be "conv" or "dense". Got {shown(head)}. Choose one of them.')
    if activation is not None and not is_word(activation, ("softmax", "sigmoid", "linear")):
        raise ValueError(
            f'`activation` must be "softmax", "sigmoid" or None. Got {shown(activation)}. Choose one of them.'
        )


def _shape_of(backbone):
    """Return the shape of the images that a backbone takes, without the batch axis."""
    if not isinstance(backbone, keras.Model):
        raise TypeError(
            "`backbone` must be a keras.Model from images to features. "
            f"Got {shown(backbone)}. Pass for example keras.applications.MobileNetV2(include_top=False)."
        )
    shapes = input_shapes(backbone)
    if shapes is None or len(shapes) != 1 or len(shapes[0]) != 4:
        came = "tells none" if shapes is None else f"takes {', '.join(map(str, shapes))}"
        raise ValueError(
            "`backbone` must take one input of shape (batch, height, width, channels). "
            f"{backbone.name!r} {came}. Start it with keras.Input((height, width, channels))."
        )
    return shapes[0][1:]


def _fitting(shape, own):
    """Return the input shape; raise where the backbone does not take it."""
    sides = tuple(shape) if isinstance(shape, list | tuple) else ()
    if len(sides) != 3 or not all(is_whole(side, 1) or side is None for side in sides) or sides[-1] is None:
        raise ValueError(
            f"`input_shape` must be (height, width, channels). Got {shown(shape)}. "
            "Leave the batch axis out. Height and width may be None."
        )
    if any(None not in (side, known) and side != known for side, known in zip(sides, own, strict=True)):
        raise ValueError(f"`input_shape` must be what the backbone takes, {own}. Got {sides}. Leave it out for that.")
    return sides
