"""What a made image is to reach: one number per image, out of what layers say about it."""

import dataclasses
from collections.abc import Callable

import numpy as np
from keras import ops

from keras_see.model.forward import LOGITS


@dataclasses.dataclass(frozen=True)
class Objective:
    """What is to become as large as possible.

    Attributes:
        places: Paths of the calls that it looks at, or `LOGITS`: the model runs as far as the last of them.
        score: `score(features, images, wanted)` returns `(n,)`, what is reached, each image independent of the others.
            `features` is place -> tensor, `images` are the pictures in the range of the user, `wanted` is what is
            handed in with each run: a list of tensors that may change without another trace.
        penalty: Of the same arguments, `(n,)`, taken off the score when climbing, but not what is reached. Or None.
    """

    places: tuple
    score: Callable
    penalty: Callable | None = None


def channels(place):
    """Return the objective of channels: the mean over all places of features · wanted, one array `(n, k)`.

    One-hot rows want a channel (or a unit, where features have no places), others a direction of feature space.
    """

    def score(features, images, wanted):
        return ops.sum(_mean_over_places(features[place]) * wanted[0], axis=-1)

    return Objective((place,), score)


def neurons(place, position=None):
    """Return the objective of single neurons: features · wanted at `(row, column)`, by default at the centre."""

    def score(features, images, wanted):
        values = features[place]
        row, column = (side // 2 for side in values.shape[1:3]) if position is None else position
        return ops.sum(ops.cast(values[:, row, column], "float32") * wanted[0], axis=-1)

    return Objective((place,), score)


def whole_layers(weights):
    """Return the objective of layers as a whole: the weighted sum of the mean squared features of each.

    Args:
        weights: place -> weight.
    """

    def score(features, images, wanted):
        return sum(weight * _means(ops.square(_float32(features[place]))) for place, weight in weights.items())

    return Objective(tuple(weights), score)


def units(target, place=LOGITS):
    """Return the objective of output units: a checked `Target` of `keras_see.targets`, its weights being `wanted`."""

    def score(features, images, wanted):
        return target.scores(features[place], None, wanted[0])[0]

    return Objective((place,), score)


def contents(places, prior):
    r"""Return the objective of the features of given images: minus the relative distance to them.

    $-\frac{1}{L} \sum_l \lVert f_l(x) - f_l(x_0) \rVert^2 / \lVert f_l(x_0) \rVert^2$ (Mahendran and Vedaldi 2015,
    *Understanding Deep Image Representations by Inverting Them*, equation 2, arXiv:1412.0035); `wanted` are the
    $f_l(x_0)$ in the order of the places.

    Args:
        places: Paths of calls, or `LOGITS`.
        prior: A `penalty`: how unnatural the images are.
    """

    def distance(features, wanted):
        found = [_float32(features[place]) for place in places]
        parts = [_sums(ops.square(a - b)) / _or_one(_sums(ops.square(b))) for a, b in zip(found, wanted, strict=True)]
        return sum(parts) / len(parts)

    return Objective(tuple(places), lambda features, images, wanted: -distance(features, wanted), prior)


def with_diversity(objective, strength):
    """Return the objective with images of a batch kept unlike each other in the first place that it looks at.

    Taken off is `strength` times the score times the mean cosine between an image's Gram matrix (which features
    occur together, wherever) and those of the other images: Olah, Mordvintsev and Schubert 2017,
    doi:10.23915/distill.00007, "Diversity", made relative to the score.
    """

    def penalty(features, images, wanted):
        values = _float32(features[objective.places[0]])
        values = ops.reshape(values, (values.shape[0], -1, values.shape[-1]))
        grams = ops.reshape(ops.matmul(ops.transpose(values, (0, 2, 1)), values), (values.shape[0], -1))
        grams = grams / (ops.sqrt(ops.sum(ops.square(grams), axis=1, keepdims=True)) + 1e-12)
        others = ops.sum(grams, axis=0, keepdims=True) - grams
        alike = ops.sum(grams * others, axis=1) / max(values.shape[0] - 1, 1)
        reached = ops.abs(ops.stop_gradient(objective.score(features, images, wanted)))
        return strength * reached * alike

    return dataclasses.replace(objective, penalty=penalty)


def one_hot(numbers, count):
    """Return the rows `(n, count)` that want these channels."""
    return np.eye(count, dtype="float32")[np.asarray(numbers, int)]


def _mean_over_places(values):
    return ops.mean(_float32(values), axis=tuple(range(1, len(values.shape) - 1)))


def _means(values):
    return ops.mean(values, axis=tuple(range(1, len(values.shape))))


def _sums(values):
    return ops.sum(values, axis=tuple(range(1, len(values.shape))))


def _or_one(size):
    return ops.where(size > 0, size, 1.0)  # features that are all zero have no relative distance


def _float32(values):
    return ops.cast(values, "float32")
