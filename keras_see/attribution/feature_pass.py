"""The features of one layer, or the strongest of each channel: a compiled pass that ends at the layer."""

import weakref

import keras
from keras import ops

from keras_see.model import backend
from keras_see.model.cache import cached, layer_calls_of, signature
from keras_see.model.image_batches import picture_of
from keras_see.model.inference import infer
from keras_see.model.interceptors import EvenPooling, FeatureTaps, LeakyRectifiers


class FeaturePass:
    """The compiled forward pass as far as one layer; it does not keep its model alive.

    Args:
        model: A built model.
        layer_calls: Its `LayerCalls`.
        path: The path of the layer's call.
    """

    def __init__(self, model, layer_calls, path):
        self._layer_calls, self._path = layer_calls, path
        self._model = weakref.ref(model)
        self._features, self._strongest = backend.compiled(self._all), backend.compiled(self._highest)
        self._gradients = backend.compiled(self._weighted_gradients)

    def features(self, images, channels):
        """Return float32 `(n, ..., k)`, the features of these channels, a NumPy array."""
        return ops.convert_to_numpy(self._features(self._values(), *_tensors(images, channels)))

    def strongest(self, images, channels):
        """Return the highest feature of each channel `(n, k)`, and its place, row · columns + column, NumPy arrays."""
        return [ops.convert_to_numpy(part) for part in self._strongest(self._values(), *_tensors(images, channels))]

    def gradients(self, images, weights):
        """Return the gradient of Σ features · weights with respect to the images, a NumPy array.

        Rectifiers let it through where they are closed, and max pooling to all of a window: what is asked is whether
        there is a way at all.
        """
        return ops.convert_to_numpy(self._gradients(self._values(), *_tensors(images, weights)))

    def _values(self):
        return backend.values(self._model().variables)

    def _run(self, values, images, leaks=()):
        images = keras.tree.map_structure(
            lambda leaf: ops.cast(leaf, "float32") if len(leaf.shape) == 4 else leaf, images
        )
        taps = FeatureTaps(self._layer_calls, [self._path], stop=True)
        infer(self._model(), images, [taps, *leaks], values)
        return ops.cast(taps.features[self._path], "float32")

    def _all(self, values, images, channels):
        return ops.take(self._run(values, images), channels, axis=-1)

    def _highest(self, values, images, channels):
        features = ops.take(self._run(values, images), channels, axis=-1)
        flat = ops.reshape(features, (features.shape[0], -1, features.shape[-1]))
        return ops.max(flat, axis=1), ops.argmax(flat, axis=1)

    def _weighted_gradients(self, values, images, weights):
        leaves = keras.tree.flatten(images)
        old = picture_of(images)

        def score(points):
            given = [points["picture"] if leaf is old else leaf for leaf in leaves]
            leaky = LeakyRectifiers(self._layer_calls, ops.ones((old.shape[0],)))
            features = self._run(
                values, keras.tree.pack_sequence_as(images, given), [leaky, EvenPooling(self._layer_calls)]
            )
            return ops.sum(features * weights), ()

        return backend.gradients(score, {"picture": ops.cast(old, "float32")})[1]["picture"]


def feature_pass(model, images, path):
    """Return the `FeaturePass` for images of this shape; made once."""
    key = ("features", path, *signature(images))
    return cached(model, key, lambda: FeaturePass(model, layer_calls_of(model, images), path))


def _tensors(*trees):
    return keras.tree.map_structure(ops.convert_to_tensor, trees)
