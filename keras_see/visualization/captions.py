"""What stands under images and maps: the true class, the predicted class, the explained class and the peak."""

from collections.abc import Mapping, Set

import keras
import numpy as np

from keras_see._validation import shown
from keras_see.model.targets import are_probabilities


def under_images(outputs, closing, classes, names):
    """Return lines per image: the true class if known, and what the model says, marked right or wrong.

    Args:
        outputs: The model's real outputs.
        closing: "softmax", "sigmoid" or None.
        classes: True classes, or None.
        names: Names of the classes, or None.
    """
    leaves = keras.tree.flatten(outputs)
    plain = len(leaves) == 1 and leaves[0].ndim == 2
    lines = []
    for number in range(len(leaves[0])):
        known = classes is not None
        said = _said(leaves[0][number], closing, names) if plain else None
        lines.append([f"true: {class_name(classes[number], names)}"] if known else [])
        if said is not None:
            text, predicted = said
            lines[-1].append((text, predicted == classes[number]) if known and predicted is not None else text)
    return lines


def under_maps(maps, explained, names):
    """Return lines per map: the explained class, and the map's highest value or that there is nothing to see."""
    lines = []
    for each, number in zip(maps, explained, strict=True):
        least = f", least {amount(each.min())}" if each.min() < 0 else ""
        peak = f"peak {amount(each.max())}" if each.max() > 0 else f"nothing above 0{least}"
        peak = peak if np.isfinite(each).all() else "not finite"
        lines.append([peak] if number < 0 else [f"for {class_name(number, names)}", peak])
    return lines


def amount(value):
    """Return a number in as few letters as say something."""
    return f"{value:.3g}" if value == 0 or 0.01 <= abs(value) < 1000 else f"{value:.1e}"


def checked_names(names):
    """Return the names of classes as a list of str, or None."""
    if names is None:
        return None
    is_list = np.iterable(names) and not isinstance(names, str | bytes | Mapping | Set)
    listed = list(names) if is_list else []
    if not listed or not all(isinstance(name, str | int | np.integer) for name in listed):
        raise TypeError(
            "`class_names` must be a list of names in the order of the class numbers. "
            f"Got {shown(names)}. Pass for example ['cat', 'dog']."
        )
    return [str(name) for name in listed]


def class_name(number, names):
    """Return the name of a class, or its number."""
    return f"class {number}" if names is None or not 0 <= number < len(names) else str(names[number])


def _said(values, closing, names):
    """Return what the model says of one image in words, and the class it means (None where it means none)."""
    values = values.astype("float64")
    if len(values) == 1:
        if closing != "sigmoid":
            return f"output {amount(values[0])}", None
        predicted = int(values[0] > 0.5)
        share = values[0] if predicted else 1 - values[0]
        return f"{100 * share:.0f} % {class_name(predicted, names)}", predicted
    predicted = int(values.argmax())
    is_share = closing is not None or are_probabilities(values[None])
    strength = f"{100 * values[predicted]:.0f} %" if is_share else amount(values[predicted])
    return f"{strength} {class_name(predicted, names)}", predicted


def check_names(names, layer_calls):
    """Raise where there are not as many names as classes."""
    outputs = keras.tree.flatten(layer_calls.outputs)
    if names is None or len(outputs) != 1:
        return
    classes = max(outputs[0].shape[-1], 2)
    if len(names) != classes:
        raise ValueError(
            f"`class_names` must hold a name for each of the model's {classes} classes. Got {len(names)}. "
            "List them in the order of the class numbers."
        )
