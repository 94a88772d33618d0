"""Attention maps: how much of each image token reaches the answer of a transformer, by its attention layers."""

from __future__ import annotations

import weakref

import keras
import numpy as np
from keras import ops

from keras_see._types import Images, Targets
from keras_see._validation import is_word, shown
from keras_see.attribution.given_images import given_images
from keras_see.model import backend
from keras_see.model.activations import computes_as
from keras_see.model.cache import Identity, cached, layer_calls_of, signature, state_of
from keras_see.model.forward import forward
from keras_see.model.grid_tensors import arranged
from keras_see.model.image_batches import batches, count_of, take
from keras_see.model.interceptors import AttentionTaps
from keras_see.model.reading import read, takes_logits
from keras_see.model.targets import resolve


def attention_maps(
    model: keras.Model,
    images: Images,
    targets: Targets = None,
    *,
    mode: str = "rollout",
    batch_size: int = 32,
    image: int | str | None = None,
) -> np.ndarray:
    r"""Return how much of each image token reaches the answer of a transformer, by its attention layers.

    `mode="rollout"` (Abnar and Zuidema 2020, *Quantifying Attention Flow in Transformers*, section 3,
    arXiv:2005.00928): the product over the layers of $\frac{1}{2}(\bar A + I)$, $\bar A$ being the mean of a layer's
    attention over its heads; it does not depend on the targets. `mode="gradient"` (Chefer, Gur and Wolf 2021, *Generic
    Attention-model Explainability*, equations 5 and 6, arXiv:2103.15679): $R \leftarrow R + \bar A R$ with
    $\bar A = \mathrm{mean}_h (\nabla A \odot A)^+$, the gradient being that of the explained score. The map is the row
    of the class token, or, where the model averages over tokens, the mean of all rows; of $R$ without the identity.

    What the layers between the attentions do is left out: a map tells where attention goes, not what it makes of it.

    Args:
        model: A built model with `keras.layers.MultiHeadAttention` between equally many tokens.
        images: As for `saliency_maps`.
        targets: As for `saliency_maps`.
        mode: `"rollout"` or `"gradient"`.
        batch_size: Images per pass; bounds the memory.
        image: As for `saliency_maps`.

    Returns:
        float32 `(n, rows, columns)`, ≥ 0: shares of attention, or in units of the score.

    Raises:
        ValueError: If the model has no attention between the image's tokens, or images or targets do not fit.

    Example:
        >>> import keras, numpy as np
        >>> inputs = keras.Input((8, 8, 3))
        >>> tokens = keras.layers.Reshape((16, 4))(keras.layers.Conv2D(4, 2, strides=2)(inputs))
        >>> tokens = keras.layers.MultiHeadAttention(2, 2)(tokens, tokens)
        >>> outputs = keras.layers.Dense(3)(keras.layers.GlobalAveragePooling1D()(tokens))
        >>> attention_maps(keras.Model(inputs, outputs), np.ones((2, 8, 8, 3))).shape
        (2, 4, 4)
    """
    if not is_word(mode, ("rollout", "gradient")):
        raise ValueError(f'`mode` must be "rollout" or "gradient". Got {shown(mode)}. Choose one of them.')
    images, labels = given_images(model, images)
    layer_calls = layer_calls_of(model, images).explaining(image)
    reading = read([] if labels is None else [labels], layer_calls, from_logits=takes_logits(model))
    target = resolve(targets, layer_calls, count_of(images), reading)
    attention_calls(layer_calls.explaining(image, target.outputs))
    found = []
    for rows, valid in batches(count_of(images), batch_size, padded=True):
        part, weights = take(images, rows), None if target.weights is None else target.weights[rows]
        function = () if target.function is None else (Identity(target.function), state_of(target.function))
        key = ("attention", mode, image, target.kind, target.outputs, *function, *signature(part))

        def make(part=part):
            return AttentionPass(model, layer_calls_of(model, part).explaining(image, target.outputs), target, mode)

        found.append(ops.convert_to_numpy(cached(model, key, make)(part, weights))[:valid])
    return np.concatenate(found)


def attention_calls(layer_calls):
    """Return the calls of attention between all tokens of the image that lie on the way to the score, in order."""
    found = [call for call in layer_calls.calls if _is_between_tokens(layer_calls, call)]
    if not found:
        raise ValueError(
            "`model` must have keras.layers.MultiHeadAttention between the tokens of the image for attention maps. "
            "This one has none on the way to the score. Use grad_cam_maps, which takes layers of tokens too."
        )
    return found


class AttentionPass:
    """The compiled pass of attention maps of one model; it does not keep its model alive."""

    def __init__(self, model, layer_calls, target, mode):
        self._calls = attention_calls(layer_calls)
        self._grid = layer_calls.grid_of(self._calls[-1])
        self._layer_calls, self._target, self._mode = layer_calls, target.without_weights(), mode
        self._model = weakref.ref(model)
        self._compiled = backend.compiled(self._trace)

    def __call__(self, inputs, weights):
        """Return the maps, a tensor."""
        inputs = keras.tree.map_structure(ops.convert_to_tensor, inputs)
        weights = ops.convert_to_tensor(np.zeros(()) if weights is None else weights, "float32")
        return self._compiled(backend.values(self._model().variables), inputs, weights)

    def _trace(self, values, inputs, weights):
        count = keras.tree.flatten(inputs)[0].shape[0]
        tokens = [call.shape[1] for call in self._calls]
        deltas = {
            call.path: ops.zeros((count, call.operation.num_heads, number, number))
            for call, number in zip(self._calls, tokens, strict=True)
        }

        def score(deltas):
            taps = AttentionTaps(self._calls, deltas)
            seen = forward(self._model(), values, self._layer_calls, inputs, [], {}, [taps])
            return ops.sum(self._target.scores(seen.logits, weights)[0]), taps.scores

        scores, gradients = backend.gradients(score, deltas)
        flow = ops.eye(tokens[0])[None]
        for call in self._calls:
            attention = ops.cast(scores[call.path], "float32")
            if self._mode == "gradient":
                gradient = gradients[call.path]
                if gradient is None:
                    continue
                flow = flow + ops.matmul(ops.mean(ops.relu(gradient * attention), axis=1), flow)
            else:
                flow = ops.matmul((ops.mean(attention, axis=1) + ops.eye(attention.shape[-1])) / 2, flow)
        if self._mode == "gradient":
            flow = flow - ops.eye(tokens[0])[None]
        row = flow[:, 0] if self._grid.first else ops.mean(flow, axis=1)
        return arranged(row[..., None], self._grid)[..., 0]


def _is_between_tokens(layer_calls, call):
    grid = layer_calls.grid_of(call)
    if grid is None or not grid.are_tokens or not layer_calls.is_on_way(call):
        return False
    return computes_as(call.operation, keras.layers.MultiHeadAttention) and call.shape == call.input_shape
