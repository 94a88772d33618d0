"""All methods by their words, and the requests that a user's `methods` mean."""

import ast
import difflib
from collections.abc import Iterable, Mapping

from keras_see._validation import shown
from keras_see.attribution.cam import CAM
from keras_see.attribution.grad_cam import GRAD_CAM
from keras_see.attribution.method import Request
from keras_see.attribution.saliency import SALIENCY

# Words of optimized images, which `Watch` shows too; as functions: `neuron_images`, `content_images`.
OPTIMIZED = ("neurons", "content")

METHODS = {method.word: method for method in (SALIENCY, GRAD_CAM, CAM)}


def requests_for(methods, layer_calls):
    """Return the requests that `methods` mean, as name -> `Request`; raise where the model does not allow one.

    A name is the method's word, followed by `@layer` where the user named the layer.

    Args:
        methods: A word, a list of words, a mapping from words to options, or None for all gradient methods that the
            model allows.
        layer_calls: The model's `LayerCalls`.
    """
    if methods is None:
        usual = [method for method in METHODS.values() if method.kind == "gradient"]
        return {method.word: Request(method) for method in usual if allows(layer_calls, method)}
    found = {}
    for word, options in _by_word(methods).items():
        method, options = method_of(word), dict(options or {})
        for layer in _layers(options.pop("layer", None)):
            request = Request(method, layer, _checked_options(method, options))
            path = method.place(layer_calls, layer)
            name = layer if isinstance(layer, str) else path
            found[word if layer is None else f"{word}@{name}"] = request
    if not found:
        raise ValueError(f"`methods` must name one method at least. Got none. Choose from {', '.join(METHODS)}.")
    return found


def allows(layer_calls, method, layer=None):
    """Return whether the method can be used at this layer of the model (None: at its default)."""
    try:
        path = method.place(layer_calls, layer)
    except ValueError:
        return False
    return method.kind != "gradient" or path == "" or layer_calls.has_gradient(path)


def maps_and_optimized(methods):
    """Return the maps among `methods`, and the optimized images as word -> options."""
    if methods is None:
        return None, {}
    methods = _by_word(methods)
    maps = {word: options for word, options in methods.items() if word not in OPTIMIZED}
    return maps, {word: options for word, options in methods.items() if word in OPTIMIZED}


def methods_from_texts(texts):
    """Return `methods` as a mapping from what a command line says, such as `["saliency", "grad_cam:layer=conv3"]`.

    Values are Python literals (`samples=10`, `size=(8, 8)`) or else text.

    Args:
        texts: Each a word, or a word, a colon and options `name=value`, with semicolons between them.
    """
    methods = {}
    for text in texts:
        word, _, options = text.partition(":")
        pairs = [option.partition("=") for option in options.split(";") if option]
        methods[word] = {name.strip(): _literal(value) for name, _, value in pairs}
    return methods


def _literal(text):
    try:
        return ast.literal_eval(text.strip())
    except (ValueError, SyntaxError):
        return text.strip()


def _by_word(methods):
    """Return `methods` as word -> options."""
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


def method_of(word):
    """Return the `Method` of a word; raise if there is none."""
    if word in METHODS:
        return METHODS[word]
    if word in OPTIMIZED:
        raise ValueError(
            f"`methods` must be maps here: {', '.join(METHODS)}. {word!r} are optimized images. "
            "Call keras_see.neuron_images or keras_see.content_images."
        )
    raise _unknown(word)


def _unknown(word):
    words = ", ".join([*METHODS, *OPTIMIZED])
    near = _nearest(word) if isinstance(word, str) else None
    advice = f"Did you mean {near!r}?" if near else "Choose one of these, or several in a list."
    return ValueError(f"`methods` must be among {words}. Got {shown(word)}. {advice}")


def _nearest(text):
    """Return the word that a text is most like, however it joins its parts ("Grad-CAM", "gradcam"), or None."""
    words = {_joined(word): word for word in (*METHODS, *OPTIMIZED)}
    found = difflib.get_close_matches(_joined(text), words, n=1)
    return words[found[0]] if found else None


def _joined(text):
    return "".join(filter(str.isalnum, text)).lower()


def _checked_options(method, options):
    """Return an instance of the method's options, or None where it has none."""
    known = method.option_names()
    unknown = [name for name in options if name not in known]
    if unknown:
        noun = "the option layer" if not known else f"the options layer, {', '.join(known)}"
        raise ValueError(
            f"`methods` may give {method.word!r} {noun}. Got {', '.join(map(shown, unknown))}. "
            "Pass other options to the function or callback itself."
        )
    return method.options(**options) if known else None


def _layers(layer):
    layers = layer if isinstance(layer, list | tuple) else [layer]
    if not layers:
        raise ValueError(
            "`layer` must name one layer at least. Got none. Leave it out for the last with rows and columns."
        )
    return layers
