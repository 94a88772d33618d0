"""What a user selects to optimize images for: neurons, channels, directions, classes or a whole layer."""

import collections
from typing import NamedTuple

import keras
import numpy as np

from keras_see._validation import is_whole, is_word, numeric, shape_of, shown
from keras_see.model.forward import LOGITS, logits_at
from keras_see.model.layer_calls import per_batch
from keras_see.model.targets import Target, resolve
from keras_see.optimization import objectives
from keras_see.optimization.image_spec import image_spec_of

# Number of channels of a hidden layer that a callback shows by default.
SHOWN = 6

# All channels or classes are the default up to this number; more would take hours.
MANY = 64


class Selection(NamedTuple):
    """What a user selected, one entry per image.

    Attributes:
        objective: The `Objective`, shared by all images.
        goals: What it aims at, `(n, k)`.
        keys: The keys of the starts.
        names: For messages and captions.
    """

    objective: objectives.Objective
    goals: np.ndarray
    keys: list
    names: list


def selected_channels(layer_calls, layer, channels=None, *, objective="channel", position=None, direction=None):
    """Return the `Selection` of channels, single neurons, directions or a whole layer.

    The channels of an output layer are classes. All arguments after the `LayerCalls` are those of `neuron_images`;
    `layer=None` is the last layer whose output has rows and columns.
    """
    call = _call_of(layer, layer_calls)
    count, logits = _depth(call), _logits_of(call, layer_calls)
    if position is not None and not is_word(objective, ("neuron",)):
        raise ValueError(f'`position` is that of single neurons. Got {shown(position)}. Add objective="neuron".')
    if objective == "layer":
        _refuse(channels if direction is None else direction)
        return Selection(objectives.whole_layers({call.path: 1.0}), np.ones((1, 1)), [0], [call.path])
    goals, keys, names = _goals(channels, direction, count)
    if logits is None or objective != "channel":
        return Selection(_objective(objective, call, position), goals, keys, names)
    names = ["class 1" if count == 1 else name.replace("channel", "class") for name in names]
    return Selection(objectives.units(Target("weights", goals), logits), goals, keys, names)


def selected_classes(layer_calls, targets):
    """Return the `Selection` of class numbers, or of weights of the outputs; None is all classes."""
    targets = _all_classes(layer_calls) if targets is None else targets
    rows = numeric(targets)
    if rows is None or not rows.size:
        raise ValueError(
            "`targets` must be class numbers, or weights of the outputs, one row per image. "
            f"Got {shown(targets)}. Pass [0, 1, 2], for instance."
        )
    targets = np.atleast_1d(rows)
    target = resolve(targets, layer_calls, len(targets))
    if target.classes is None:
        keys, names = range(len(targets)), [f"class row {row}" for row in range(len(targets))]
    else:
        keys, names = target.classes.tolist(), [f"class {number}" for number in target.classes.tolist()]
    return Selection(objectives.units(target), target.weights, _distinct(keys), names)


def shown_channels(model, layer, channels=None, *, size=None, value_range=None, preprocess=None):
    """Return the path of a layer, and the channels that a callback shows of it.

    Args:
        model: A built Keras model with one input.
        layer: As for `selected_channels`.
        channels: As for `selected_channels`; None: all classes of an output layer if they are at most 64, else 6
            channels, evenly spread.
        size: As for `neuron_images`, and so are `value_range` and `preprocess`.
        value_range: `(low, high)`.
        preprocess: A function from images to what the model takes.
    """
    layer_calls = image_spec_of(model, size=size, value_range=value_range, preprocess=preprocess).layer_calls
    call = _call_of(layer, layer_calls)
    count = _depth(call)
    if channels is None:
        many = count if _logits_of(call, layer_calls) and count <= MANY else SHOWN
        channels = np.unique(np.linspace(0, count - 1, min(many, count), dtype=int)).tolist()
    return call.path, channels


def _call_of(layer, layer_calls):
    return layer_calls.default_call() if layer is None else layer_calls.find(layer)


def _logits_of(call, layer_calls):
    """Return the path of the logits if the call's units are classes, that is, outputs of the model; else None."""
    outputs = [tuple(output.shape) for output in keras.tree.flatten(layer_calls.outputs)]
    if len(call.shape) != 2:
        return None
    if call in layer_calls.closings:
        return logits_at(layer_calls.closings.index(call))
    is_last = call.is_output or call.is_closed
    return LOGITS if is_last and outputs == [call.shape] else None


def _objective(objective, call, position):
    if not is_word(objective, ("channel", "neuron")):
        came = shown(objective)
        raise ValueError(f'`objective` must be "channel", "neuron" or "layer". Got {came}. Choose one of them.')
    if objective == "channel":
        return objectives.channels(call.path)
    sides = call.shape[1:3]
    if len(call.shape) != 4:
        raise ValueError(
            'For `objective="neuron"` the layer must have rows and columns: (batch, rows, columns, channels). '
            f'That of {call.path!r} has shape {per_batch(call.shape)}. Use objective="channel".'
        )
    is_pair = shape_of(position) == (2,) and all(map(is_whole, position))
    if position is not None and not (is_pair and all(np.less(position, sides))):
        raise ValueError(f"`position` must be (row, column) inside {sides}. Got {shown(position)}. Count from 0.")
    return objectives.neurons(call.path, position)


def _goals(channels, direction, count):
    """Return the goals of the images `(n, k)`, the keys of their starts, and their names."""
    if direction is not None:
        _refuse(channels)
        rows = numeric(direction)
        rows = np.zeros((1, 0)) if rows is None else np.atleast_2d(rows).astype("float32")
        if rows.ndim != 2 or rows.shape[1] != count or not np.all(np.isfinite(rows)) or not rows.any(axis=1).all():
            raise ValueError(
                f"`direction` must hold {count} finite numbers, not all zero, one per channel of the layer. "
                f"Got {shown(direction)}. Pass (k,) or (n, k)."
            )
        return rows, _distinct(range(len(rows))), [f"direction {row}" for row in range(len(rows))]
    if channels is None:
        channels = range(count)
        if count > MANY:
            raise ValueError(
                f"`channels` must say which are wanted where a layer has more than {MANY}. This one has {count}. "
                "Pass channels=range(8), for instance."
            )
    numbers = numeric(channels)
    numbers = np.zeros(0) if numbers is None else np.atleast_1d(numbers)
    are_whole = numbers.ndim == 1 and numbers.size and numbers.dtype.kind in "iu"
    if not are_whole or numbers.min() < 0 or numbers.max() >= count:
        raise ValueError(
            f"`channels` must be whole numbers from 0 to {count - 1}: the layer has {count} channels. "
            f"Got {shown(channels)}. Pass [{count - 1}] for the last one, range({min(SHOWN, count)}) for the first "
            f"{min(SHOWN, count)}."
        )
    numbers = numbers.tolist()
    return objectives.one_hot(numbers, count), _distinct(numbers), [f"channel {number}" for number in numbers]


def _distinct(numbers):
    """Return a key per image that is its number and how often that came before: equal only for the same image."""
    seen = collections.Counter()
    keys = []
    for number in numbers:
        keys.append((int(number), seen[number]))
        seen[number] += 1
    return keys


def _depth(call):
    if call.shape is None or len(call.shape) < 2:
        found = "gives no single tensor" if call.shape is None else f"gives shape {per_batch(call.shape)}"
        raise ValueError(
            "`layer` must have an output with channels: one tensor (batch, ..., channels). "
            f"{call.path!r} {found}. keras_see.layers(model, all=True) lists all; choose another."
        )
    return call.shape[-1]


def _refuse(channels):
    if channels is not None:
        raise ValueError(
            '`channels`, `direction` and the objective "layer" exclude each other. Got more than one. Leave one out.'
        )


def _all_classes(layer_calls):
    count = layer_calls.outputs.shape[-1] if hasattr(layer_calls.outputs, "shape") else 0
    if not 0 < count <= MANY:
        raise ValueError(
            f"`targets` must say which classes are wanted where a model has more than {MANY}, or several outputs. "
            f"This one has {count or 'several outputs'}. Pass range(8), for instance."
        )
    return range(max(count, 2))
