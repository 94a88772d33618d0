"""Readings: what the output of a model and the labels of its images mean, classes or values."""

import dataclasses

import keras
import numpy as np

from keras_see._validation import are_whole, numeric, shown


@dataclasses.dataclass(frozen=True)
class Reading:
    """What the output of a model and the labels of its images mean.

    Attributes:
        kind: "classes" (the highest output names the class; of one unit its side), or "values" (the outputs are
            numbers, as in a regression).
        true: Per image a tuple of its true classes, or of its true values; None where there are no labels that fit.
        left_out: Why `true` is None, as the end of a sentence.
    """

    kind: str
    true: list | None = None
    left_out: str = "none came with the images"

    @property
    def true_classes(self):
        """Per image a tuple of its true classes, or None."""
        return self.true if self.kind == "classes" else None


def read(labels, layer_calls, *, named=False, from_logits=False):
    """Return the `Reading` of a model's output.

    Args:
        labels: The labels of each output as NumPy arrays of numbers, as `label_leaves` returns them.
        layer_calls: The model's `LayerCalls`.
        named: Whether the user named the classes: then a single unit is a logit, if the labels are 0 and 1.
        from_logits: Whether the loss takes logits, see `takes_logits`: then a single unit is one in any case.
    """
    if len(layer_calls.closings) != 1 or len(labels) > 1:
        return Reading("classes", None, "they are of several outputs" if labels else Reading.left_out)
    units = units_of(layer_calls)
    closing = "logit" if from_logits else (layer_calls.closing or "").removeprefix("log_") or None
    is_class = units > 1 or named or closing is not None or any(each.dtype.kind == "b" for each in labels)
    if not labels:
        return Reading("classes" if is_class else "values")
    classes, values = _classes(labels[0], units), _values(labels[0], units)
    if is_class and classes is not None:
        return Reading("classes", classes, "")
    if values is None or _must_be_classes(labels[0], units, closing):
        return Reading("classes" if is_class else "values", None, _misfit(labels[0], units))
    return Reading("values", values, "")


def units_of(layer_calls):
    """Return the number of units of a model's first output."""
    return keras.tree.flatten(layer_calls.outputs)[0].shape[layer_calls.class_axis]


def takes_logits(model):
    """Return whether the loss of a model says that its outputs are logits."""
    losses = keras.tree.flatten(getattr(model, "loss", None))
    return any(getattr(loss, "from_logits", False) is True for loss in losses)


def _must_be_classes(labels, units, closing):
    """Return whether numbers that are no classes of the model are no values of a regression either."""
    if units > 1:
        return closing == "softmax" or _are_shares(labels)
    return closing == "logit" or (closing == "sigmoid" and are_whole(labels))


def _classes(labels, units):
    """Return per image a tuple of classes, or None where these are no class numbers nor one-hot nor multi-hot rows."""
    if numeric(labels) is None or labels.ndim > 2 or not are_whole(labels) or labels.min() < 0:
        return None
    if labels.ndim == 2 and labels.shape[1] > 1:
        rows = [tuple(np.flatnonzero(row).tolist()) for row in labels]
        fits = labels.shape[1] == max(units, 2) and labels.max() <= 1 and (units > 1 or set(map(len, rows)) == {1})
        return rows if fits else None
    return [(int(number),) for number in labels.ravel()] if labels.max() <= max(units - 1, 1) else None


def _values(labels, units):
    """Return per image a tuple of values, one per unit, or None where these are no such numbers."""
    if numeric(labels) is None or labels.size != len(labels) * units or not np.all(np.isfinite(labels)):
        return None
    return [tuple(row) for row in labels.reshape(len(labels), units).astype("float64").tolist()]


def _misfit(labels, units):
    """Return why labels are no classes of a model, as the end of a sentence."""
    if numeric(labels) is None:
        return "they are no numbers"
    if not np.all(np.isfinite(labels)):
        return "they hold NaN or infinity"
    if labels.ndim > 1 and labels.shape[1:] not in ((1,), (max(units, 2),)):
        return f"their shape is {labels.shape}, not (n,) or (n, {units})"
    if labels.ndim > 1 and labels.shape[1] > 1:
        return "their rows are neither one-hot nor multi-hot"
    classes = range(max(units, 2))
    wrong = next(number for number in labels.ravel().tolist() if number not in classes)
    return f"{shown(wrong)} is none of the model's classes, 0 to {classes[-1]}"


def _are_shares(rows):
    return rows.min() >= 0 and bool(np.all(np.abs(rows.sum(axis=-1) - 1) < 1e-3))
