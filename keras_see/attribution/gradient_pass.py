"""One forward and one backward pass, compiled once, that gives the maps of several methods."""

import dataclasses
import logging
import weakref
from typing import NamedTuple

import keras
import numpy as np
from keras import ops

from keras_see.attribution.method import Base
from keras_see.attribution.sampled_pass import sampled_maps
from keras_see.model import backend
from keras_see.model.cache import Identity, cached, layer_calls_of, signature, state_of
from keras_see.model.forward import FLOAT16_SCALE, IMAGES, forward, zero_deltas
from keras_see.model.grid_tensors import arranged, placed
from keras_see.model.image_batches import batches, count_of, picture_of, take
from keras_see.model.inputs import check_inputs, check_model
from keras_see.model.reading import read, takes_logits
from keras_see.model.targets import are_probabilities, resolve

_LOGGER = logging.getLogger("keras_see")


@dataclasses.dataclass(frozen=True)
class Result:
    """Maps and scores, image by image: tensors of the backend, or NumPy arrays after `to_numpy`.

    Attributes:
        maps: One float32 `(n, rows, columns)` per request.
        outputs: The model's outputs, in their own structure.
        scores: float32 `(n,)`, the explained scores.
        classes: int `(n,)`, the class explained, -1 where the target is no class.
        size: `(height, width)` of the explained image.
    """

    maps: list
    outputs: object
    scores: object
    classes: object
    size: tuple = ()

    def to_numpy(self):
        """Wait for the device and return the same in NumPy arrays."""
        return _by_tensor(ops.convert_to_numpy, self)


class Part(NamedTuple):
    """Images of one pass.

    Attributes:
        images: In the structure that the model takes.
        weights: Of their targets, or None.
        valid: How many of them are not padding.
    """

    images: object
    weights: np.ndarray | None
    valid: int


class GradientPass:
    """The forward and backward pass of one model for given requests, kind of target and shapes of inputs.

    It reads the weights each time it runs, so it never shows old ones and never traces again; it cannot change the
    model, and does not keep it alive. `traces` counts how often Python went through it (on PyTorch: at each run).
    """

    def __init__(self, model, layer_calls, requests, target):
        self.traces = 0
        layer_calls = layer_calls.explaining(layer_calls.image, target.outputs)
        self.paths = [request.method.place(layer_calls, request.layer) for request in requests]
        self._requests = [dataclasses.replace(request, layer=None) for request in requests]
        self._layer_calls, self._target = layer_calls, target.without_weights()
        self._grids = {path: layer_calls.grid_at(path) for path in self.paths}
        self.image, self.size = layer_calls.image, layer_calls.image_grids[layer_calls.image].shape
        self._model = weakref.ref(model)
        self._compiled = backend.compiled(self._trace)

    def __call__(self, inputs, weights):
        """Return results, the `Base` of each request where it is sampled, and the weights of the outputs.

        Args:
            inputs: In the structure that the model takes.
            weights: Of the target, or None.
        """
        inputs = keras.tree.map_structure(ops.convert_to_tensor, inputs)
        weights = ops.convert_to_tensor(np.zeros(()) if weights is None else weights, "float32")
        return self._compiled(backend.values(self._model().variables), inputs, weights)

    def _trace(self, values, inputs, weights):
        self.traces += 1
        scale = FLOAT16_SCALE if self._layer_calls.use_float16 else 1.0

        def score(deltas):
            seen = forward(self._model(), values, self._layer_calls, inputs, self.paths, deltas)
            scores, classes, used = self._target.scores(seen.logits, weights)
            return ops.sum(scores) * scale, (seen.features, seen.outputs, scores, classes, used)

        deltas = zero_deltas(self._layer_calls, inputs, self._paths_of("gradient"))
        (features, outputs, scores, classes, used), gradients = backend.gradients(score, deltas)
        features = {path: ops.cast(values, "float32") for path, values in features.items()}
        gradients = {path: self._existing(gradient, path, deltas[path]) for path, gradient in gradients.items()}
        gradients = {path: ops.cast(gradient, "float32") / scale for path, gradient in gradients.items()}
        features, gradients = self._arranged(features), self._arranged(gradients)
        pictures = ops.cast(picture_of(inputs, self._layer_calls.image), "float32")
        pictures = arranged(pictures, self._layer_calls.grid_at(IMAGES))
        maps = [
            self._map(request, path, features, gradients, Base(pictures, features[path], scores))
            for request, path in zip(self._requests, self.paths, strict=True)
        ]
        return maps, outputs, scores, classes, used

    def _map(self, request, path, features, gradients, base):
        """Return a request's maps, or, where it is sampled, what its samples need."""
        if request.method.kind == "sampled":
            return base
        parts = [features[path], gradients[path]] if request.method.kind == "gradient" else [features[path]]
        return self.placed(request.method.evaluate(*parts, options=request.options), path)

    def placed(self, maps, path):
        """Return maps of the features at a path, laid where these lie on the image."""
        return placed(maps, self._grids[path]) if len(maps.shape) == 3 else maps

    def _arranged(self, tensors):
        return {path: arranged(tensor, self._grids[path]) for path, tensor in tensors.items()}

    def _existing(self, gradient, path, zeros):
        """Return a gradient; zeros where the score does not depend on the image that was chosen among several."""
        if gradient is not None:
            return gradient
        if path == IMAGES and unseen_note(self._layer_calls):
            return zeros
        what = "the images" if path == IMAGES else f"the output of {path!r}"
        raise ValueError(_NO_GRADIENT.format(what))

    def _paths_of(self, kind):
        pairs = zip(self.paths, self._requests, strict=True)
        return list(dict.fromkeys(path for path, request in pairs if request.method.kind == kind))


_NO_GRADIENT = (
    "The explained score of `model` must depend on the features that a method takes, by operations with gradients. "
    "It does not depend on {}. "
    "Choose another layer, or look in the model for a stop_gradient or no_grad on the way."
)


def explain(model, images, requests, targets=None, *, labels=None, batch_size=32, image=None):
    """Run the pass for these requests on any number of images and return a NumPy `Result`.

    Args:
        model: A built model.
        images: In the structure that the model takes.
        requests: Methods at layers.
        targets: What is explained, as `keras_see.model.targets.resolve` takes it.
        labels: The labels of the images as an array of numbers, or None.
        batch_size: Images per pass; bounds the memory.
        image: The number or name of the input that is explained, or None for the first picture.
    """
    check_model(model)
    images = check_inputs(images, model)
    layer_calls = layer_calls_of(model, images).explaining(image)
    reading = read([] if labels is None else [labels], layer_calls, from_logits=takes_logits(model))
    target = resolve(targets, layer_calls, count_of(images), reading)
    layer_calls = layer_calls.explaining(image, target.outputs)
    note = unseen_note(layer_calls)
    if note:
        _LOGGER.warning("%s%s.", note[0].upper(), note[1:])
    for request in requests:
        check_gradient(request, layer_calls)  # raises before anything is compiled
    parts = split(images, target, batch_size, padded=True)
    result = run(model, requests, target, parts, batch_size, image)()
    if layer_calls.closing is None and are_probabilities(result.outputs):
        _LOGGER.warning(
            "The outputs of %r are probabilities, but no layer of it is their softmax: probabilities are explained, "
            "and those near 1 have no gradient. Make the softmax the last layer's activation.",
            model.name,
        )
    return result


def check_gradient(request, layer_calls):
    """Raise where a method cannot be used at its place, or needs a gradient that the score does not have there."""
    path = request.method.place(layer_calls, request.layer)
    if request.method.kind != "gradient" or layer_calls.has_gradient(path):
        return
    if path != IMAGES or len(layer_calls.pictures) < 2:
        raise ValueError(_NO_GRADIENT.format("the images" if path == IMAGES else f"the output of {path!r}"))


def unseen_note(layer_calls):
    """Return a line where the score does not depend on the image that is explained, one among several; else ""."""
    if layer_calls.image_moves_score or len(layer_calls.pictures) < 2:
        return ""
    return f"the explained score does not depend on {layer_calls.image_name()}: its maps are empty"


def split(images, target, batch_size, padded=False):
    """Return the `Part`s of images, equally long; `padded` as for `batches`."""
    weights = target.weights
    return [
        Part(take(images, rows), None if weights is None else weights[rows], valid)
        for rows, valid in batches(count_of(images), batch_size, padded)
    ]


def run(model, requests, target, parts, batch_size=32, image=None):
    """Run the pass on parts of checked images, and return a function that waits for the NumPy `Result`.

    Devices that work on their own are still at it when this returns; the function may be called in another thread.
    """
    compiled = pass_of(model, parts[0].images, requests, target, image)  # all parts are equally long
    waiting = [(_result(model, compiled, requests, target, part, batch_size), part.valid) for part in parts]

    def collect():
        results = [_by_tensor(lambda tensor, end=valid: tensor[:end], found.to_numpy()) for found, valid in waiting]
        result = _by_tensor(lambda *parts: np.concatenate(parts), *results)
        return result if target.classes is None else dataclasses.replace(result, classes=target.classes)

    return collect


def pass_of(model, images, requests, target, image=None):
    """Return the `GradientPass` for these requests, this kind of target and images of this shape; made once."""

    def make():
        return GradientPass(model, layer_calls_of(model, images).explaining(image), requests, target)

    function = (None,) if target.function is None else (Identity(target.function), state_of(target.function))
    kind = (target.kind, target.outputs, image)
    key = ("pass", tuple(request.key for request in requests), *kind, *function, *signature(images))
    return cached(model, key, make)


def _result(model, compiled, requests, target, part, batch_size):
    """Return the `Result` of one part, in tensors."""
    maps, outputs, scores, classes, weights = compiled(part.images, part.weights)
    for number, request in enumerate(requests):
        if request.method.kind == "sampled":
            base, image = maps[number], compiled.image
            found = sampled_maps(model, part.images, request, target, weights, base, batch_size, image)
            maps[number] = compiled.placed(found, compiled.paths[number])
    return Result(maps, outputs, scores, classes, compiled.size)


def _by_tensor(function, *results):
    parts = [[result.maps, result.outputs, result.scores, result.classes] for result in results]
    return Result(*keras.tree.map_structure(function, *parts), results[0].size)
