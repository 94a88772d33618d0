"""The private attributes of Keras (and one of JAX) that keras_see touches, each with its reason; no other file does."""

import contextlib
import functools
import operator

import keras

# Returns a model's layers at any depth, the model itself first. `Layer._flatten_layers`, because nothing public lists
# the layers that a subclassed model keeps in attributes, lists and nested models.
flatten_layers = operator.methodcaller("_flatten_layers", include_self=True, recursive=True)


# Returns the trace that a symbolic array of JAX belongs to: one in the body of a loop cannot be handed out of it, and
# nothing public tells.
trace_of = operator.attrgetter("_trace")


def no_rematerialization(operation):
    """Yield what switches rematerialization of a layer off, as `attributes_set` takes it.

    `Layer._remat_mode`, because a rematerialized call is traced where no tap can hand a tensor out (TensorFlow, JAX),
    and nothing public switches it off for one run.
    """
    if getattr(operation, "_remat_mode", None) is not None:
        yield operation, "_remat_mode", None


def no_cast_to_integers(operation):
    """Yield what keeps a graph of layers from casting float images to whole numbers, as `attributes_set` takes it.

    `Functional._convert_inputs_to_tensors`, `Sequential._functional` and `Layer._convert_input_args`, because
    `Input(dtype="uint8")` would cut the gradient off before the first layer, and nothing public lets a run take floats.
    """
    for graph in (operation, getattr(operation, "_functional", None)):
        convert = getattr(graph, "_convert_inputs_to_tensors", None)
        inputs = (getattr(graph, "inputs", None) or []) if convert is not None else []
        if any("float" not in keras.backend.standardize_dtype(each.dtype) for each in inputs):
            yield graph, "_convert_inputs_to_tensors", functools.partial(_floats_kept, convert)
            yield operation, "_convert_input_args", False


def _floats_kept(convert, leaves):
    return [leaf if _is_float_image(leaf) else made for leaf, made in zip(leaves, convert(leaves), strict=True)]


def _is_float_image(leaf):
    is_image = len(getattr(leaf, "shape", ())) == 4 and keras.ops.is_tensor(leaf)
    return is_image and "float" in keras.backend.standardize_dtype(leaf.dtype)


def activation_function(name):
    """Return where Keras keeps the function behind an activation, and its name there, as `attributes_set` takes it.

    `keras.src.backend.nn`, because a model may call `keras.ops.softmax` in its own `call`, where no tap reaches.
    None where a version of Keras keeps it elsewhere: such an activation is then explained as it is.
    """
    module = getattr(getattr(getattr(keras, "src", None), "backend", None), "nn", None)
    return (module, name) if hasattr(module, name) else None


@contextlib.contextmanager
def losses_kept(model):
    """Put back, after the block, the losses that the model's layers have added.

    `Layer._losses` and `Layer._loss_ids`, because each call of a model empties them, and a user's own loop may still
    need those of its last forward pass (`model.losses`).
    """
    kept = [(layer, layer._losses[:], set(layer._loss_ids)) for layer in flatten_layers(model)]
    try:
        yield
    finally:
        for layer, losses, numbers in kept:
            layer._losses[:] = losses
            layer._loss_ids.clear()
            layer._loss_ids.update(numbers)


@functools.cache
def is_of_keras(module):
    """Return whether a class of this module is Keras's own, not a user's subclass.

    By the module's name, because the classes of operations (`Softmax`, `Mean`) are not public.
    """
    return module.partition(".")[0] == keras.__name__
