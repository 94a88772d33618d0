"""The objective's value and its gradient with respect to the image parameters: one pass, shared by all ascents."""

import functools
from typing import Any, NamedTuple

import numpy as np
from keras import ops

from keras_see.model import backend
from keras_see.model.cache import layer_calls_of
from keras_see.model.forward import FLOAT16_SCALE, features_at
from keras_see.optimization.preprocessing import traced_shape
from keras_see.optimization.transforms import Transforms


class Flow(NamedTuple):
    """How much of an objective's gradient reaches the image.

    Attributes:
        size: `(n,)`, how much the score changes where each parameter changes by one along the gradient's signs at
            most, as a share of the scale of scores. Without that of the prior, which moves images whether the model
            responds to them or not.
        blocked: `(n, 2)`, what full and what closed activations block of it, as `FlatActivations` has it; None where
            nothing may leak.
    """

    size: Any
    blocked: Any


class ObjectiveGradient:
    """One forward and one backward pass, as far as the objective's last layer; traced, to be compiled.

    The model runs in inference mode and cannot change.

    Args:
        model: A built Keras model with one input.
        objective: An `Objective`.
        parameterization: An object with a `shape` and `images(parameters)`.
        transforms: The `Transforms` through which the model sees the images; none by default.
        preprocess: A function of tensors, from images to what the model takes, as `traceable` returns it.
    """

    def __init__(self, model, objective, parameterization, *, transforms=None, preprocess=None):
        self.model, self._objective, self._parameterization = model, objective, parameterization
        self._transforms = transforms or Transforms(jitter=0, rotate=0, scale=(1, 1))
        self._preprocess = preprocess or (lambda images: images)
        shape = traced_shape(self._preprocess, parameterization.shape)
        self._layer_calls = layer_calls_of(model, np.zeros((1, *shape), "float32"))
        self._scale = FLOAT16_SCALE if self._layer_calls.use_float16 else 1.0
        self._compiled_features = backend.compiled(self._features_in_order)
        self._compiled_scores = backend.compiled(self._scores)

    def values(self):
        """Return the current weights, to pass to a compiled function."""
        return backend.values(self.model.variables)

    def __call__(self, values, parameters, goals, view=None, leaks=None):
        """Return the scores `(n,)`, a direction of ascent of unit root mean square, and the `Flow`; traced.

        The direction is the gradient of the score, less that of the objective's penalty and prior, over its root mean
        square.

        Args:
            values: As `values` returns them.
            parameters: Of `n` images, as the parameterization has them.
            goals: What the objective aims at, tensors.
            view: The matrix of the transforms.
            leaks: `(n,)`, the share of the gradient that flat parts of activations let through; None for the true
                gradient.
        """

        def score(point):
            images = self._parameterization.images(point["parameters"])
            seen = self._transforms.view(images, view)
            features = self._features(values, seen, leaks, point.get("blocked"))
            scores = total = ops.cast(self._objective.score(features, images, goals), "float32")
            if self._objective.penalty is not None:
                total = total - self._objective.penalty(features, images, goals)
            return ops.sum(total) * self._scale, (scores, self._score_scale(features))

        points = {"parameters": parameters}
        if leaks is not None:
            points["blocked"] = ops.zeros((parameters.shape[0], 2), "float32")
        (scores, scale), gradients = backend.gradients(score, points)
        direction, size = unit(_existing(gradients["parameters"]))
        size = size * (float(np.prod(direction.shape[1:])) / self._scale) / scale
        if self._objective.prior is not None:
            gradient = _existing(gradients["parameters"]) / self._scale - self._prior_gradient(parameters)
            direction, _ = unit(gradient)
        blocked = gradients.get("blocked")
        return scores, direction, Flow(size, points.get("blocked") if blocked is None else blocked)

    def features(self, images):
        """Return the current features of images at the objective's paths, NumPy arrays."""
        images = ops.convert_to_tensor(np.asarray(images, "float32"))
        return [ops.convert_to_numpy(part) for part in self._compiled_features(self.values(), images)]

    def scores(self, images, goals):
        """Return the current scores `(n,)` of untransformed images, each of its own row of `goals`."""
        images = ops.convert_to_tensor(np.asarray(images, "float32"))
        goals = [ops.convert_to_tensor(part, "float32") for part in goals]
        return ops.convert_to_numpy(self._compiled_scores(self.values(), images, goals))

    def all_scores(self, images, goals):
        """Return the current scores `(n, k)` of untransformed images, of each of the `k` rows of `goals`."""
        parts = [ops.convert_to_tensor(part) for part in self.features(images)]
        features, images = dict(zip(self.paths, parts, strict=True)), np.asarray(images, "float32")
        found = []
        for row in range(len(goals[0])):
            rows = [ops.convert_to_tensor(np.repeat(part[[row]], len(images), axis=0), "float32") for part in goals]
            found.append(ops.convert_to_numpy(self._objective.score(features, images, rows)))
        return np.stack(found, axis=1).astype("float32")

    @property
    def paths(self):
        """The paths of the layer calls that the objective is made of."""
        return self._objective.paths

    def _prior_gradient(self, parameters):
        def prior(point):
            value = ops.sum(self._objective.prior(self._parameterization.images(point["parameters"])))
            return value, value

        return _existing(backend.gradients(prior, {"parameters": parameters})[1]["parameters"])

    def _score_scale(self, features):
        """Return the scale of scores, `(n,)`: the largest feature of the objective's layers, or 1 for shares."""
        found = [ops.cast(ops.stop_gradient(features[path]), "float32") for path in self.paths]
        if self._objective.is_share:
            return ops.ones((found[0].shape[0],), "float32")
        largest = [ops.max(ops.abs(part), axis=tuple(range(1, len(part.shape)))) for part in found]
        scale = functools.reduce(ops.maximum, largest)
        return ops.where(scale > 0, scale, 1.0)

    def _scores(self, values, images, goals):
        return ops.cast(self._objective.score(self._features(values, images), images, goals), "float32")

    def _features(self, values, images, leaks=None, blocked=None):
        inputs = self._preprocess(images)
        return features_at(self.model, values, self._layer_calls, inputs, self._objective.paths, leaks, blocked)

    def _features_in_order(self, values, images):
        features = self._features(values, images)
        return [features[path] for path in self._objective.paths]


def unit(gradient):
    """Return the gradient over its root mean square, image by image, and that `(n,)`; zero stays zero.

    Adam remembers the size of gradients for long. Without this, a single steep step (through leaking rectifiers
    gradients are hundreds of times as large) would leave the next hundred steps tiny.
    """
    axes = tuple(range(1, len(gradient.shape)))
    largest = ops.max(ops.abs(gradient), axis=axes, keepdims=True)
    gradient = gradient / ops.where(largest > 0, largest, 1.0)  # else squares of small gradients would be zero
    size = ops.sqrt(ops.mean(ops.square(gradient), axis=axes, keepdims=True))
    return gradient / ops.where(size > 0, size, 1.0), ops.reshape(size * largest, (-1,))


def _existing(gradient):
    if gradient is not None:
        return gradient
    raise ValueError(
        "The objective must depend on the image through operations that have gradients. This model ignores its "
        "input there. Choose another layer, or look in the model for a stop_gradient or no_grad on the way."
    )
