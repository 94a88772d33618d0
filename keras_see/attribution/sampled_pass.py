"""The pass of a sampled method: many variations of each image, in compiled chunks of bounded memory."""

import weakref

import keras
import numpy as np
from keras import ops

from keras_see._progress import Progress
from keras_see.attribution.method import Base
from keras_see.model import backend
from keras_see.model.cache import Identity, cached, layer_calls_of, signature
from keras_see.model.forward import FLOAT16_SCALE, IMAGES, forward, zero_deltas
from keras_see.model.grid_tensors import restored


def sampled_maps(model, images, request, target, weights, base, batch_size, image=None):
    """Return the maps `(n, rows, columns)` of a sampled method, a tensor.

    Args:
        model: A built model.
        images: In the structure that the model takes.
        request: The `Request`.
        target: The `Target` that was explained on the unvaried images.
        weights: The weights of the outputs that it came to: the variations are explained for the same class.
        base: The `Base` of the unvaried images.
        batch_size: Variations per run of the model.
        image: The number of the explained image among the inputs; None for the first.
    """
    method, sampling, options = request.method, request.method.sampling, request.options
    shapes = Base(*(tuple(part.shape[1:]) for part in base))
    count = sampling.count(shapes, options)
    chunk = min(max(batch_size // base.images.shape[0], 1), count)
    step = _pass_of(model, images, request, target, image)
    totals, progress = None, Progress(-(-count // chunk), None, unit="chunk")
    for start in range(0, count, chunk):
        numbers = np.arange(start, start + chunk)
        draws = sampling.draw(np.minimum(numbers, count - 1), shapes, options)
        found = step(images, weights, base, draws, (numbers < count).astype("float32"))
        totals = found if totals is None else keras.tree.map_structure(ops.add, totals, found)
        progress.update()
    return method.evaluate(totals, base, options=options)


class SampledPass:
    """The compiled pass over one chunk of variations; it does not keep its model alive."""

    def __init__(self, model, layer_calls, request, target):
        self.traces = 0
        layer_calls = layer_calls.explaining(layer_calls.image, target.outputs)
        self._path = request.method.place(layer_calls, request.layer)
        self._sampling, self._options = request.method.sampling, request.options
        self._layer_calls, self._target = layer_calls, target.without_weights(given=True)
        self._model = weakref.ref(model)
        self._compiled = backend.compiled(self._trace)

    def __call__(self, images, weights, base, draws, valid):
        """Return the sums of the contributions of one chunk; `valid` `(k,)` is 0 for samples that are padding."""
        tensors = keras.tree.map_structure(ops.convert_to_tensor, (images, weights, tuple(base), draws, valid))
        return self._compiled(backend.values(self._model().variables), *tensors)

    def _trace(self, values, images, weights, base, draws, valid):
        self.traces += 1
        base, count = Base(*base), valid.shape[0]
        varied = self._sampling.vary(base, draws, self._options)
        points = {"varied": ops.cast(ops.reshape(varied, (-1, *varied.shape[2:])), "float32")}
        weights = _repeated(weights, count) if self._target.kind == "weights" else weights

        def score(points):
            scores = self._scores(values, images, weights, base, points["varied"], count)
            return ops.sum(scores) * self._scale, scores

        scores, gradients = backend.gradients(score, points) if self._needs_gradients else (score(points)[1], None)
        scores = ops.reshape(scores, (-1, count))
        if gradients is not None:
            gradients = ops.cast(ops.reshape(gradients["varied"], varied.shape), "float32") / self._scale
        found = self._sampling.contribution(scores, gradients, draws, self._options)
        return keras.tree.map_structure(lambda part: _summed(part, valid), found)

    @property
    def _needs_gradients(self):
        return self._sampling.needs_gradients

    @property
    def _scale(self):
        return FLOAT16_SCALE if self._layer_calls.use_float16 else 1.0

    def _scores(self, values, images, weights, base, varied, count):
        """Return the scores of variations, `(n · k,)`."""
        deltas, images = {}, keras.tree.map_structure(lambda leaf: _repeated(leaf, count), images)
        if self._sampling.varies == "images":
            images = self._with_image(images, varied)
        else:
            own = zero_deltas(self._layer_calls, images, [self._path])[self._path].shape
            change = varied - _repeated(base.features, count)
            deltas = {self._path: restored(change, self._layer_calls.grid_at(self._path), own)}
        seen = forward(self._model(), values, self._layer_calls, images, list(deltas), deltas)
        return self._target.scores(seen.logits, weights)[0]

    def _with_image(self, images, varied):
        """Return the inputs with variations in the place of the explained image."""
        leaves, number = keras.tree.flatten(images), self._layer_calls.image
        leaves[number] = restored(varied, self._layer_calls.grid_at(IMAGES), leaves[number].shape)
        return keras.tree.pack_sequence_as(images, leaves)


def _pass_of(model, images, request, target, image):
    """Return the `SampledPass` for this request, kind of target and images of this shape; made once."""
    function = None if target.function is None else Identity(target.function)
    key = ("samples", request.key, function, target.outputs, image, *signature(images))
    return cached(
        model, key, lambda: SampledPass(model, layer_calls_of(model, images).explaining(image), request, target)
    )


def _repeated(tensor, count):
    """Return `(n · count, ...)`: each row `count` times, one after the other."""
    return ops.repeat(tensor, count, axis=0)


def _summed(part, valid):
    """Return the sum of contributions `(n, k, ...)` over the samples that are not padding."""
    return ops.sum(part * ops.reshape(valid, (1, -1) + (1,) * (len(part.shape) - 2)), axis=1)
