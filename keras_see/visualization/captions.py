"""Captions of images and maps: the true, the predicted and the explained class, and the highest value of a map."""

from collections.abc import Mapping, Set

import keras
import numpy as np

from keras_see._validation import shown


def image_captions(outputs, activation, classes, class_names):
    """Return the lines under each image: the true class if known, and the prediction, marked right or wrong.

    Args:
        outputs: The model's outputs, one array `(n, classes)`; for any other outputs the prediction is left out.
        activation: "softmax" or "sigmoid" if the outputs are probabilities, else None.
        classes: True classes, or None.
        class_names: Names of the classes, or None.

    Returns:
        Per image a list of lines: texts, or pairs `(text, right)`.
    """
    leaves = keras.tree.flatten(outputs)
    classifies = len(leaves) == 1 and leaves[0].ndim == 2
    captions = []
    for number in range(len(leaves[0])):
        lines = [] if classes is None else [f"true: {class_name(classes[number], class_names)}"]
        if classifies:
            text, predicted = _prediction(leaves[0][number], activation, class_names)
            marked = classes is not None and predicted is not None
            lines.append((text, predicted == classes[number]) if marked else text)
        captions.append(lines)
    return captions


def map_captions(maps, classes, class_names):
    """Return the lines under each map: the explained class (none if negative), and the highest value."""
    captions = []
    for each, number in zip(maps, classes, strict=True):
        explained = [] if number < 0 else [f"for {class_name(number, class_names)}"]
        captions.append([*explained, _highest(each)])
    return captions


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
    """Return the prediction of one image as a text, and the predicted class (None for a regression)."""
    output = output.astype("float64")
    if len(output) == 1:
        if activation != "sigmoid":
            return f"output {short_number(output[0])}", None
        predicted = int(output[0] > 0.5)
        probability = output[0] if predicted else 1 - output[0]
        return f"{100 * probability:.0f} % {class_name(predicted, class_names)}", predicted
    predicted = int(output.argmax())
    score = short_number(output[predicted]) if activation is None else f"{100 * output[predicted]:.0f} %"
    return f"{score} {class_name(predicted, class_names)}", predicted


def _highest(each):
    if not np.isfinite(each).all():
        return "not finite"
    if each.max() > 0:
        return f"peak {short_number(each.max())}"
    return "nothing above 0" + (f", least {short_number(each.min())}" if each.min() < 0 else "")
