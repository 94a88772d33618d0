"""One forward pass, compiled once, over images that are partly replaced by others: what a model then says."""

import weakref

import keras
import numpy as np
from keras import ops

from keras_see.model import backend
from keras_see.model.cache import Identity, cached, layer_calls_of, signature, state_of
from keras_see.model.forward import forward
from keras_see.model.image_batches import batches, count_of, picture_of, take
from keras_see.model.targets import Target


class ScorePass:
    """The compiled pass over images of which some pixels are replaced; it does not keep its model alive.

    Args:
        model: A built model.
        layer_calls: Its `LayerCalls`.
        target: The `Target`.
    """

    def __init__(self, model, layer_calls, target):
        self._layer_calls, self._target = layer_calls, target.without_weights()
        self._model = weakref.ref(model)
        self._compiled = backend.compiled(self._trace)

    def __call__(self, images, others, ranks, counts, weights):
        """Return scores `(n, k)`, and the target's classes `(n · k,)` and weights `(n · k, ...)`, tensors.

        Args:
            images: `n` images in the structure that the model takes.
            others: `(n, rows, columns, channels)`, what takes the place of pixels.
            ranks: int `(n, rows, columns)`: in which order.
            counts: int `(k,)`: how many pixels are replaced.
            weights: Of the target, or None.
        """
        tensors = keras.tree.map_structure(ops.convert_to_tensor, (images, others, ranks, counts))
        weights = ops.convert_to_tensor(np.zeros(len(ranks)) if weights is None else weights, "float32")
        return self._compiled(backend.values(self._model().variables), *tensors, weights)

    def _trace(self, values, images, others, ranks, counts, weights):
        count = counts.shape[0]
        kept = ranks[:, None, ..., None] >= counts[None, :, None, None, None]
        pictures = ops.cast(picture_of(images), "float32")
        mixed = ops.where(kept, pictures[:, None], others[:, None])
        mixed = ops.reshape(mixed, (-1, *pictures.shape[1:]))
        old = picture_of(images)
        leaves = [mixed if leaf is old else ops.repeat(leaf, count, axis=0) for leaf in keras.tree.flatten(images)]
        images, weights = keras.tree.pack_sequence_as(images, leaves), ops.repeat(weights, count, axis=0)
        seen = forward(self._model(), values, self._layer_calls, images, [], {})
        scores, classes, used = self._target.scores(seen.logits, weights)
        if self._target.kind != "callable":
            scores, _, _ = Target("weights").scores(seen.outputs, used)
        return ops.reshape(scores, (-1, count)), classes, used


def outputs_while_replaced(model, images, target, others, ranks, counts, batch_size):
    """Return float64 `(n, k)`: the model's output for the target, with `counts` pixels of the images replaced.

    That is a probability where the model closes with a softmax or sigmoid, else its value; of a callable what it makes
    of the outputs before such a closing. A target that is the predicted class is that of the images as they are.

    Args:
        model: A built model.
        images: Checked images.
        target: The checked `Target`.
        others: float32, the shape of the explained images.
        ranks: int `(n, rows, columns)`: a pixel is replaced where its rank is below the count.
        counts: `(k,)`.
        batch_size: Images per run of the model.
    """
    found = []
    for rows, valid in batches(count_of(images), batch_size, padded=True):
        weights = None if target.weights is None else target.weights[rows]
        part = _Part(model, take(images, rows), target, weights, others[rows], ranks[rows])
        found.append(part.outputs(np.asarray(counts, "int32"), max(batch_size // len(rows), 1))[:valid])
    return np.concatenate(found)


class _Part:
    """Images of one batch, with what takes the place of their pixels."""

    def __init__(self, model, images, target, weights, others, ranks):
        self._model, self._images = model, images
        self._others, self._ranks = others.astype("float32"), ranks.astype("int32")
        self._target, self._weights, self._is_complement = target, weights, False
        if target.kind != "callable":
            self._settle()

    def _settle(self):
        """Explain from now on what is explained of the images as they are."""
        if self._target.kind != "weights":
            _, _, used = self._run(np.zeros(1, "int32"))
            self._weights, self._target = ops.convert_to_numpy(used), Target("weights")
        sign = self._weights.reshape(len(self._weights), -1)
        layer_calls = layer_calls_of(self._model, self._images)
        # The probability of class 0 of a single unit is 1 - p, and its weights make -p.
        self._is_complement = (layer_calls.closing == "sigmoid") & (sign == -1).all(axis=1) & (sign.shape[1] == 1)

    def outputs(self, counts, chunk):
        """Return float64 `(n, k)`, in chunks of as many counts."""
        chunk = min(chunk, len(counts))
        found = []
        for start in range(0, len(counts), chunk):
            numbers = np.minimum(np.arange(start, start + chunk), len(counts) - 1)
            scores, _, _ = self._run(counts[numbers])
            found.append(ops.convert_to_numpy(scores).astype("float64")[:, : len(counts) - start])
        return np.concatenate(found, axis=1) + np.reshape(self._is_complement, (-1, 1))

    def _run(self, counts):
        function = self._target.function
        key = (None,) if function is None else (Identity(function), state_of(function))
        key = ("scores", self._target.kind, *key, *signature(self._images))
        layer_calls = layer_calls_of(self._model, self._images)
        compiled = cached(self._model, key, lambda: ScorePass(self._model, layer_calls, self._target))
        return compiled(self._images, self._others, self._ranks, counts, self._weights)
