"""The completeness gap: what attributions leave of the difference between an image's score and a baseline's."""

from __future__ import annotations

import keras
import numpy as np
from keras import ops
from numpy.typing import ArrayLike

from keras_see._types import Images, Targets
from keras_see._validation import numeric, shown
from keras_see.attribution.given_images import given_images
from keras_see.attribution.gradient_pass import pass_of, split, target_of
from keras_see.attribution.integrated_gradients import IntegratedGradientsOptions, baselines_of
from keras_see.model.image_batches import picture_of, to_numpy, with_picture
from keras_see.model.targets import Target


def completeness_gap(
    model: keras.Model,
    images: Images,
    attributions: ArrayLike,
    targets: Targets = None,
    *,
    baseline: float | ArrayLike = 0.0,
    batch_size: int = 32,
) -> np.ndarray:
    r"""Return what attributions leave of the difference between an image's score and its baseline's.

    $s(x) - s(x') - \sum_i M_i$; with several baselines $s(x')$ is the mean over them. For exact integrated gradients it
    is 0 (completeness: Sundararajan, Taly and Yan 2017, proposition 1, arXiv:1703.01365). If it is not small beside
    $s(x) - s(x')$, take more `steps`. The scores cost a forward pass, and one per baseline.

    Args:
        model: A built Keras model, of any kind, on any backend.
        images: As for `integrated_gradients`.
        attributions: The shape of the images, as `integrated_gradients` returns them.
        targets: As for `integrated_gradients`.
        baseline: As for `integrated_gradients`.
        batch_size: Images per pass; bounds the memory.

    Returns:
        float32 `(n,)`, signed, in units of the score.

    Raises:
        ValueError: If images, attributions, targets or the baseline do not fit.

    Example:
        >>> import keras, numpy as np
        >>> from keras_see import integrated_gradients
        >>> model = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Flatten(), keras.layers.Dense(5)])
        >>> images = np.ones((2, 8, 8, 3))
        >>> gap = completeness_gap(model, images, integrated_gradients(model, images, 1), 1)
        >>> bool(np.abs(gap).max() < 1e-4)
        True
    """
    images, labels = given_images(model, images)
    shape = tuple(picture_of(images).shape)
    baselines = baselines_of(IntegratedGradientsOptions(baseline=baseline).baseline, shape[1:])
    totals = _totals(attributions, shape)
    target = target_of(model, images, targets, labels)
    parts = split(images, target, batch_size)
    gaps = np.concatenate([_difference(model, part, target, baselines)[: part.valid] for part in parts])
    return (gaps - totals).astype("float32")


def _totals(attributions, shape):
    """Return the sum of each image's attributions, float64 `(n,)`."""
    array = numeric(to_numpy(attributions))
    if array is None or array.shape != shape:
        raise ValueError(
            f"`attributions` must have the shape of the images, {shape}. Got {shown(attributions)}. "
            "Pass what keras_see.integrated_gradients returns."
        )
    return array.astype("float64").reshape(len(array), -1).sum(axis=1)


def _difference(model, part, target, baselines):
    """Return how much the scores of a part's images exceed the mean of those of their baselines, `(n,)`."""
    _, _, scores, _, weights = pass_of(model, part.images, [], target)(part.images, part.weights)
    same = target if target.kind == "callable" else Target("weights")  # for the class explained on the image itself
    shape, below = picture_of(part.images).shape, []
    for baseline in baselines:
        varied = with_picture(part.images, np.broadcast_to(baseline, shape).copy())
        below.append(ops.convert_to_numpy(pass_of(model, varied, [], same)(varied, weights)[2]))
    return ops.convert_to_numpy(scores) - np.mean(below, axis=0)
