"""Other weights for a while: passes of a model see them, the model itself keeps its own."""

import contextlib

import keras
from keras import ops

from keras_see.model import backend


@contextlib.contextmanager
def other_weights(values):
    """Let everything that runs in this thread, within the block, see other values of variables.

    Nothing is assigned: a `keras.StatelessScope` stands in for the variables.

    Args:
        values: Pairs of a variable and an array of its shape.
    """
    mapping = [(variable, ops.convert_to_tensor(value, variable.dtype)) for variable, value in values]
    with keras.StatelessScope(state_mapping=mapping), backend.values_passed():
        yield


def shuffled(variable, seed):
    """Return the current values of a variable in random order, a NumPy array: their mean and spread stay."""
    values = ops.convert_to_numpy(ops.cast(variable.value, "float32"))
    return seed.permutation(values.ravel()).reshape(values.shape)
