"""The images of a model, taken apart: their number, the explained one, rows of them, batches."""

import keras
import numpy as np
from keras import ops

from keras_see._validation import is_whole, shown
from keras_see.model.layer_calls import BATCH


def count_of(inputs):
    """Return the number of images."""
    return len(keras.tree.flatten(inputs)[0])


def picture_of(inputs, number=None):
    """Return the explained image: the input with this number, or the first that has rows, columns and channels."""
    leaves = keras.tree.flatten(inputs)
    return next(leaf for leaf in leaves if len(leaf.shape) == 4) if number is None else leaves[number]


def take(inputs, rows):
    """Return the images with these indices, in the same structure."""
    return keras.tree.map_structure(lambda leaf: leaf[rows], inputs)


def specification(inputs):
    """Return the same structure with a `keras.KerasTensor` for a small batch in the place of each array."""
    return keras.tree.map_structure(
        lambda leaf: keras.KerasTensor((BATCH, *leaf.shape[1:]), _model_dtype(leaf)), inputs
    )


def batches(count, size, padded=False):
    """Yield `(indices, valid)`: the indices of equally long batches, and how many of each are not padding.

    The last image fills up the last batch. With `padded`, few images are filled up to a power of two, so that calls
    with other numbers of images find a compiled pass.
    """
    check_batch_size(size)
    length = min(size, 1 << (count - 1).bit_length() if padded else count)
    for start in range(0, count, length):
        rows = np.minimum(np.arange(start, start + length), count - 1)
        yield rows, min(length, count - start)


def check_batch_size(size):
    """Raise unless `size` can be a number of images per pass."""
    if not is_whole(size, 1):
        raise ValueError(
            f"`batch_size` must be a whole number from 1. Got {shown(size)}. Leave it out for the default."
        )


def to_numpy(leaf):
    """Return a tensor of the backend, or anything else that NumPy takes, as a NumPy array."""
    return np.asarray(ops.convert_to_numpy(leaf) if ops.is_tensor(leaf) else leaf)


def _model_dtype(leaf):
    return "float32" if leaf.ndim == 4 else keras.backend.standardize_dtype(leaf.dtype)
