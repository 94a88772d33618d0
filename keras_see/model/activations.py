"""Recognize activations and layers by Keras's own classes and functions: a user's class may have any name."""

import keras

from keras_see.model import backend
from keras_see.model.keras_internals import is_of_keras

# Operations of Keras that are functions of single numbers with flat parts, as nodes of a functional graph.
FLAT_OPERATIONS = (
    *("Relu", "Relu6", "LeakyRelu", "Elu", "Selu", "Celu", "Gelu", "Silu", "HardSilu", "HardSwish", "Mish", "Softplus"),
    *("Sigmoid", "HardSigmoid", "SparseSigmoid", "LogSigmoid", "Tanh", "HardTanh", "Softsign", "Threshold"),
    *("Clip", "Maximum", "Minimum"),
)

# Functions of a whole row of numbers.
OF_ROWS = ("softmax", "log_softmax", "sparsemax")

CLOSINGS = ("softmax", "sigmoid")


def closing_activation(operation):
    """Return "softmax" or "sigmoid" if that is how the operation ends, else None."""
    return _named(operation, CLOSINGS)


def is_activation(operation):
    """Return whether the operation is, or ends in, a function of single numbers that may have flat parts.

    Cells of recurrent layers are none, since they are called in a loop.
    """
    ending = getattr(operation, "activation", None)
    if ending is not None:
        kinds = (is_identity(ending), hasattr(operation, "state_size"), _named(operation, OF_ROWS))
        return callable(ending) and not any(kinds)
    layers = [getattr(keras.layers, name) for name in ("ReLU", "LeakyReLU", "ELU", "PReLU")]
    return own_operation(operation) in FLAT_OPERATIONS or computes_as(operation, *layers)


def stands_alone(operation):
    """Return whether the operation is an activation and nothing else."""
    kinds = (keras.layers.Activation, keras.layers.Softmax)
    return computes_as(operation, *kinds) or own_operation(operation) in ("Softmax", "Sigmoid")


def is_identity(activation):
    """Return whether an activation passes on what it gets."""
    return activation is None or activation is keras.activations.linear


def computes_as(operation, *classes):
    """Return whether the operation is of one of these Keras classes, or of a subclass with the same `call`."""
    return any(isinstance(operation, each) and type(operation).call is each.call for each in classes)


def own_operation(operation):
    """Return the name of the class where that is an operation of Keras's own, such as "Mean"; None for layers."""
    is_own = is_of_keras(type(operation).__module__) and not isinstance(operation, keras.Layer)
    return type(operation).__name__ if is_own else None


def _named(operation, names):
    """Return which of these activations the operation ends in, or None."""
    ending = getattr(operation, "activation", operation)
    return next((name for name in names if _is_activation(ending, name)), None)


def _is_activation(ending, name):
    if isinstance(ending, keras.Layer):
        return name in _LAYERS and computes_as(ending, _LAYERS[name])
    if isinstance(ending, keras.Operation):
        return (own_operation(ending) or "").lower() == name.replace("_", "")
    return any(ending is function for function in _functions(name))


def _functions(name):
    """Return the functions that Keras and its backend have under a name."""
    homes = (keras.activations, keras.ops, *backend.ACTIVATION_MODULES)
    return [getattr(home, name) for home in homes if hasattr(home, name)]


_LAYERS = {"softmax": keras.layers.Softmax}
