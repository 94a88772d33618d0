"""Objectives: one score per image, made of layers' features."""

import dataclasses
from collections.abc import Callable

import numpy as np
from keras import ops

from keras_see.model.forward import LOGITS


@dataclasses.dataclass(frozen=True)
class Objective:
    """A score to maximize.

    Attributes:
        paths: The paths of the layer calls that it is made of, or `LOGITS`: the model runs as far as the last of them.
        score: `score(features, images, goals)` returns `(n,)`, each image independent of the others. `features` is
            path -> tensor, `images` are in the user's value range, and `goals` is a list of tensors given with each
            run, which may change without another trace.
        penalty: Of the same arguments, `(n,)`: subtracted from the score in the ascent, but not in the scores that are
            reported. Or None.
        prior: `prior(images)` returns `(n,)`, how unnatural images are: subtracted likewise. Or None.
        is_share: Whether the score is a share, about 1 at first, rather than in units of the features.
    """

    paths: tuple
    score: Callable
    penalty: Callable | None = None
    prior: Callable | None = None
    is_share: bool = False


def channels(path):
    """Return the objective of channels: the mean over all positions of features · goals, one array `(n, k)`.

    A one-hot row is a channel (or a unit, where features have no positions), any other a direction of feature space.
    """

    def score(features, images, goals):
        return ops.sum(_mean_over_positions(features[path]) * goals[0], axis=-1)

    return Objective((path,), score)


def neurons(path, position=None):
    """Return the objective of single neurons: features · goals at `(row, column)`, by default at the centre."""

    def score(features, images, goals):
        values = features[path]
        row, column = (side // 2 for side in values.shape[1:3]) if position is None else position
        return ops.sum(ops.cast(values[:, row, column], "float32") * goals[0], axis=-1)

    return Objective((path,), score)


def whole_layers(weights):
    """Return the objective of layers as a whole: the weighted sum of the mean squared features of each.

    Args:
        weights: path -> weight.
    """

    def score(features, images, goals):
        return sum(weight * _means(ops.square(_float32(features[path]))) for path, weight in weights.items())

    return Objective(tuple(weights), score)


def units(target, path=LOGITS):
    """Return the objective of output units: a checked `Target`, its weights being `goals`."""

    def score(features, images, goals):
        return target.scores(features[path], goals[0])[0]

    return Objective((path,), score)


def contents(paths, prior):
    r"""Return the objective of feature inversion: minus the relative distance to the features of given images.

    $-\frac{1}{L} \sum_l \lVert f_l(x) - f_l(x_0) \rVert^2 / \lVert f_l(x_0) \rVert^2$ (Mahendran and Vedaldi 2015,
    *Understanding Deep Image Representations by Inverting Them*, equation 2, arXiv:1412.0035); `goals` are the
    $f_l(x_0)$ in the order of the paths.

    Args:
        paths: Paths of calls, or `LOGITS`.
        prior: A function of images `(n, ...)` that returns `(n,)`, how unnatural they are, or None.
    """

    def score(features, images, goals):
        found = [_float32(features[path]) for path in paths]
        parts = [_sums(ops.square(a - b)) / _or_one(_sums(ops.square(b))) for a, b in zip(found, goals, strict=True)]
        return -sum(parts) / len(parts)

    return Objective(tuple(paths), score, prior=prior, is_share=True)


def with_diversity(objective, strength):
    """Return the objective with a penalty on images of a batch that are alike in its first layer.

    The penalty is `strength` times the score times the mean cosine between an image's Gram matrix (which features
    occur together, wherever) and those of the other images: Olah, Mordvintsev and Schubert 2017,
    doi:10.23915/distill.00007, "Diversity", made relative to the score.
    """

    def penalty(features, images, goals):
        values = _float32(features[objective.paths[0]])
        values = ops.reshape(values, (values.shape[0], -1, values.shape[-1]))
        grams = ops.reshape(ops.matmul(ops.transpose(values, (0, 2, 1)), values), (values.shape[0], -1))
        grams = grams / (ops.sqrt(ops.sum(ops.square(grams), axis=1, keepdims=True)) + 1e-12)
        others = ops.sum(grams, axis=0, keepdims=True) - grams
        alike = ops.sum(grams * others, axis=1) / max(values.shape[0] - 1, 1)
        score = ops.abs(ops.stop_gradient(objective.score(features, images, goals)))
        return strength * score * alike

    return dataclasses.replace(objective, penalty=penalty)


def one_hot(numbers, count):
    """Return the one-hot rows `(n, count)` of these channels."""
    return np.eye(count, dtype="float32")[np.asarray(numbers, int)]


def _mean_over_positions(values):
    return ops.mean(_float32(values), axis=tuple(range(1, len(values.shape) - 1)))


def _means(values):
    return ops.mean(values, axis=tuple(range(1, len(values.shape))))


def _sums(values):
    return ops.sum(values, axis=tuple(range(1, len(values.shape))))


def _or_one(size):
    return ops.where(size > 0, size, 1.0)  # features that are all zero have no relative distance


def _float32(values):
    return ops.cast(values, "float32")
