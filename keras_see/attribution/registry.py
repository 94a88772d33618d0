"""All methods by their words: several maps out of one pass, and which layer can serve which."""

from collections.abc import Iterable, Mapping
from typing import Any

import keras

from keras_see._types import Images, Methods, Targets
from keras_see._validation import shown
from keras_see.attribution.cam import CAM
from keras_see.attribution.grad_cam import GRAD_CAM
from keras_see.attribution.gradient_pass import explain
from keras_see.attribution.method import Request
from keras_see.attribution.saliency import SALIENCY
from keras_see.model.cache import layer_calls_of
from keras_see.model.inputs import check_inputs, check_model

# Words of made images, which callbacks show too; as functions: `neuron_images`, `content_images`.
MADE = ("neurons", "content")

METHODS = {method.word: method for method in (SALIENCY, GRAD_CAM, CAM)}


def maps(
    model: keras.Model,
    images: Images,
    targets: Targets = None,
    methods: Methods = ("saliency", "grad_cam"),
    *,
    batch_size: int = 32,
) -> dict[str, Any]:
    """Return the maps of several methods out of one forward and one backward pass.

    Args:
        model: A built Keras model, of any kind, on any backend.
        images: `(n, height, width, channels)` as the model takes them, or a list or dict of arrays.
        targets: What is explained, one per image, as for `saliency_maps`.
        methods: Words such as `"saliency"`, `"grad_cam"`, `"cam"`; or a mapping from words to options,
            `{"grad_cam": {"layer": ["block3", "block4"]}}`; or `None` for all that the model allows.
        batch_size: Images per pass; bounds the memory.

    Returns:
        A dict: each word (`word@layer` where a layer was named) to float32 maps `(n, rows, columns)`, as the method's
        own function gives them; `"predictions"` to the model's outputs; `"targets"` to the class numbers explained,
        -1 where the target is no class; `"scores"` to float32 `(n,)`, what was explained: logits.

    Raises:
        ValueError: If a method is unknown, the model does not allow it, or images or targets do not fit.

    Example:
        >>> import numpy as np
        >>> from keras_see import gap_classifier
        >>> found = maps(gap_classifier(5, (32, 32, 3)), np.zeros((2, 32, 32, 3)), methods=("saliency", "cam"))
        >>> sorted(found)
        ['cam', 'predictions', 'saliency', 'scores', 'targets']
    """
    check_model(model)
    requests = requests_for(methods, layer_calls_of(model, check_inputs(images, model)))
    result = explain(model, images, list(requests.values()), targets, batch_size=batch_size)
    found = dict(zip(requests, result.maps, strict=True))
    return found | {"predictions": result.outputs, "targets": result.classes, "scores": result.scores}


def requests_for(methods, layer_calls):
    """Return what the user asked for as name -> `Request`, sure that the model allows it.

    A name is the method's word, with `@layer` behind it where the user named the layer.
    """
    if methods is None:
        return {word: Request(method) for word, method in METHODS.items() if allows(layer_calls, method)}
    found, methods = {}, _by_word(methods)
    for word, options in methods.items():
        for layer in _layers_in(word, options):
            request = Request(_method(word), layer)
            place = request.method.place(layer_calls, layer)
            name = layer if isinstance(layer, str) else place
            found[word if layer is None else f"{word}@{name}"] = request
    if not found:
        raise ValueError(f"`methods` must name one method at least. Got none. Choose from {', '.join(METHODS)}.")
    return found


def parted(methods):
    """Return the maps among the methods that a user names, and the made images as word -> options."""
    if methods is None:
        return None, {}
    methods = _by_word(methods)
    maps = {word: options for word, options in methods.items() if word not in MADE}
    return maps, {word: options for word, options in methods.items() if word in MADE}


def allows(layer_calls, method, layer=None):
    """Whether the method can look at this layer of the model (None: at its default place)."""
    try:
        method.place(layer_calls, layer)
    except ValueError:
        return False
    return True


def _by_word(methods):
    """Return what the user asked for as word -> options."""
    if isinstance(methods, str):
        methods = [methods]
    if not isinstance(methods, Mapping):
        listed = list(methods) if isinstance(methods, Iterable) else [methods]
        for word in listed:
            if not isinstance(word, str):
                raise _unknown(word)
        return {word: {} for word in listed}
    for word, options in methods.items():
        if not isinstance(options or {}, Mapping):
            raise TypeError(
                f"`methods` as a mapping must go from words to options. Got {shown(options)} for {word!r}. "
                f'Write {{{word!r}: {{"layer": ...}}}}.'
            )
    return methods


def _method(word):
    if word in METHODS:
        return METHODS[word]
    if word in MADE:
        raise ValueError(
            f"`methods` must be maps here: {', '.join(METHODS)}. {word!r} are made images. "
            "Call keras_see.neuron_images or keras_see.content_images."
        )
    raise _unknown(word)


def _unknown(word):
    words = ", ".join([*METHODS, *MADE])
    return ValueError(f"`methods` must be among {words}. Got {shown(word)}. Choose one of these, or several in a list.")


def _layers_in(word, options):
    unknown = set(options or ()) - {"layer"}
    if unknown:
        raise ValueError(
            f"`methods` may give {word!r} the option layer. Got {', '.join(map(shown, unknown))}. "
            "Pass other options to the function or callback itself."
        )
    layer = (options or {}).get("layer")
    layers = layer if isinstance(layer, list | tuple) else [layer]
    if not layers:
        raise ValueError(
            "`layer` must name one layer at least. Got none. Leave it out for the last with rows and columns."
        )
    return layers
