"""Recognize activations and layers by Keras's own classes and functions: a user's class may have any name."""

import keras

from keras_see.model import backend
from keras_see.model.keras_internals import is_of_keras

# Functions that give no gradient to low values, exactly or in float32: names in `keras.activations` and `keras.ops`.
RECTIFIERS = (
    *("relu", "relu6", "elu", "selu", "celu", "gelu", "silu", "swish"),
    *("hard_sigmoid", "hard_silu", "hard_swish"),
)

CLOSINGS = ("softmax", "sigmoid", "log_softmax", "log_sigmoid")


class ClosingFunction(keras.Operation):
    """Stands for a closing activation that a model calls as a function, where no layer or operation holds it."""

    def __init__(self, name):
        super().__init__(name=name)
        self.activation = getattr(keras.ops, name)

    def call(self, x, **options):
        """Return the activation of x."""
        return self.activation(x, **options)


# One for each, for whole programs: calls refer to them.
CLOSING_FUNCTIONS = {name: ClosingFunction(name) for name in CLOSINGS}


def closing_activation(operation):
    """Return the name of the softmax or sigmoid, or of its logarithm, that the operation ends in, else None."""
    return _named(operation, CLOSINGS)


def class_axis(operation):
    """Return the axis over which a closing softmax sums; -1 for other operations."""
    ending = getattr(operation, "activation", operation)
    ending = ending if isinstance(ending, keras.Operation) else operation
    axis = getattr(ending, "axis", -1) if closing_activation(operation) in ("softmax", "log_softmax") else -1
    return axis if isinstance(axis, int) and not isinstance(ending, keras.layers.Dense) else -1


def is_rectifier(operation):
    """Return whether the operation ends in an activation that is flat below zero."""
    return _named(operation, RECTIFIERS) is not None


def stands_alone(operation):
    """Return whether the operation is an activation and nothing else."""
    kinds = (keras.layers.Activation, keras.layers.Softmax, ClosingFunction)
    names = ("Softmax", "Sigmoid", "LogSoftmax", "LogSigmoid")
    return computes_as(operation, *kinds) or own_operation(operation) in names


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


_LAYERS = {"softmax": keras.layers.Softmax, "relu": keras.layers.ReLU, "elu": keras.layers.ELU}
