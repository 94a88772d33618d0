"""The one method that a measure is given: a word, a word with options, or a function of the user's."""

from collections.abc import Mapping

import numpy as np

from keras_see._validation import shape_of, shown
from keras_see.attribution.gradient_pass import explain
from keras_see.attribution.registry import requests_for
from keras_see.model.cache import layer_calls_of
from keras_see.model.image_batches import count_of


def maps_of(method, model, images, targets, batch_size):
    """Return the maps of a method, float32 `(n, rows, columns)`; those with a channel axis are summed over it.

    Args:
        method: A word; a mapping from one word to its options; or a function of model, images and targets.
        model: A built model.
        images: Checked images.
        targets: As for `saliency_maps`.
        batch_size: Images per pass.
    """
    if callable(method):
        return _of_function(method, model, images, targets)
    requests = list(requests_for(_one_word(method), layer_calls_of(model, images)).values())
    if len(requests) > 1:
        raise ValueError(f"`method` must be one method at one layer. Got {len(requests)} layers. Name one of them.")
    return _summed(explain(model, images, requests, targets, batch_size=batch_size).maps[0])


def _one_word(method):
    if isinstance(method, str) or (isinstance(method, Mapping) and len(method) == 1):
        return method
    raise TypeError(
        "`method` must be a method's word, a mapping from one word to its options, or a function "
        f"method(model, images, targets) that returns maps. Got {shown(method)}. Pass 'grad_cam', for instance."
    )


def _of_function(method, model, images, targets):
    found = method(model, images, targets)
    shape = shape_of(found) or ()
    if len(shape) not in (3, 4) or shape[0] != count_of(images):
        raise ValueError(
            "`method` as a function must return maps (n, rows, columns), one for each of the "
            f"{count_of(images)} images. Got {shown(found)}. Try it on the images by itself."
        )
    return _summed(np.asarray(found, "float32"))


def _summed(maps):
    return maps if maps.ndim == 3 else maps.sum(axis=-1)
