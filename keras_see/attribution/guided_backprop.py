"""Guided backprop: the gradient that flows back through positive contributions only."""

from __future__ import annotations

import keras
import numpy as np

from keras_see._types import Images, Targets
from keras_see.attribution.method import Method, Request
from keras_see.attribution.one_method import maps_of
from keras_see.attribution.places import at_images
from keras_see.model.interceptors import GuidedRectifiers
from keras_see.visualization.map_drawing import SIGNED_PIXELS


def guided_backprop(model: keras.Model, images: Images, targets: Targets = None, *, batch_size: int = 32) -> np.ndarray:
    r"""Return the gradient of the score when each ReLU passes back only what is positive.

    Through a ReLU the gradient is multiplied by $[x > 0]$ as always, and by $[g > 0]$ besides: what flows back must
    be positive (Springenberg et al. 2015, *Striving for Simplicity*, section 3.4, arXiv:1412.6806). The model is
    neither cloned nor changed.

    **Not an explanation.** The maps look sharp because they redraw the edges of the image. They hardly change when the
    weights of the model's last layers are replaced by random ones (Adebayo et al. 2018, *Sanity Checks for Saliency
    Maps*, arXiv:1810.03292), so they cannot tell what the class depends on.

    Guided are ReLUs as a layer, as a layer's `activation` and as an operation of a functional model. What is no plain
    ReLU (`ReLU(6)`, leaky ones, GELU, SiLU) keeps its true gradient, and so does a function that a user's own `call`
    applies to its tensors. A model in which no ReLU is found gives the plain gradient, and a line in the log says so.

    Args:
        model: A built Keras model, of any kind, on any backend.
        images: As for `saliency_maps`.
        targets: What is explained, one per image, as for `saliency_maps`.
        batch_size: Images per pass; bounds the memory.

    Returns:
        float32, signed, the shape of the images, in units of the score per unit of the input.

    Raises:
        ValueError: If images or targets do not fit.

    Example:
        >>> import keras, numpy as np
        >>> from keras_see import gap_classifier
        >>> guided_backprop(gap_classifier(5, (16, 16, 3)), np.ones((2, 16, 16, 3)), targets=1).shape
        (2, 16, 16, 3)
    """
    return maps_of(model, images, Request(GUIDED_BACKPROP), targets, batch_size)


def _note(layer_calls):
    if not GuidedRectifiers(layer_calls).operations:
        return "Guided backprop finds no plain ReLU among the layers of this model: it gives the plain gradient."
    return None


GUIDED_BACKPROP = Method(
    word="guided_backprop",
    title="Guided backprop",
    place=at_images("Guided backprop"),
    formula=lambda values, gradients: gradients,
    meaning="Red and blue: edges of the image that pass the network's ReLUs. This does not tell what the class needs.",
    style=SIGNED_PIXELS,
    unit="gradient",
    per_channel=True,
    backward=GuidedRectifiers,
    note=_note,
)
