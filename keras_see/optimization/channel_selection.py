"""The checked ascents of neurons, channels and classes that a user selects."""

import collections

import keras
import numpy as np

from keras_see._validation import is_number, is_whole, is_word, numeric, shape_of, shown
from keras_see.model.forward import LOGITS, logits_at
from keras_see.model.layer_calls import per_batch
from keras_see.model.targets import Target, resolve
from keras_see.optimization import objectives
from keras_see.optimization.batched_ascent import BatchedAscent, checked_rate
from keras_see.optimization.gradient_ascent import RATE, Ascent
from keras_see.optimization.image_spec import image_spec_of
from keras_see.optimization.transforms import Transforms

# Number of channels of a hidden layer that a callback shows by default.
SHOWN = 6

# All channels or classes are the default up to this number; more would take hours.
MANY = 64


def neuron_ascent(
    model,
    layer,
    channels=None,
    *,
    objective="channel",
    position=None,
    direction=None,
    diversity=0.0,
    transforms=None,
    rate=RATE,
    batch_size=8,
    **options,
):
    """Return the `BatchedAscent` of `neuron_images`, which callbacks resume.

    All arguments are those of `neuron_images`; `layer=None` is the last layer whose output has rows and columns.
    """
    image_spec = image_spec_of(model, **options)
    call = image_spec.layer_calls.default_call() if layer is None else image_spec.layer_calls.find(layer)
    count, logits = _depth(call), _logits_of(call, image_spec.layer_calls)
    if position is not None and not is_word(objective, ("neuron",)):
        raise ValueError(f'`position` is that of single neurons. Got {shown(position)}. Add objective="neuron".')
    if logits is not None and objective == "channel":
        goals, keys, names = _goals(channels, direction, count)
        chosen = objectives.units(Target("weights", goals), logits)
        names = ["class 1" if count == 1 else name.replace("channel", "class") for name in names]
    elif objective == "layer":
        _refuse(channels if direction is None else direction)
        chosen, goals, keys, names = objectives.whole_layers({call.path: 1.0}), np.ones((1, 1)), [0], [call.path]
    else:
        goals, keys, names = _goals(channels, direction, count)
        chosen = _objective(objective, call, position)
    if diversity:
        chosen, batch_size = objectives.with_diversity(chosen, _from_zero(diversity)), len(keys)
    views = {"transforms": _checked_views(transforms), "preprocess": image_spec.preprocess}
    ascent = Ascent(model, chosen, image_spec.parameterization, rate=checked_rate(rate), **views)
    return BatchedAscent(ascent, keys, [goals], batch_size, names)


def class_ascent(model, targets, *, diversity=0.0, transforms=None, rate=RATE, batch_size=8, **options):
    """Return the `BatchedAscent` of `class_images`; all arguments are those of `class_images`."""
    image_spec = image_spec_of(model, **options)
    targets = _all_classes(image_spec.layer_calls) if targets is None else targets
    rows = numeric(targets)
    if rows is None or not rows.size:
        raise ValueError(
            "`targets` must be class numbers, or weights of the outputs, one row per image. "
            f"Got {shown(targets)}. Pass [0, 1, 2], for instance."
        )
    targets = np.atleast_1d(rows)
    target = resolve(targets, image_spec.layer_calls, len(targets))
    names = [f"row {row}" for row in range(len(targets))] if target.classes is None else target.classes.tolist()
    keys = range(len(targets)) if target.classes is None else target.classes.tolist()
    chosen = objectives.units(target)
    if diversity:
        chosen, batch_size = objectives.with_diversity(chosen, _from_zero(diversity)), len(targets)
    views = {"transforms": _checked_views(transforms), "preprocess": image_spec.preprocess}
    ascent = Ascent(model, chosen, image_spec.parameterization, rate=checked_rate(rate), **views)
    return BatchedAscent(ascent, _distinct(keys), [target.weights], batch_size, [f"class {name}" for name in names])


def shown_channels(model, layer, channels=None, **options):
    """Return the path of a layer, and the channels that a callback shows of it.

    Args:
        model: A built Keras model with one input.
        layer: As for `neuron_ascent`.
        channels: Numbers of channels; or how many, evenly spread; or None: all classes of an output layer if they are
            at most 64, else 6.
        **options: As for `image_spec_of`.
    """
    layer_calls = image_spec_of(model, **options).layer_calls
    call = layer_calls.default_call() if layer is None else layer_calls.find(layer)
    count = _depth(call)
    if channels is None:
        channels = count if _logits_of(call, layer_calls) and count <= MANY else SHOWN
    if is_whole(channels) and channels < 1:
        raise ValueError("`channels` as one number is how many. Got 0. Pass [0] for the channel of that number.")
    if is_whole(channels):
        channels = np.unique(np.linspace(0, count - 1, min(channels, count), dtype=int)).tolist()
    return call.path, channels


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
            f"Got {shown(channels)}. keras_see.layers(model) lists the layers with their channels."
        )
    numbers = numbers.tolist()
    return objectives.one_hot(numbers, count), _distinct(numbers), [f"channel {number}" for number in numbers]


def _checked_views(transforms):
    if transforms is None or isinstance(transforms, Transforms):
        return transforms
    raise TypeError(
        "`transforms` must be a keras_see.transforms.Transforms or None. "
        f"Got {shown(transforms)}. Leave it out, or pass Transforms(jitter=0, rotate=0, scale=(1, 1)) for none."
    )


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
            f"{call.path!r} {found}. keras_see.layers(model) lists all; choose another."
        )
    return call.shape[-1]


def _refuse(channels):
    if channels is not None:
        raise ValueError(
            '`channels`, `direction` and the objective "layer" exclude each other. Got more than one. Leave one out.'
        )


def _from_zero(diversity):
    if not is_number(diversity) or diversity < 0:
        raise ValueError(f"`diversity` must be a number from 0. Got {shown(diversity)}. 0 leaves images alone.")
    return float(diversity)


def _all_classes(layer_calls):
    count = layer_calls.outputs.shape[-1] if hasattr(layer_calls.outputs, "shape") else 0
    if not 0 < count <= MANY:
        raise ValueError(
            f"`targets` must say which classes are wanted where a model has more than {MANY}, or several outputs. "
            f"This one has {count or 'several outputs'}. Pass range(8), for instance."
        )
    return range(max(count, 2))
