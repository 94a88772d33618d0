"""One forward and one backward pass, compiled once, that gives the maps of several methods."""

import dataclasses
import logging
import weakref
from collections.abc import Callable

import keras
import numpy as np
from keras import ops

from keras_see.model import backend
from keras_see.model.cache import layer_calls_of, made_once, signature
from keras_see.model.forward import FLOAT16_SCALE, IMAGES, forward, zero_deltas
from keras_see.model.inputs import batches, check_inputs, check_model, count_of, take
from keras_see.model.targets import are_probabilities, resolve

_LOGGER = logging.getLogger("keras_see")


@dataclasses.dataclass(frozen=True)
class Method:
    """A way to make maps from the values at one place of a model and the gradients of the score there.

    Attributes:
        word: Its name in tags, in options and on the command line.
        title: Its name in pictures.
        place: `place(layer_calls, layer)` returns the path of the layer whose output the method looks at, or `IMAGES`;
            raises if the method cannot look there.
        formula: `formula(values, gradients)`, both float32 `(n, rows, columns, channels)`, returns maps
            `(n, rows, columns)`. Made of `keras.ops`, each image independent of the others.
        meaning: What the colours say, in one sentence for people.
        overlaid: Whether its maps are drawn over the image; else on black.
    """

    word: str
    title: str
    place: Callable
    formula: Callable
    meaning: str
    overlaid: bool = True


@dataclasses.dataclass(frozen=True)
class Request:
    """One method at one layer: a name, a path, a `keras.Layer`, or None for the default."""

    method: Method
    layer: object = None


@dataclasses.dataclass(frozen=True)
class Result:
    """What a pass gives, image by image: tensors of the backend, or NumPy arrays after `to_numpy`.

    Attributes:
        maps: One float32 `(n, rows, columns)` per request.
        outputs: The model's real outputs, in their own structure.
        scores: float32 `(n,)`: what was explained.
        classes: int `(n,)`: the class explained, -1 where the target is no class.
    """

    maps: list
    outputs: object
    scores: object
    classes: object

    def to_numpy(self):
        """Wait for the device and return the same in NumPy arrays."""
        return _by_tensor(ops.convert_to_numpy, self)


class Pass:
    """The forward and backward pass of one model for given requests, kind of target and shapes of inputs.

    It reads the weights each time that it runs, so it never shows old ones and never traces again; it cannot
    change the model. `traces` counts how often Python went through it (on PyTorch: at each run).
    """

    def __init__(self, model, layer_calls, requests, target):
        self.traces = 0
        self.places = [request.method.place(layer_calls, request.layer) for request in requests]
        self._formulas = [request.method.formula for request in requests]
        self._layer_calls, self._target = layer_calls, target
        self._model = weakref.ref(model)  # a pass is kept as long as its model, and must not keep it alive
        self._compiled = backend.compiled(self._trace)

    def __call__(self, inputs, weights):
        """Run on inputs in the structure that the model takes, and the target's weights."""
        inputs = keras.tree.map_structure(ops.convert_to_tensor, inputs)
        weights = ops.convert_to_tensor(np.zeros(()) if weights is None else weights, "float32")
        return Result(*self._compiled(backend.values(self._model().variables), inputs, weights))

    def _trace(self, values, inputs, weights):
        self.traces += 1
        dtypes = {dtype for call in self._layer_calls.calls for dtype in (call.dtype, call.input_dtype)}
        scale = FLOAT16_SCALE if "float16" in dtypes else 1.0

        def score(deltas):
            seen = forward(self._model(), values, self._layer_calls, inputs, deltas)
            scores, classes = self._target.scores(seen.logits, self._layer_calls.closing, weights)
            return ops.sum(scores) * scale, (seen.features, seen.outputs, scores, classes)

        deltas = zero_deltas(self._layer_calls, inputs, self.places)
        (features, outputs, scores, classes), gradients = backend.gradients(score, deltas)
        maps = []
        for formula, place in zip(self._formulas, self.places, strict=True):
            gradient = ops.cast(_existing(gradients[place], place), "float32") / scale
            maps.append(formula(ops.cast(features[place], "float32"), gradient))
        return maps, outputs, scores, classes


def explain(model, images, requests, targets=None, *, labels=None, batch_size=32):
    """Run the pass for these requests on any number of images and return a NumPy `Result`.

    Args:
        model: A built model.
        images: In the structure that the model takes.
        requests: Methods at layers.
        targets: What is explained, as `keras_see.targets.resolve` takes it.
        labels: Class numbers of the images, or None.
        batch_size: Images per pass; bounds the memory.
    """
    check_model(model)
    images = check_inputs(images, model)
    layer_calls = layer_calls_of(model, images)
    for request in requests:
        request.method.place(layer_calls, request.layer)  # raises before anything is compiled
    target = resolve(targets, layer_calls, count_of(images), labels)
    result = run(model, images, requests, target, batch_size)()
    if layer_calls.closing is None and are_probabilities(result.outputs):
        _LOGGER.warning(
            "The outputs of %r are probabilities, but no layer of it is their softmax: probabilities are explained, "
            "and those near 1 have no gradient. Make the softmax the last layer's activation.",
            model.name,
        )
    return result


def run(model, images, requests, target, batch_size):
    """Run the pass for checked arguments, and return a function that waits for the NumPy `Result`.

    Devices that work on their own are still at it when this returns; the function may be called in another thread.
    """
    waiting = []
    for rows, kept in batches(count_of(images), batch_size):
        part = take(images, rows)
        weights = None if target.weights is None else target.weights[rows]
        waiting.append((pass_of(model, part, requests, target)(part, weights), kept))

    def collect():
        results = [_by_tensor(lambda tensor, kept=kept: tensor[:kept], found.to_numpy()) for found, kept in waiting]
        result = _by_tensor(lambda *parts: np.concatenate(parts), *results)
        return result if target.classes is None else dataclasses.replace(result, classes=target.classes)

    return collect


def pass_of(model, images, requests, target):
    """Return the `Pass` for these requests, this kind of target and images of this shape; made once."""
    key = ("pass", tuple(requests), target.kind, target.function, *signature(images))
    return made_once(model, key, lambda: Pass(model, layer_calls_of(model, images), requests, target))


def _existing(gradient, place):
    if gradient is not None:
        return gradient
    what = "the images" if place == IMAGES else f"the output of {place!r}"
    raise ValueError(
        "The explained score must depend on what a method looks at, through operations that have gradients. "
        f"It does not depend on {what}. "
        "Choose another layer, or look in the model for a stop_gradient or no_grad on the way."
    )


def _by_tensor(function, *results):
    parts = [[result.maps, result.outputs, result.scores, result.classes] for result in results]
    return Result(*keras.tree.map_structure(function, *parts))
