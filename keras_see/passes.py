"""One forward and one backward pass, compiled once, that gives the maps of several methods."""

import dataclasses
import logging
import weakref
from collections.abc import Callable

import keras
import numpy as np
from keras import ops

from keras_see import backend
from keras_see.forward import IMAGES, forward, zero_deltas
from keras_see.inputs import batches, check_inputs, check_model, count_of, specification, take
from keras_see.listing import first_line
from keras_see.targets import resolve
from keras_see.trace import list_calls

# float16 loses gradients below 6e-8: a tenth and more of those at the input. So the float32 score is scaled before
# the backward pass and the gradients are scaled back: loss scaling, Micikevicius et al. 2018, arXiv:1710.03740.
FLOAT16_SCALE = 4096.0

# Passes kept per model. Each new one costs a trace; a new lambda as target makes a new one at each call.
PASSES_KEPT = 16

_LOGGER = logging.getLogger("keras_see")

_MADE_FOR = weakref.WeakKeyDictionary()


@dataclasses.dataclass(frozen=True)
class Method:
    """A way to make maps from the values at one place of a model and the gradients of the score there.

    Attributes:
        word: Its name in tags, in options and on the command line.
        title: Its name in pictures.
        place: `place(listing, layer)` returns the path of the layer whose output the method looks at, or `IMAGES`;
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

    def __init__(self, model, listing, requests, target):
        self.traces = 0
        self.places = [request.method.place(listing, request.layer) for request in requests]
        self._formulas = [request.method.formula for request in requests]
        self._listing, self._target = listing, target
        self._model = weakref.ref(model)  # a pass is kept as long as its model, and must not keep it alive
        self._compiled = backend.compiled(self._trace)

    def __call__(self, inputs, weights):
        """Run on inputs in the structure that the model takes, and the target's weights."""
        inputs = keras.tree.map_structure(ops.convert_to_tensor, inputs)
        weights = ops.convert_to_tensor(np.zeros(()) if weights is None else weights, "float32")
        return Result(*self._compiled(backend.values(self._model().variables), inputs, weights))

    def _trace(self, values, inputs, weights):
        self.traces += 1
        dtypes = {dtype for call in self._listing.calls for dtype in (call.dtype, call.input_dtype)}
        scale = FLOAT16_SCALE if "float16" in dtypes else 1.0

        def score(deltas):
            seen = forward(self._model(), values, self._listing, inputs, deltas)
            scores, classes = self._target.scores(seen.logits, self._listing.closing, weights)
            return ops.sum(scores) * scale, (seen.features, seen.outputs, scores, classes)

        deltas = zero_deltas(self._listing, inputs, self.places)
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
    listing = listing_of(model, images)
    for request in requests:
        request.method.place(listing, request.layer)  # raises before anything is compiled
    target = resolve(targets, listing, count_of(images), labels)
    result = run(model, images, requests, target, batch_size)()
    if listing.closing is None and are_shares(result.outputs):
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


def are_shares(outputs):
    """Whether a model's outputs are probabilities of several classes: not negative, with a sum of 1."""
    leaves = keras.tree.flatten(outputs)
    if len(leaves) != 1 or leaves[0].ndim < 2 or leaves[0].shape[-1] < 2:
        return False
    return bool(leaves[0].min() >= 0 and np.all(np.abs(leaves[0].astype("float64").sum(axis=-1) - 1) < 1e-3))


def listing_of(model, images):
    """Return the `Listing` of a built model for images of this shape; made once."""
    specs = specification(images)

    def make():
        try:
            return list_calls(model, specs)
        except Exception as error:
            shapes = ", ".join(str(("n", *spec.shape[1:])) for spec in keras.tree.flatten(specs)).replace("'", "")
            raise ValueError(
                f"`model` must run on the given images. {model.name!r} fails on shape {shapes}: "
                f"{first_line(error)} Give images that `model(images, training=False)` takes."
            ) from error

    return _made_once(model, ("listing", *_signature(images)), make)


def pass_of(model, images, requests, target):
    """Return the `Pass` for these requests, this kind of target and images of this shape; made once."""
    key = ("pass", tuple(requests), target.kind, target.function, *_signature(images))
    return _made_once(model, key, lambda: Pass(model, listing_of(model, images), requests, target))


def _made_once(model, key, make):
    """Return what was made for this key of this model, as long as the model holds the same variables."""
    kept = _MADE_FOR.setdefault(model, {})
    layers = model._flatten_layers()
    key = (*key, *(tuple(map(id, things)) for things in (model.variables, layers, map(_activation, layers))))
    value = kept.pop(key) if key in kept else make()
    kept[key] = value  # the dict's order is the order of use
    while len(kept) > PASSES_KEPT:
        del kept[next(iter(kept))]
    return value


def _activation(layer):
    return getattr(layer, "activation", None)


def _signature(images):
    leaves = keras.tree.flatten(images)
    structure = str(keras.tree.map_structure(lambda leaf: 0, images))
    return structure, tuple((leaf.shape, leaf.dtype.str) for leaf in leaves)


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
