"""Saliency maps: how strongly each pixel of the input moves the score."""

from __future__ import annotations

import keras
import numpy as np
from keras import ops

from keras_see._types import Images, Targets
from keras_see._validation import shown
from keras_see.attribution.given_images import given_images
from keras_see.attribution.gradient_pass import explain
from keras_see.attribution.method import Method, Request
from keras_see.model.forward import IMAGES
from keras_see.visualization.map_drawing import HEAT


def saliency_maps(
    model: keras.Model, images: Images, targets: Targets = None, *, batch_size: int = 32, image: int | str | None = None
) -> np.ndarray:
    r"""Return how strongly each pixel moves the score: the gradient's size, in one map per image.

    $M_{ij} = \max_c \left| \partial s / \partial x_{ijc} \right|$, the score $s$ being the explained class's logit
    (Simonyan, Vedaldi and Zisserman 2014, *Deep Inside Convolutional Networks*, section 3, arXiv:1312.6034).
    The map tells where a small change matters, not how much a pixel has contributed. Nothing is smoothed or rescaled.

    Args:
        model: A built Keras model, of any kind, on any backend.
        images: `(n, height, width, channels)` as the model takes them; a list or dict of arrays for several inputs,
            of which the first with rows and columns is explained. Also pictures, that is paths or `PIL.Image.Image`s,
            and lists of these or of arrays `(height, width, channels)`: they get the size that the model takes.
            Pictures have values from 0 to 255, not normalized. A tuple `(x, y)` is images and their labels.
        targets: What is explained, one per image. `None`: the labels if they came with the images, else `"predicted"`,
            the class that the model itself prefers. A class number, or one per image. An array in the shape of the
            outputs: weights of their sum. A callable: takes the outputs before a closing softmax or sigmoid and returns
            one score per image. With one output unit, 1 explains +value and 0 explains −value.
        batch_size: Images per pass; bounds the memory.
        image: Of a model with several inputs of pictures, the one that is explained: its name or its number. Default:
            the first, in the model's own order.

    Returns:
        float32 `(n, height, width)`, ≥ 0, in units of the score per unit of the input.

    Raises:
        ValueError: If the model is not built, or images or targets do not fit it; before anything is computed.

    Example:
        >>> import keras, numpy as np
        >>> model = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Flatten(), keras.layers.Dense(5)])
        >>> images = np.random.default_rng(0).random((2, 8, 8, 3), "float32")
        >>> saliency_maps(model, images, targets=[0, 4]).shape
        (2, 8, 8)
    """
    images, labels = given_images(model, images)
    return explain(model, images, [Request(SALIENCY)], targets, labels=labels, batch_size=batch_size, image=image).maps[
        0
    ]


def _place(layer_calls, layer):
    if layer is not None:
        raise ValueError(f"Saliency explains the images and takes no `layer`. Got {shown(layer)}. Leave it out.")
    return IMAGES


def _formula(values, gradients):
    return ops.max(ops.abs(gradients), axis=-1)


SALIENCY = Method(
    word="saliency",
    title="Saliency",
    place=_place,
    formula=_formula,
    meaning="Bright: a small change of this pixel moves the score most (largest absolute gradient over the channels).",
    style=HEAT,
)
