"""Which way is up: what an objective reaches, and its gradient with respect to what an image is made of."""

import numpy as np
from keras import ops

from keras_see.model import backend
from keras_see.model.cache import layer_calls_of
from keras_see.model.forward import FLOAT16_SCALE, features_at
from keras_see.optimization.preprocessing import traced_shape
from keras_see.optimization.transforms import Transforms

# The slope given to closed rectifiers. Small, so that what is open leads the way: with a slope of 1, two layers of
# rectifiers let a channel climb where they stayed closed.
LEAK = 0.1


class Slope:
    """One forward and one backward pass, as far as the objective looks and no further: traced, to be compiled.

    All made images climb it. The model runs in inference mode and cannot change.

    Args:
        model: A built Keras model with one input.
        objective: An `Objective`.
        parameterization: What has a `shape`, and `images(parameters)`.
        transforms: The `Transforms` through which the model sees the images; none by default.
        preprocess: Makes of the images what the model takes; a function of tensors, as `traceable` gives it.
    """

    def __init__(self, model, objective, parameterization, *, transforms=None, preprocess=None):
        self.model, self._objective, self._parameterization = model, objective, parameterization
        self._transforms = transforms or Transforms(jitter=0, rotate=0, scale=(1, 1))
        self._preprocess = preprocess or (lambda images: images)
        shape = traced_shape(self._preprocess, parameterization.shape)
        self._layer_calls = layer_calls_of(model, np.zeros((1, *shape), "float32"))
        self._scale = FLOAT16_SCALE if self._layer_calls.use_float16 else 1.0
        self._look = backend.compiled(self._features_in_order)
        self._judge = backend.compiled(self._scores)

    def values(self):
        """Return the weights of now, as a compiled function must be handed them."""
        return backend.values(self.model.variables)

    def __call__(self, values, parameters, wanted, view=None, slopes=None):
        """Return what is reached `(n,)`, the gradient over its root mean square, and that `(n,)`; traced.

        Args:
            values: As `values` returns them.
            parameters: Of `n` images, as the parameterization has them.
            wanted: What the objective wants, tensors.
            view: The matrix of the transforms.
            slopes: `(n,)`, the slope given to closed rectifiers; None leaves them as they are.
        """

        def climb(point):
            images = self._parameterization.images(point["parameters"])
            features = self._features(values, self._transforms.view(images, view), slopes)
            reached = score = ops.cast(self._objective.score(features, images, wanted), "float32")
            if self._objective.penalty is not None:
                score = score - self._objective.penalty(features, images, wanted)
            return ops.sum(score) * self._scale, reached

        reached, gradients = backend.gradients(climb, {"parameters": parameters})
        return (reached, *unit(_existing(gradients["parameters"])))

    def features(self, images):
        """Return the features of images, under the weights of now, at the objective's places: NumPy arrays."""
        images = ops.convert_to_tensor(np.asarray(images, "float32"))
        return [ops.convert_to_numpy(part) for part in self._look(self.values(), images)]

    def scores(self, images, wanted):
        """Return `(n,)`: what images reach as they are, under the weights of now, each of its own row of `wanted`."""
        images = ops.convert_to_tensor(np.asarray(images, "float32"))
        wanted = [ops.convert_to_tensor(part, "float32") for part in wanted]
        return ops.convert_to_numpy(self._judge(self.values(), images, wanted))

    def all_scores(self, images, wanted):
        """Return `(n, k)`: what each image reaches as it is of each of the `k` rows of `wanted`."""
        places = [ops.convert_to_tensor(part) for part in self.features(images)]
        features, images = dict(zip(self.places, places, strict=True)), np.asarray(images, "float32")
        found = []
        for row in range(len(wanted[0])):
            rows = [ops.convert_to_tensor(np.repeat(part[[row]], len(images), axis=0), "float32") for part in wanted]
            found.append(ops.convert_to_numpy(self._objective.score(features, images, rows)))
        return np.stack(found, axis=1).astype("float32")

    @property
    def has_prior(self):
        """Whether something else than what is wanted moves the images too."""
        return self._objective.penalty is not None

    @property
    def places(self):
        """The paths of the calls that the objective looks at."""
        return self._objective.places

    def _scores(self, values, images, wanted):
        return ops.cast(self._objective.score(self._features(values, images), images, wanted), "float32")

    def _features(self, values, images, slopes=None):
        inputs = self._preprocess(images)
        return features_at(self.model, values, self._layer_calls, inputs, self._objective.places, slopes)

    def _features_in_order(self, values, images):
        features = self._features(values, images)
        return [features[place] for place in self._objective.places]


def unit(gradient):
    """Return the gradient over its root mean square, image by image, and that `(n,)`; zero stays zero.

    Adam remembers the size of gradients for long. Without this, a single steep step (through opened rectifiers
    gradients are hundreds of times as large) would leave the next hundred steps tiny.
    """
    axes = tuple(range(1, len(gradient.shape)))
    largest = ops.max(ops.abs(gradient), axis=axes, keepdims=True)
    gradient = gradient / ops.where(largest > 0, largest, 1.0)  # else squares of small gradients would be zero
    size = ops.sqrt(ops.mean(ops.square(gradient), axis=axes, keepdims=True))
    return gradient / ops.where(size > 0, size, 1.0), ops.reshape(size, (-1,))


def _existing(gradient):
    if gradient is not None:
        return gradient
    raise ValueError(
        "What is wanted must depend on the image through operations that have gradients. This model ignores its "
        "input there. Choose another layer, or look in the model for a stop_gradient or no_grad on the way."
    )
