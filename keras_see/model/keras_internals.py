"""The private attributes of Keras that keras_see touches, each with its reason; no other file touches one."""

import contextlib
import functools
import operator
import sys

import keras

# Returns a model's layers at any depth, the model itself first. `Layer._flatten_layers`, because nothing public lists
# the layers that a subclassed model keeps in attributes, lists and nested models.
flatten_layers = operator.methodcaller("_flatten_layers", include_self=True, recursive=True)


def no_rematerialization(operation):
    """Yield what switches rematerialization of a layer off, as `attributes_set` takes it.

    `Layer._remat_mode`, because a rematerialized call is traced where no tap can hand a tensor out (TensorFlow, JAX),
    and nothing public switches it off for one run.
    """
    if getattr(operation, "_remat_mode", None) is not None:
        yield operation, "_remat_mode", None


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


def inputs_of_fit(model, most=256):
    """Return some of the inputs that `fit`, which must be running, trains this model on; None where none is at hand.

    The local variables of `Trainer.fit` and `ArrayDataAdapter._inputs`, because nothing public tells a callback what
    the model is trained on, and to read a dataset once more may change its order and the random numbers that follow.
    At hand are arrays, and, on PyTorch, the last batch of anything else.

    Args:
        model: The model.
        most: The number of images of an array that are returned at most.
    """
    known = _variables_of_fit(model)
    arrays = getattr(getattr(known.get("epoch_iterator"), "data_adapter", None), "_inputs", None)
    if arrays is not None:
        return keras.tree.map_structure(lambda leaf: leaf[:most], keras.utils.unpack_x_y_sample_weight(arrays)[0])
    batches = known.get("data")
    return keras.utils.unpack_x_y_sample_weight(batches[0])[0] if isinstance(batches, list) and batches else None


def _variables_of_fit(model):
    """Return the local variables that `inputs_of_fit` reads, of the innermost `fit` of the model that is running."""
    frame = sys._getframe()
    while (frame := frame.f_back) is not None:
        if frame.f_code.co_name == "fit":
            variables = frame.f_locals
            found = {name: variables.get(name) for name in ("self", "epoch_iterator", "data")}
            if isinstance(variables, dict):  # a copy, which the frame would keep (before Python 3.13)
                variables.clear()
            if found["self"] is model and found["epoch_iterator"] is not None:
                return {name: value for name, value in found.items() if value is not None}
    return {}
