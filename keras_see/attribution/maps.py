"""`maps`: the maps of several methods out of one forward and one backward pass."""

from __future__ import annotations

from typing import Any

import keras

from keras_see._types import Images, Methods, Targets
from keras_see._validation import LONGEST, shown
from keras_see.attribution.given_images import given_images
from keras_see.attribution.gradient_pass import explain
from keras_see.attribution.registry import requests_for
from keras_see.model.cache import layer_calls_of


def maps(
    model: keras.Model,
    images: Images,
    targets: Targets = None,
    methods: Methods = ("saliency", "grad_cam"),
    *,
    batch_size: int = 32,
    image: int | str | None = None,
    layer: None = None,
) -> dict[str, Any]:
    """Return the maps of several methods out of one forward and one backward pass.

    Args:
        model: A built Keras model, of any kind, on any backend.
        images: As for `saliency_maps`.
        targets: What is explained, one per image, as for `saliency_maps`.
        methods: Words such as `"saliency"`, `"grad_cam"`, `"cam"`; or a mapping from words to options,
            `{"grad_cam": {"layer": ["block3", "block4"]}}`; or `None` for all gradient methods that the model allows.
        batch_size: Images per pass; bounds the memory.
        image: As for `saliency_maps`.
        layer: Not taken, since several methods may differ in it: name layers in `methods`.

    Returns:
        A dict: each word (`word@layer` where a layer was named) to float32 maps `(n, rows, columns)`, as the method's
        own function gives them; `"predictions"` to the model's outputs; `"targets"` to the class numbers explained,
        -1 where the target is no class; `"scores"` to float32 `(n,)`, the explained logits.

    Raises:
        ValueError: If a method is unknown, the model does not allow it, or images or targets do not fit.

    Example:
        >>> import numpy as np
        >>> from keras_see import gap_classifier
        >>> found = maps(gap_classifier(5, (32, 32, 3)), np.zeros((2, 32, 32, 3)), methods=("saliency", "cam"))
        >>> sorted(found)
        ['cam', 'predictions', 'saliency', 'scores', 'targets']
    """
    _check_no_layer(layer)
    images, labels = given_images(model, images)
    requests = requests_for(methods, layer_calls_of(model, images).explaining(image))
    result = explain(model, images, list(requests.values()), targets, labels=labels, batch_size=batch_size, image=image)
    found = dict(zip(requests, result.maps, strict=True))
    return found | {"predictions": result.outputs, "targets": result.classes, "scores": result.scores}


def _check_no_layer(layer):
    if layer is None:
        return
    written = repr(layer) if isinstance(layer, str | list | tuple) and len(repr(layer)) < LONGEST else "..."
    raise TypeError(
        f"`layer` must be an option of one method, since `maps` has several. Got {shown(layer)}. "
        f'Write methods={{"grad_cam": {{"layer": {written}}}}}.'
    )
