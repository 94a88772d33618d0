"""Labels as users have them: arrays of numbers, or names of classes, in many structures."""

import keras
import numpy as np

from keras_see._validation import shown
from keras_see.model.image_batches import to_numpy


def label_leaves(labels, count):
    """Return the labels of each output as NumPy arrays: one, unless they come as a dict, list or tuple of arrays."""
    if labels is None:
        return []
    if isinstance(labels, dict) or _are_of_several_outputs(labels, count):
        parts = labels.values() if isinstance(labels, dict) else labels
        return [leaf for part in parts for leaf in label_leaves(part, count)]
    try:
        return [np.asarray(keras.tree.map_structure(to_numpy, labels))]
    except ValueError:  # nested lists of unequal length
        return [np.full(count, None)]


def checked_labels(labels, count):
    """Return `label_leaves`; raise ValueError if those of one output are too few or too many."""
    leaves = [leaf[None] if leaf.ndim == 0 and count == 1 else leaf for leaf in label_leaves(labels, count)]
    if len(leaves) == 1 and (leaves[0].ndim == 0 or len(leaves[0]) != count):
        raise ValueError(
            f"`labels` must hold one label per image, {count} in all. Got {shown(labels)}. "
            "Pass the labels of the same images, in the same order."
        )
    return leaves


def are_names(labels):
    """Return whether an array of labels holds words."""
    return labels.dtype.kind in "US" or (labels.dtype.kind == "O" and any(map(_is_name, labels.flat)))


def numbers_of_names(labels, class_names):
    """Return an array of labels with class numbers in the place of names; other labels as they are.

    Raises:
        ValueError: If there are several names per image, or one that is not among `class_names`.
    """
    if not are_names(labels):
        return labels
    wanted = "`labels` that are names must be one per image, each among `class_names`. "
    if labels.size != len(labels):
        raise ValueError(f"{wanted}Got {shown(labels)}. Pass multi-hot rows where images have several classes.")
    if class_names is None:
        raise ValueError(f"{wanted}Got no `class_names`. Pass all names in the order of the class numbers.")
    return np.array([_number_of(label, class_names, wanted) for label in labels.flat])


def _number_of(label, class_names, wanted):
    """Return the class number of a name; TensorFlow gives names as bytes."""
    name = label.decode("utf-8", "replace") if isinstance(label, bytes) else str(label)
    if name not in class_names:
        raise ValueError(f"{wanted}Got {shown(name)}. Write it as it stands in `class_names`.")
    return class_names.index(name)


def _is_name(label):
    return isinstance(label, str | bytes)


def _are_of_several_outputs(labels, count):
    """A tuple holds arrays with one label per image each; a list of as many arrays as images holds labels, though."""
    if not isinstance(labels, list | tuple) or (isinstance(labels, list) and len(labels) == count):
        return False
    return all(tuple(getattr(part, "shape", ()))[:1] == (count,) for part in labels)
