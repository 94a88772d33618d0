"""What is kept per model between calls: its layer calls and its compiled passes."""

import weakref

import keras

from keras_see.model.inputs import specification
from keras_see.model.layer_calls import first_line
from keras_see.model.tracing import trace_layer_calls

# Entries kept per model. Each new one costs a trace; a new lambda as target makes a new one at each call.
PASSES_KEPT = 16

_MADE_FOR: weakref.WeakKeyDictionary = weakref.WeakKeyDictionary()  # model -> what was made for it


def layer_calls_of(model, images):
    """Return the `LayerCalls` of a built model for images of this shape; made once."""
    specs = specification(images)

    def make():
        try:
            return trace_layer_calls(model, specs)
        except Exception as error:
            shapes = ", ".join(str(("n", *spec.shape[1:])) for spec in keras.tree.flatten(specs)).replace("'", "")
            raise ValueError(
                f"`model` must run on the given images. {model.name!r} fails on shape {shapes}: "
                f"{first_line(error)} Give images that `model(images, training=False)` takes."
            ) from error

    return made_once(model, ("layer_calls", *signature(images)), make)


def made_once(model, key, make):
    """Return what was made for this key of this model, as long as the model holds the same variables."""
    kept = _MADE_FOR.setdefault(model, {})
    layers = model._flatten_layers()
    key = (*key, *(tuple(map(id, things)) for things in (model.variables, layers, map(_activation, layers))))
    value = kept.pop(key) if key in kept else make()
    kept[key] = value  # the dict's order is the order of use
    while len(kept) > PASSES_KEPT:
        del kept[next(iter(kept))]
    return value


def _activation(layer):
    return getattr(layer, "activation", None)


def signature(images):
    """Return what of these images a compiled function depends on: structure, shapes and types."""
    leaves = keras.tree.flatten(images)
    structure = str(keras.tree.map_structure(lambda leaf: 0, images))
    return structure, tuple((leaf.shape, leaf.dtype.str) for leaf in leaves)
