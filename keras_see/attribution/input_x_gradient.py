"""Input × gradient: the first-order share of each value of the image in the score."""

from __future__ import annotations

import keras
import numpy as np

from keras_see._types import Images, Targets
from keras_see.attribution.method import Method, Request
from keras_see.attribution.one_method import maps_of
from keras_see.attribution.places import at_images
from keras_see.visualization.map_drawing import SIGNED_PIXELS


def input_x_gradient(
    model: keras.Model, images: Images, targets: Targets = None, *, batch_size: int = 32
) -> np.ndarray:
    r"""Return each value of the image times the score's gradient there.

    $M_{ijc} = x_{ijc}\,\partial s / \partial x_{ijc}$, $x$ as the model takes it (Shrikumar et al. 2016, *Not Just a
    Black Box*, section 2, arXiv:1605.01713). For a linear model this is what each value adds to the score. A value of 0
    always gets 0, so the map depends on what the preprocessing calls 0. Nothing is rescaled.

    Args:
        model: A built Keras model, of any kind, on any backend.
        images: As for `saliency_maps`.
        targets: What is explained, one per image, as for `saliency_maps`.
        batch_size: Images per pass; bounds the memory.

    Returns:
        float32, signed, the shape of the images, in units of the score.

    Raises:
        ValueError: If images or targets do not fit.

    Example:
        >>> import keras, numpy as np
        >>> model = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Flatten(), keras.layers.Dense(5)])
        >>> input_x_gradient(model, np.ones((2, 8, 8, 3)), targets=1).shape
        (2, 8, 8, 3)
    """
    return maps_of(model, images, Request(INPUT_X_GRADIENT), targets, batch_size)


INPUT_X_GRADIENT = Method(
    word="input_x_gradient",
    title="Input × gradient",
    place=at_images("Input × gradient"),
    formula=lambda values, gradients: values * gradients,
    meaning="Red: this pixel speaks for the explained class; blue: against (value times gradient, over the channels).",
    style=SIGNED_PIXELS,
    per_channel=True,
)
