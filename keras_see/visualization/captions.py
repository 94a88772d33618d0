"""Captions of images and maps: what is true, predicted and explained, and the highest value of a map."""

from collections.abc import Mapping, Set

import keras
import numpy as np

from keras_see._validation import shown

# Rounding error of float32, as a share: a map whose sum, times the span of what it is a gradient of, moves its score by
# less is noise, and outputs that differ by less are equal.
ROUNDING = float(np.finfo("float32").eps)


class MapTexts:
    """The texts of a sheet of maps that depend on what the outputs and the labels mean.

    Args:
        reading: The `Reading` of the outputs and the labels.
        target: The checked `Target`.
        class_names: Names of the classes, or None.
        units: Number of the model's output units.

    Attributes:
        are_classes: Whether the outputs are scores of classes; else they are values, as of a regression.
    """

    def __init__(self, reading, target, class_names, units):
        self._reading, self._target, self._class_names, self._units = reading, target, class_names, units
        self._are_values = reading.kind == "values"
        self.are_classes = not self._are_values

    def under_images(self, outputs, activation):
        """Return the lines under each image, as `image_captions` or, for a regression, `value_captions` does."""
        if self._are_values:
            return value_captions(outputs, self._reading.true)
        return image_captions(outputs, activation, self._reading.true, self._class_names)

    def under_maps(self, maps, classes):
        """Return the lines under each map; `classes` are the explained ones, -1 for none."""
        names = names_of_values(self._units, self._class_names) if self._are_values else self._class_names
        if self._target.kind == "labels":
            classes = [true or number for true, number in zip(self._reading.true, classes, strict=True)]
        return map_captions(maps, classes, names)

    def facts(self, outputs, activation):
        """Return per image what a program asks of its caption: true and predicted class, probabilities, right or not.

        What is not known is left out: for a regression all of it.
        """
        leaves = keras.tree.flatten(outputs)
        if self._are_values or not _are_rows(leaves):
            return [{} for _ in leaves[0]]
        true = self._reading.true or [None] * len(leaves[0])
        return [
            _facts(output, activation, each, self._class_names) for output, each in zip(leaves[0], true, strict=True)
        ]

    def explained(self):
        """Return what is explained, as the end of a sentence."""
        if self._target.kind == "callable":
            return "the given function of the outputs"
        if self._target.kind == "predicted":
            return "the highest output" if self._are_values else "the class that the model prefers"
        if self._target.kind == "labels":
            return "the image's true classes, the sum of their outputs"
        if self._are_labels():
            return "the image's label"
        return "the output" if self._are_values and self._units == 1 else "the given class or weights"

    def _are_labels(self):
        """Return whether the explained classes are the labels."""
        classes, true = self._target.classes, self._reading.true_classes
        return classes is not None and true == [(number,) for number in classes.tolist()]


def image_captions(outputs, activation, classes, class_names):
    """Return the lines under each image: the true classes if known, and the prediction, marked right or wrong.

    Args:
        outputs: The model's outputs, one array `(n, classes)`; for any other outputs the prediction is left out.
        activation: "softmax" or "sigmoid" if the outputs are probabilities, else None.
        classes: Per image its true class or classes; or None.
        class_names: Names of the classes, or None.

    Returns:
        Per image a list of lines: texts, or pairs `(text, right)`.
    """
    leaves = keras.tree.flatten(outputs)
    count = len(leaves[0])
    captions = [[]] * count if classes is None else [[f"true: {_named(each, class_names)}"] for each in classes]
    if not _are_rows(leaves):
        return captions
    found = [_prediction(output, activation, class_names) for output in leaves[0]]
    marks = [None] * count if classes is None else map(_mark, (number for _, number in found), classes)
    lines = [text if mark is None else (text, mark) for (text, _), mark in zip(found, marks, strict=True)]
    return [[*caption, line] for caption, line in zip(captions, lines, strict=True)]


def value_captions(outputs, values):
    """Return the lines under each image of a regression: the true values if known, and the predicted ones.

    Args:
        outputs: The model's outputs, one array `(n, units)`; for any other outputs the prediction is left out.
        values: Per image its true values; or None.
    """
    leaves = keras.tree.flatten(outputs)
    captions = [[]] * len(leaves[0]) if values is None else [[f"true {_listed(each)}"] for each in values]
    if not _are_rows(leaves):
        return captions
    return [[*caption, f"predicted {_listed(each)}"] for caption, each in zip(captions, leaves[0], strict=True)]


def map_captions(maps, classes, class_names):
    """Return the lines under each map: the explained class or classes (none if negative), and the highest value."""
    captions = []
    for each, explained in zip(maps, classes, strict=True):
        lines = [] if np.min(explained) < 0 else [f"for {_named(explained, class_names)}"]
        captions.append([*lines, _highest(each)])
    return captions


def names_of_values(units, class_names):
    """Return what the outputs of a regression are called where they are explained, in the place of class names."""
    if units == 1:
        return ["minus the output", "the output"]
    return class_names or [f"output {number}" for number in range(units)]


def outputs_note(outputs):
    """Return what is wrong with the outputs of all images together, or an empty text."""
    leaves = [np.asarray(leaf, "float64") for leaf in keras.tree.flatten(outputs)]
    if not all(np.isfinite(leaf).all() for leaf in leaves):
        return "outputs are NaN or infinite"
    largest = max(1.0, *(np.abs(leaf).max() for leaf in leaves)) * ROUNDING
    if len(leaves[0]) > 1 and all(np.ptp(leaf, axis=0).max() < largest for leaf in leaves):
        return "the outputs are equal for all images"
    return ""


def short_number(value):
    """Return a number with three significant digits, in scientific notation if it is very large or small."""
    return f"{value:.3g}" if value == 0 or 0.01 <= abs(value) < 1000 else f"{value:.1e}"


def class_name(number, class_names):
    """Return the name of a class, or its number."""
    known = class_names is not None and 0 <= number < len(class_names)
    return str(class_names[number]) if known else f"class {number}"


def checked_class_names(class_names):
    """Return class names as a list of str, or None; raise TypeError if they are no list of names."""
    if class_names is None:
        return None
    is_list = np.iterable(class_names) and not isinstance(class_names, str | bytes | Mapping | Set)
    names = list(class_names) if is_list else []
    if not names or not all(isinstance(name, str | int | np.integer) for name in names):
        raise TypeError(
            "`class_names` must be a list of names in the order of the class numbers. "
            f"Got {shown(class_names)}. Pass for example ['cat', 'dog']."
        )
    return [str(name) for name in names]


def check_class_names(class_names, layer_calls):
    """Raise ValueError unless there is one name per class of a model with one output."""
    outputs = keras.tree.flatten(layer_calls.outputs)
    if class_names is None or len(outputs) != 1:
        return
    classes = max(outputs[0].shape[-1], 2)
    if len(class_names) != classes:
        raise ValueError(
            f"`class_names` must hold a name for each of the model's {classes} classes. Got {len(class_names)}. "
            "List them in the order of the class numbers."
        )


def _prediction(output, activation, class_names):
    """Return the prediction of one image as a text, and the predicted class."""
    output = output.astype("float64")
    if len(output) == 1:
        return _side(output[0], activation, class_names)
    predicted = int(output.argmax())
    score = short_number(output[predicted]) if activation is None else f"{100 * output[predicted]:.0f} %"
    return f"{score} {class_name(predicted, class_names)}", predicted


def _facts(output, activation, true, class_names):
    """Return what is known of one image, as `MapTexts.facts` does."""
    _, predicted = _prediction(output, activation, class_names)
    shares = output if len(output) > 1 else np.array([1 - output[0], output[0]])
    facts = {"predicted": class_name(predicted, class_names), "predicted_number": predicted}
    if activation is not None:
        facts["probability"] = float(shares[predicted])
    if true is not None and np.size(true):
        facts |= {"true": _named(true, class_names), "right": _mark(predicted, true)}
        if activation is not None:
            facts["true_probability"] = float(max(shares[int(number)] for number in np.ravel(true)))
    return facts


def _side(output, activation, class_names):
    """Return the prediction of a single unit, a probability or a logit: class 1 or class 0."""
    predicted = int(output > (0.5 if activation == "sigmoid" else 0.0))
    probability = output if predicted else 1 - output
    score = f"{100 * probability:.0f} %" if activation == "sigmoid" else short_number(output)
    return f"{score} {class_name(predicted, class_names)}", predicted


def _mark(predicted, classes):
    """Return whether the prediction is a true class, or None where no class is true."""
    return bool(np.isin(predicted, classes)) if np.size(classes) else None


def _named(classes, class_names):
    return ", ".join(class_name(number, class_names) for number in np.ravel(classes).astype(int)) or "none"


def _listed(values, most=4):
    numbers = [short_number(float(value)) for value in values]
    return ", ".join(numbers[:most] + ["..."] * (len(numbers) > most))


def _are_rows(leaves):
    """Return whether a model's outputs are one row of numbers per image."""
    return len(leaves) == 1 and leaves[0].ndim == 2


def _highest(each):
    if not np.isfinite(each).all():
        return "not finite"
    if each.max() > 0:
        return f"peak {short_number(each.max())}"
    return "nothing above 0" + (f", least {short_number(each.min())}" if each.min() < 0 else "")
