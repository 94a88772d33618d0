"""Forward passes: a whole one with gradients at its layers, and one that ends at the last layer needed."""

import dataclasses

import keras
from keras import ops

from keras_see.model.batchnorm_folding import BatchNormFolding
from keras_see.model.image_batches import picture_of
from keras_see.model.inference import infer
from keras_see.model.interceptors import FeatureTaps, LeakyRectifiers, LogitTaps
from keras_see.model.layer_calls import BATCH

# The path of the images among the paths of layer calls.
IMAGES = ""

# The path of what goes into the closing softmax or sigmoid (of the output itself, if the model has none).
LOGITS = "logits"

# float16 loses gradients below 6e-8: a tenth and more of those at the input. So the float32 score is scaled before
# the backward pass and the gradients are scaled back: loss scaling, Micikevicius et al. 2018, arXiv:1710.03740.
FLOAT16_SCALE = 4096.0


@dataclasses.dataclass(frozen=True)
class ForwardResult:
    """Tensors captured in one forward pass.

    Attributes:
        outputs: The model's outputs, in their own structure.
        logits: The same structure, with the input of a closing softmax or sigmoid in place of its output.
        features: path -> tensor, for each path asked for.
    """

    outputs: object
    logits: object
    features: dict


def forward(model, values, layer_calls, inputs, paths, deltas, interceptors=()):
    """Return the `ForwardResult` of `model(inputs, training=False)`; traced.

    Args:
        model: The live model; it cannot change.
        values: The variables' values, as `backend.values` returns them.
        layer_calls: The model's `LayerCalls`.
        inputs: Tensors in the structure that the model takes.
        paths: The features to capture: a call's `path` or `input_path`, or `IMAGES`.
        deltas: path -> zeros, as `zero_deltas` returns them, added to some of these features: the gradient with
            respect to a delta is the gradient with respect to the features.
        interceptors: Further ones that the calls pass through.
    """
    inputs, features = keras.tree.map_structure(_in_float, inputs), {}
    if IMAGES in paths:
        inputs, features[IMAGES] = _perturbed(inputs, deltas.get(IMAGES, 0.0), layer_calls.image)
    taps, logits = FeatureTaps(layer_calls, set(paths) - {IMAGES}, deltas), LogitTaps(layer_calls)
    outputs = infer(model, inputs, [*interceptors, taps, logits, BatchNormFolding(layer_calls)], values)
    leaves = [_logits(logits.logits, number, leaf) for number, leaf in enumerate(keras.tree.flatten(outputs))]
    return ForwardResult(outputs, keras.tree.pack_sequence_as(outputs, leaves), features | taps.features)


def features_at(model, values, layer_calls, images, paths, leaks=None):
    """Return path -> tensor, computing nothing that comes after the last of these paths; traced.

    Args:
        model: The live model; it cannot change.
        values: The variables' values, as `backend.values` returns them.
        layer_calls: The model's `LayerCalls`.
        images: A tensor, for the model's one input.
        paths: Paths of calls, or what `logits_at` returns.
        leaks: `(n,)`, the gradient that closed rectifiers let through, as for `LeakyRectifiers`. None: the true one.
    """
    numbers = {number: logits_at(number) for number in range(len(layer_calls.closings)) if logits_at(number) in paths}
    calls = set(paths) - set(numbers.values())
    taps = FeatureTaps(layer_calls, calls, stop=not numbers)
    logits = LogitTaps(layer_calls, numbers, stop=not calls)
    leaky = [] if leaks is None else [LeakyRectifiers(layer_calls, leaks)]
    outputs = infer(model, _as_taken(model, images), [taps, logits, *leaky], values)
    leaves = [None] * len(layer_calls.closings) if outputs is None else keras.tree.flatten(outputs)
    return taps.features | {path: _logits(logits.logits, number, leaves[number]) for number, path in numbers.items()}


def logits_at(number):
    """Return the path of the logits of the model's output with this number."""
    return LOGITS if number == 0 else f"{LOGITS} {number}"


def zero_deltas(layer_calls, inputs, paths):
    """Return path -> zeros, float32, in the shape of the features at that path."""
    picture = picture_of(inputs, layer_calls.image)
    shapes = {IMAGES: (BATCH, *picture.shape[1:])}
    for call in layer_calls.calls:
        shapes[call.path], shapes[call.input_path] = call.shape, call.input_shape
    deltas = {}
    for path in paths:
        rows, *rest = shapes[path]
        deltas[path] = ops.zeros((rows * picture.shape[0] // BATCH, *rest), "float32")
    return deltas


def _logits(found, number, output):
    """Return an output's logits in its own shape, which a reshape after the closing activation may have changed."""
    logits = found.get(number, output)
    return logits if output is None or logits.shape == output.shape else ops.reshape(logits, output.shape)


def _in_float(leaf):
    """Return pictures as floats, as they were traced: not every model takes whole numbers by itself."""
    return ops.cast(leaf, "float32") if len(leaf.shape) == 4 else leaf


def _perturbed(inputs, delta, image):
    """Return the inputs with the delta added to the explained image, and that image."""
    leaves = keras.tree.flatten(inputs)
    leaves[image] = leaves[image] + delta
    return keras.tree.pack_sequence_as(inputs, leaves), leaves[image]


def _as_taken(model, images):
    """Return the images in the structure of the model's one input: alone, in a list or in a dict."""
    given = getattr(model, "input", None)
    return keras.tree.pack_sequence_as(given, [images]) if isinstance(given, list | tuple | dict) else images
