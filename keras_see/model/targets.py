"""Targets: how a model's outputs become the one score per image that is explained."""

import dataclasses
from collections.abc import Callable, Mapping

import keras
import numpy as np
from keras import ops

from keras_see._validation import are_whole, numeric, shown
from keras_see.model import backend
from keras_see.model.cache import weak
from keras_see.model.dependence import Dependence
from keras_see.model.image_batches import to_numpy
from keras_see.model.layer_calls import BATCH, first_line
from keras_see.model.reading import read
from keras_see.model.tracing import output_spec


@dataclasses.dataclass(frozen=True)
class Target:
    """A checked target: how a model's outputs become one score per image.

    Attributes:
        kind: "predicted" (the class that the model prefers), "weights" (the sum of outputs times weights), "labels"
            (the same, but the class that the model prefers where an image's weights are all 0) or "callable" (the
            user's own function of the outputs).
        weights: float32, the shape of the outputs; of "weights" and "labels" only.
        classes: int `(n,)`, where the target is a class.
        function: The user's function; of "callable" only.
        outputs: The numbers of the outputs that are explained; one, except for a function.
        axis: The axis of the classes in that output, over which its softmax sums.
    """

    kind: str
    weights: np.ndarray | None = None
    classes: np.ndarray | None = None
    function: Callable | None = None
    outputs: frozenset = frozenset([0])
    axis: int = -1

    def scores(self, logits, weights):
        """Return scores `(n,)`, the explained classes `(n,)` (-1 for none) and the weights of the outputs; traced."""
        if self.kind == "callable":
            scores = ops.cast(self.function(logits), "float32")
            return scores, ops.cast(ops.zeros_like(scores), "int32") - 1, ops.zeros_like(scores)
        logits = ops.cast(keras.tree.flatten(logits)[min(self.outputs)], "float32")
        logits = ops.moveaxis(logits, self.axis, -1)
        classes = ops.zeros((logits.shape[0],), "int32") - 1
        if self.kind == "predicted":
            weights, classes = _predicted(logits)
        if self.kind == "labels":
            weights, classes = _predicted_where_none(logits, weights)
        return ops.sum(ops.reshape(logits * weights, (logits.shape[0], -1)), axis=-1), classes, weights

    def without_weights(self, given=False):
        """Return the same target without its weights, which each pass is given; it keeps no function alive.

        Args:
            given: Whether each pass is given the weights that the target came to.
        """
        function = None if self.function is None else _Weakly(self.function)
        kind = "weights" if given and function is None else self.kind
        return Target(kind, function=function, outputs=self.outputs, axis=self.axis)


class _Weakly:
    """Calls a function that is kept alive by others."""

    def __init__(self, function):
        self._refer = weak(function)

    def __call__(self, *args):
        return self._refer()(*args)


def resolve(targets, layer_calls, count, reading=None):
    """Return the checked `Target` that a user's `targets` mean.

    Args:
        targets: None, "predicted", "label", a class number, an array, or a callable that takes the outputs before
            a closing softmax or sigmoid and returns one score per image.
        layer_calls: The model's `LayerCalls`.
        count: Number of images.
        reading: The `Reading` of the outputs and the labels. Default: that without labels.
    """
    outputs = keras.tree.flatten(layer_calls.outputs)
    if callable(targets):
        return _from_function(targets, layer_calls)
    if isinstance(targets, Mapping):
        return _from_mapping(targets, layer_calls, count)
    if len(outputs) != 1 or len(outputs[0].shape) < 2:
        raise ValueError(
            f"`targets` must be a callable for a model whose outputs have shape {_shapes(outputs)}. "
            f"Got {shown(targets)}. Pass a function that takes the outputs and returns one score per image"
            f"{_or_named(layer_calls)}."
        )
    axis, reading = layer_calls.class_axis, reading or read([], layer_calls)
    shape = _with_last(tuple(outputs[0].shape), axis)[1:]
    return dataclasses.replace(_of_one_output(targets, reading, shape, count, axis), axis=axis)


def _of_one_output(targets, reading, shape, count, axis):
    """Return the target of one output of this shape, its classes on the last axis."""
    if targets is None:
        targets = "label" if reading.true_classes else "predicted"
    if isinstance(targets, str):
        return _from_word(targets, reading, shape, count)
    return _from_array(targets, shape, count, axis)


def _with_last(shape, axis):
    """Return a shape with this axis last."""
    return tuple(np.moveaxis(np.empty(shape, "bool"), axis, -1).shape)


def _or_named(layer_calls):
    """Return the other way to say what is explained of several outputs, as the end of a sentence."""
    names = output_names(layer_calls)
    return f", or one output by its name, {{{names[0]!r}: 0}}" if len(names) > 1 else ""


def output_names(layer_calls):
    """Return the names of the outputs: the keys of a dict, else the layers that give them, or their numbers."""
    if isinstance(layer_calls.outputs, Mapping):
        return list(keras.tree.flatten({name: name for name in layer_calls.outputs}))
    leaves = keras.tree.flatten(layer_calls.outputs)
    names = [
        next((call.path for call in reversed(layer_calls.calls) if call.is_output and call.reaches == {number}), None)
        for number in range(len(leaves))
    ]
    return [str(number) if name is None or names.count(name) > 1 else name for number, name in enumerate(names)]


def _from_mapping(targets, layer_calls, count):
    """Return the target of one output that is named."""
    names = output_names(layer_calls)
    if len(targets) != 1 or next(iter(targets)) not in names:
        raise ValueError(
            f"`targets` as a dict must name one output, {', '.join(map(repr, names))}. Got {shown(targets)}. "
            f"Write {{{names[0]!r}: 0}}, or pass a function of all outputs."
        )
    name, part = next(iter(targets.items()))
    number = names.index(name)
    output = keras.tree.flatten(layer_calls.outputs)[number]
    alone = dataclasses.replace(
        layer_calls, outputs=output, closings=[layer_calls.closings[number]], explained=frozenset([0])
    )
    return dataclasses.replace(resolve(part, alone, count), outputs=frozenset([number]))


def _from_word(word, reading, shape, count):
    if word not in ("label", "predicted"):
        raise ValueError(
            '`targets` must be None, "label", "predicted", a class number, an array or a callable. '
            f"Got {shown(word)}. Choose one of these."
        )
    if word == "label":
        return _from_labels(_labels_of(reading), shape)
    return _from_array(1, shape, count) if shape[-1] == 1 and reading.kind == "values" else Target("predicted")


def _labels_of(reading):
    """Return the true classes of each image, or say why there are none."""
    if reading.true_classes is not None:
        return reading.true_classes
    why, advice = reading.left_out, "Pass the classes of the images as `labels=`"
    if reading.true is not None:
        why, advice = "they are values, as of a regression", "Leave `targets` out"
    raise ValueError(
        '`targets="label"` needs labels that are classes of the model: class numbers, one-hot or multi-hot rows. '
        f'Got no such labels: {why}. {advice}, or `targets="predicted"`.'
    )


def _from_labels(true, shape):
    """Return the target of each image's true class, or of the sum of its true classes if some have not just one."""
    if all(len(classes) == 1 for classes in true):
        classes = np.array(true)[:, 0]
        return Target("weights", weights=class_weights(classes, shape), classes=classes)
    rows = np.zeros((len(true), shape[-1]), "float32")
    for row, classes in zip(rows, true, strict=True):
        row[list(classes)] = 1.0
    return Target("labels", weights=_at_all_places(rows, shape))


def class_weights(classes, shape):
    """Return the weights `(n, *shape)` whose sum with the outputs is the score of each image's class."""
    if shape[-1] == 1:
        signs = np.where(np.asarray(classes) == 1, 1.0, -1.0).astype("float32")
        return signs.reshape((-1,) + (1,) * len(shape)) * np.ones((1, *shape), "float32")
    return _at_all_places(np.eye(shape[-1], dtype="float32")[classes], shape)


def _at_all_places(rows, shape):
    """Return weights `(n, *shape)` that are the same at all places, from one row of weights per image."""
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
    return Target("callable", function=function, outputs=_used_by(function, layer_calls.outputs))


def _used_by(function, outputs):
    """Return the numbers of the outputs that a user's function of them depends on."""
    count, kept = len(keras.tree.flatten(outputs)), []
    if count == 1:
        return frozenset([0])

    def run(outputs):
        def scored(outputs):
            score = function(outputs)
            return score, [*keras.tree.flatten(outputs), score]

        score, graph = backend.traced(scored, outputs)
        kept.append(Dependence(graph, has_gradients=True).sources(count, count))
        return score

    output_spec(run, outputs)
    return kept[-1] or frozenset(range(count))


def _from_array(targets, shape, count, axis=-1):
    fits = f"`targets` must be one class number per image ({count} in all), one class number for all, "
    fits += f"or weights in the shape of the outputs, {(count, *shape)}. "
    array = numeric(to_numpy(targets) if ops.is_tensor(targets) else targets)
    if array is None:
        raise ValueError(f"{fits}Got {shown(targets)}. Pass numbers.")
    targets = array
    if targets.ndim == 0:
        targets = np.full(count, targets)
    if targets.shape in ((count,), (count, 1)) and (are_whole(targets) or len(shape) != 1 or targets.ndim == 1):
        return _from_classes(targets.reshape(count), shape, fits)
    if targets.ndim == len(shape) + 1 and axis not in (-1, len(shape)):
        targets = np.moveaxis(targets, axis, -1)
    if targets.shape == (count, *shape):
        if not np.all(np.isfinite(targets)):
            raise ValueError(f"{fits}Some weights are NaN or infinite. Replace them by finite numbers.")
        return Target("weights", weights=targets.astype("float32"))
    raise ValueError(f"{fits}Got {shown(targets)}. Give one target per image.")


def _from_classes(classes, shape, fits):
    units = shape[-1] if shape else 1
    highest = max(units - 1, 1)
    if not are_whole(classes) or classes.min() < 0 or classes.max() > highest:
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


def _predicted(logits):
    """Return weights and class numbers of what the model itself prefers; of one unit its side."""
    if logits.shape[-1] == 1:
        positive = ops.cast(logits > 0, "float32")
        places = ops.mean(ops.reshape(positive, (logits.shape[0], -1)), axis=-1)
        return 2.0 * positive - 1.0, ops.cast(places >= 0.5, "int32")
    totals = ops.sum(ops.reshape(logits, (logits.shape[0], -1, logits.shape[-1])), axis=1)
    classes = ops.argmax(totals, axis=-1)
    weights = ops.one_hot(classes, logits.shape[-1])
    ones = (1,) * (len(logits.shape) - 2)
    return ops.reshape(weights, (logits.shape[0], *ones, logits.shape[-1])), ops.cast(classes, "int32")


def _predicted_where_none(logits, weights):
    """Return weights and class numbers: those given and -1, or the predicted class where the weights are all 0."""
    predicted, classes = _predicted(logits)
    none = ops.logical_not(ops.any(ops.reshape(weights, (weights.shape[0], -1)) != 0, axis=-1))
    where = ops.reshape(none, (weights.shape[0],) + (1,) * (len(weights.shape) - 1))
    return ops.where(where, predicted, weights), ops.where(none, classes, -1)


def _shapes(tensors):
    return ", ".join("(" + ", ".join(["n", *map(str, tensor.shape[1:])]) + ")" for tensor in tensors)


def are_probabilities(outputs):
    """Whether a model's outputs are probabilities of several classes: not negative, with a sum of 1."""
    leaves = keras.tree.flatten(outputs)
    if len(leaves) != 1 or leaves[0].ndim < 2 or leaves[0].shape[-1] < 2:
        return False
    return bool(leaves[0].min() >= 0 and np.all(np.abs(leaves[0].astype("float64").sum(axis=-1) - 1) < 1e-3))
