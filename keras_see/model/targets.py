"""Targets: how a model's outputs become the one score per image that is explained."""

import dataclasses
from collections.abc import Callable

import keras
import numpy as np
from keras import ops

from keras_see._validation import numeric, shown
from keras_see.model.cache import weak
from keras_see.model.inputs import to_numpy
from keras_see.model.layer_calls import BATCH, first_line
from keras_see.model.tracing import output_spec


@dataclasses.dataclass(frozen=True)
class Target:
    """A checked target: how a model's outputs become one score per image.

    Attributes:
        kind: "predicted" (the class that the model prefers), "weights" (the sum of outputs times weights) or "callable"
            (the user's own function of the outputs).
        weights: float32, the shape of the outputs; of "weights" only.
        classes: int `(n,)`, where the target is a class.
        function: The user's function; of "callable" only.
    """

    kind: str
    weights: np.ndarray | None = None
    classes: np.ndarray | None = None
    function: Callable | None = None

    def scores(self, logits, closing, weights):
        """Return scores `(n,)`, the explained classes `(n,)` (-1 for none) and the weights of the outputs; traced."""
        if self.kind == "callable":
            scores = ops.cast(self.function(logits), "float32")
            return scores, ops.cast(ops.zeros_like(scores), "int32") - 1, ops.zeros_like(scores)
        logits = ops.cast(keras.tree.flatten(logits)[0], "float32")
        classes = ops.zeros((logits.shape[0],), "int32") - 1
        if self.kind == "predicted":
            weights, classes = _predicted(logits, closing)
        return ops.sum(ops.reshape(logits * weights, (logits.shape[0], -1)), axis=-1), classes, weights

    def without_weights(self):
        """Return the same target without its weights, which each pass is given; it keeps no function alive."""
        function = None if self.function is None else _Weakly(self.function)
        return Target(self.kind, function=function)


class _Weakly:
    """Calls a function that is kept alive by others."""

    def __init__(self, function):
        self._refer = weak(function)

    def __call__(self, *args):
        return self._refer()(*args)


def resolve(targets, layer_calls, count, labels=None):
    """Return the checked `Target` that a user's `targets` mean.

    Args:
        targets: None, "predicted", "label", a class number, an array, or a callable that takes the outputs before
            a closing softmax or sigmoid and returns one score per image.
        layer_calls: The model's `LayerCalls`.
        count: Number of images.
        labels: Class numbers of the images, or None.
    """
    outputs = keras.tree.flatten(layer_calls.outputs)
    if callable(targets):
        return _from_function(targets, layer_calls)
    if len(outputs) != 1 or len(outputs[0].shape) < 2:
        raise ValueError(
            f"`targets` must be a callable for a model whose outputs have shape {_shapes(outputs)}. "
            f"Got {shown(targets)}. Pass a function that takes the outputs and returns one score per image."
        )
    if targets is None:
        targets = "label" if labels is not None and _are_classes(labels, outputs[0].shape[-1]) else "predicted"
    if isinstance(targets, str):
        if targets == "predicted":
            return Target("predicted")
        if targets != "label":
            raise ValueError(
                '`targets` must be None, "label", "predicted", a class number, an array or a callable. '
                f"Got {shown(targets)}. Choose one of these."
            )
        if labels is None:
            raise ValueError(
                '`targets="label"` needs labels that are class numbers or one-hot rows. None came with the images. '
                'Pass images as `(x, y)`, or `labels=`, or `targets="predicted"`.'
            )
        targets = labels
    return _from_array(targets, tuple(outputs[0].shape[1:]), count)


def labels_to_classes(labels, count):
    """Return labels as class numbers `(n,)`, or None if they are none; raise if there are too few or too many.

    Labels of several outputs, a dict or a list of arrays, are none; those of one output may come in such a structure.
    """
    leaves = label_leaves(labels, count)
    if len(leaves) != 1:
        return None
    given, labels = labels, np.asarray(leaves[0])
    labels = labels[None] if labels.ndim == 0 and count == 1 else labels
    if labels.ndim == 0 or len(labels) != count:
        raise ValueError(
            f"`labels` must hold one label per image, {count} in all. Got {shown(given)}. "
            "Pass the labels of the same images, in the same order."
        )
    if not _is_numeric(labels):
        return None
    if labels.ndim == 2 and labels.shape[1] > 1:
        rows_are_one_hot = np.all(np.sort(labels, axis=1)[:, :-1] == 0) and np.all(labels.max(axis=1) == 1)
        return labels.argmax(axis=1) if rows_are_one_hot else None
    if labels.ndim > 2 or not _is_whole(labels) or labels.min() < 0:
        return None
    return labels.reshape(count).astype("int64")


def label_leaves(labels, count):
    """Return the labels of each output as NumPy arrays: one, unless they come as a dict, list or tuple of arrays."""
    if labels is None:
        return []
    if isinstance(labels, dict) or _are_of_several_outputs(labels, count):
        return [leaf for part in keras.tree.flatten(labels) for leaf in label_leaves(part, count)]
    try:
        return [np.asarray(keras.tree.map_structure(to_numpy, labels))]
    except ValueError:  # nested lists of unequal length
        return []


def class_weights(classes, shape):
    """Return the weights `(n, *shape)` whose sum with the outputs is the score of each image's class."""
    if shape[-1] == 1:
        signs = np.where(np.asarray(classes) == 1, 1.0, -1.0).astype("float32")
        return signs.reshape((-1,) + (1,) * len(shape)) * np.ones((1, *shape), "float32")
    rows = np.eye(shape[-1], dtype="float32")[classes]
    rows = rows.reshape((len(rows),) + (1,) * (len(shape) - 1) + (shape[-1],))
    return np.broadcast_to(rows, (len(rows), *shape)).copy()


def _from_function(function, layer_calls):
    """Check a user's function on symbolic outputs: it must give one score per image."""
    shapes = _shapes(keras.tree.flatten(layer_calls.outputs))
    wanted = "A callable `targets` must take the model's outputs (before a closing softmax or sigmoid), be made of "
    wanted += "keras.ops, and return one score per image, shape (n,). "
    try:
        scores = output_spec(function, layer_calls.outputs)
    except Exception as error:
        raise ValueError(
            f"{wanted}It failed on outputs {shapes}: {first_line(error)} Try it on such an array by itself."
        ) from error
    if getattr(scores, "shape", None) != (BATCH,):
        got = _shapes([scores]) if hasattr(scores, "shape") else type(scores).__name__
        raise ValueError(f"{wanted}For outputs {shapes} it returned {got}. Index or sum the other axes.")
    return Target("callable", function=function)


def _from_array(targets, shape, count):
    fits = f"`targets` must be one class number per image ({count} in all), one class number for all, "
    fits += f"or weights in the shape of the outputs, {(count, *shape)}. "
    array = numeric(to_numpy(targets) if ops.is_tensor(targets) else targets)
    if array is None:
        raise ValueError(f"{fits}Got {shown(targets)}. Pass numbers.")
    targets = array
    if targets.ndim == 0:
        targets = np.full(count, targets)
    if targets.shape in ((count,), (count, 1)) and (_is_whole(targets) or len(shape) != 1 or targets.ndim == 1):
        return _from_classes(targets.reshape(count), shape, fits)
    if targets.shape == (count, *shape):
        if not np.all(np.isfinite(targets)):
            raise ValueError(f"{fits}Some weights are NaN or infinite. Replace them by finite numbers.")
        return Target("weights", weights=targets.astype("float32"))
    raise ValueError(f"{fits}Got {shown(targets)}. Give one target per image.")


def _from_classes(classes, shape, fits):
    units = shape[-1] if shape else 1
    highest = max(units - 1, 1)
    if not _is_whole(classes) or classes.min() < 0 or classes.max() > highest:
        wrong = classes[(classes != np.round(classes)) | (classes < 0) | (classes > highest)]
        raise ValueError(
            f"{fits}This model's classes are 0 to {highest}; got {shown(wrong[0])}. "
            + (
                "With one output unit, 1 explains +value and 0 explains -value."
                if units == 1
                else "Choose one of these."
            )
        )
    classes = classes.astype("int64")
    return Target("weights", weights=class_weights(classes, shape), classes=classes)


def _predicted(logits, closing):
    """Return weights and class numbers of what the model itself prefers."""
    if logits.shape[-1] == 1:
        positive = ops.cast(logits > 0, "float32") if closing == "sigmoid" else ops.ones_like(logits)
        places = ops.mean(ops.reshape(positive, (logits.shape[0], -1)), axis=-1)
        return 2.0 * positive - 1.0, ops.cast(places >= 0.5, "int32")
    totals = ops.sum(ops.reshape(logits, (logits.shape[0], -1, logits.shape[-1])), axis=1)
    classes = ops.argmax(totals, axis=-1)
    weights = ops.one_hot(classes, logits.shape[-1])
    ones = (1,) * (len(logits.shape) - 2)
    return ops.reshape(weights, (logits.shape[0], *ones, logits.shape[-1])), ops.cast(classes, "int32")


def _are_classes(labels, units):
    labels = np.asarray(labels)
    return _is_whole(labels) and labels.min() >= 0 and labels.max() <= max(units - 1, 1)


def _are_of_several_outputs(labels, count):
    """A tuple holds arrays with one label per image each; a list of as many arrays as images holds labels, though."""
    if not isinstance(labels, list | tuple) or (isinstance(labels, list) and len(labels) == count):
        return False
    return all(tuple(getattr(part, "shape", ()))[:1] == (count,) for part in labels)


def _is_numeric(array):
    return array.dtype.kind in "biuf" or array.dtype.name == "bfloat16"


def _is_whole(array):
    return array.dtype.kind in "biu" or bool(np.all(np.isfinite(array)) and np.all(array == np.round(array)))


def _shapes(tensors):
    return ", ".join("(" + ", ".join(["n", *map(str, tensor.shape[1:])]) + ")" for tensor in tensors)


def are_probabilities(outputs):
    """Whether a model's outputs are probabilities of several classes: not negative, with a sum of 1."""
    leaves = keras.tree.flatten(outputs)
    if len(leaves) != 1 or leaves[0].ndim < 2 or leaves[0].shape[-1] < 2:
        return False
    return bool(leaves[0].min() >= 0 and np.all(np.abs(leaves[0].astype("float64").sum(axis=-1) - 1) < 1e-3))
