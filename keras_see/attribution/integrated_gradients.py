"""Integrated gradients: the difference to a baseline's score, split among the values of the image."""

from __future__ import annotations

import dataclasses
import functools

import keras
import numpy as np
from keras import ops
from numpy.typing import ArrayLike

from keras_see._types import Images, Targets
from keras_see._validation import is_number, is_whole, numeric, shown
from keras_see.attribution.method import Method, Request, Sampling
from keras_see.attribution.one_method import maps_of
from keras_see.attribution.places import at_images
from keras_see.model.image_batches import to_numpy
from keras_see.visualization.map_drawing import SIGNED_PIXELS


def integrated_gradients(
    model: keras.Model,
    images: Images,
    targets: Targets = None,
    *,
    steps: int = 50,
    baseline: float | ArrayLike = 0.0,
    batch_size: int = 32,
) -> np.ndarray:
    r"""Return what each value of the image adds to the score, compared with a baseline image.

    $M_i = (x_i - x'_i) \int_0^1 \frac{\partial s}{\partial x_i}\left(x' + a (x - x')\right) da$, so that the sum over
    all values is $s(x) - s(x')$ (Sundararajan, Taly and Yan 2017, *Axiomatic Attribution for Deep Networks*,
    section 3, arXiv:1703.01365). The integral is a Gauss–Legendre quadrature, which needs fewer steps than a sum over
    equal ones; `completeness_gap` tells how much is missing. The answer depends on the baseline: where the image equals
    it, the map is 0. With several baselines it is the mean over them.

    Each step, and each baseline, costs a pass forward and back. The class explained is that of the image itself.

    Args:
        model: A built Keras model, of any kind, on any backend.
        images: As for `saliency_maps`.
        targets: What is explained, one per image, as for `saliency_maps`.
        steps: Points of the quadrature.
        baseline: A number, for an image of this value; one image `(height, width, channels)`; or several, `(k, height,
            width, channels)`, of which each image gets the mean. All as the model takes images: 0 is black only where
            black is 0.
        batch_size: Images per pass; bounds the memory.

    Returns:
        float32, signed, the shape of the images, in units of the score.

    Raises:
        ValueError: If images, targets or an option do not fit; before anything is computed.

    Example:
        >>> import keras, numpy as np
        >>> model = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Flatten(), keras.layers.Dense(5)])
        >>> integrated_gradients(model, np.ones((2, 8, 8, 3)), targets=1, steps=8).shape
        (2, 8, 8, 3)
    """
    request = Request(INTEGRATED_GRADIENTS, options=IntegratedGradientsOptions(steps, baseline))
    return maps_of(model, images, request, targets, batch_size)


@dataclasses.dataclass(frozen=True)
class IntegratedGradientsOptions:
    """How many points of the path, and where it begins."""

    steps: int = 50
    baseline: object = 0.0

    def __post_init__(self):
        if not is_whole(self.steps, 1):
            raise ValueError(
                "`steps` must be a whole number from 1: the points between baseline and image. "
                f"Got {shown(self.steps)}. 50 is the default."
            )
        if is_number(self.baseline):
            return
        array = numeric(to_numpy(self.baseline))
        if array is None or array.ndim not in (3, 4) or not array.size or not np.isfinite(array).all():
            raise ValueError(
                _BASELINE.format("(height, width, channels)", shown(self.baseline)) + "0.0 is the default."
            )
        object.__setattr__(self, "baseline", array.astype("float32"))


def baselines_of(baseline, shape):
    """Return the baselines as float32 `(k, height, width, channels)`, or `(1, 1, 1, 1)` for a number.

    Args:
        baseline: As `IntegratedGradientsOptions` keeps it.
        shape: `(height, width, channels)` of the images; raises where a baseline has another.
    """
    array = np.asarray(baseline, "float32")
    if array.ndim == 0:
        return array.reshape(1, 1, 1, 1)
    if array.shape[-3:] != tuple(shape):
        raise ValueError(_BASELINE.format(shape, shown(array)) + "Give it the size of the images.")
    return array.reshape(-1, *shape)


_BASELINE = "`baseline` must be a finite number, one image of shape {0}, or several in one array. Got {1}. "


@functools.cache
def _quadrature(steps):
    """Return the points in 0–1 of a Gauss–Legendre quadrature and their weights, whose sum is 1."""
    points, weights = np.polynomial.legendre.leggauss(steps)
    return ((points + 1) / 2).astype("float32"), (weights / 2).astype("float32")


def _draw(numbers, shapes, options):
    points, weights = _quadrature(options.steps)
    baselines = baselines_of(options.baseline, shapes.images)
    which, step = np.divmod(numbers, options.steps)
    return {"at": points[step], "weight": weights[step] / len(baselines), "baseline": baselines[which]}


def _between(base, draws, options):
    at = ops.reshape(draws["at"], (1, -1, 1, 1, 1))
    return draws["baseline"][None] + at * (base.images[:, None] - draws["baseline"][None])


def _contribution(scores, gradients, base, draws, options):
    weights = ops.reshape(draws["weight"], (1, -1, 1, 1, 1))
    return weights * gradients * (base.images[:, None] - draws["baseline"][None])


INTEGRATED_GRADIENTS = Method(
    word="integrated_gradients",
    title="Integrated gradients",
    place=at_images("Integrated gradients"),
    formula=lambda totals, base, options: totals,
    meaning="Red: this pixel raises the score, compared with the baseline; blue: lowers it (sum over the channels).",
    style=SIGNED_PIXELS,
    kind="sampled",
    options=IntegratedGradientsOptions,
    sampling=Sampling(
        count=lambda shapes, options: options.steps * len(baselines_of(options.baseline, shapes.images)),
        draw=_draw,
        vary=_between,
        contribution=_contribution,
        needs_gradients=True,
    ),
    per_channel=True,
)
