"""Two sampled methods and a forward one, as the private proof that methods may be of all three kinds.

SmoothGrad needs gradients of varied images; occlusion needs scores alone and as many samples as there are windows;
ablation varies features in the middle of the model.
"""

import dataclasses

import numpy as np
from keras import ops

from keras_see.attribution.method import Method, Sampling
from keras_see.model.forward import IMAGES


@dataclasses.dataclass(frozen=True)
class SmoothGradOptions:
    """How many noisy images, and how noisy they are, as a share of the image's own range."""

    samples: int = 25
    noise: float = 0.15
    seed: int = 0

    def __post_init__(self):
        if self.samples < 1:
            raise ValueError(f"`samples` must be a whole number from 1. Got {self.samples}. 25 is the default.")


def noise_of(number, shape, options):
    return np.random.default_rng((options.seed, number)).normal(size=shape).astype("float32")


def _noisy(base, draws, options):
    images = base.images[:, None]
    extent = ops.max(base.images, axis=(1, 2, 3)) - ops.min(base.images, axis=(1, 2, 3))
    return images + options.noise * ops.reshape(extent, (-1, 1, 1, 1, 1)) * draws[None]


SMOOTH_GRAD = Method(
    word="test_smooth_grad",
    title="SmoothGrad",
    place=lambda layer_calls, layer: IMAGES,
    formula=lambda totals, base, options: ops.max(ops.abs(totals), axis=-1) / options.samples,
    meaning="",
    kind="sampled",
    options=SmoothGradOptions,
    sampling=Sampling(
        count=lambda shapes, options: options.samples,
        draw=lambda numbers, shapes, options: np.stack([noise_of(each, shapes.images, options) for each in numbers]),
        vary=_noisy,
        contribution=lambda scores, gradients, base, draws, options: gradients,
        needs_gradients=True,
    ),
)


@dataclasses.dataclass(frozen=True)
class OcclusionOptions:
    """Side of the window, in pixels, and what it is filled with."""

    patch: int = 2
    fill: float = 0.0


def _windows(shapes, options):
    rows, columns, _ = shapes.images
    return [
        (top, left)
        for top in range(0, rows - options.patch + 1, options.patch)
        for left in range(0, columns - options.patch + 1, options.patch)
    ]


def _window_masks(numbers, shapes, options):
    windows = _windows(shapes, options)
    masks = np.zeros((len(numbers), *shapes.images[:2], 1), "float32")
    for mask, number in zip(masks, numbers, strict=True):
        top, left = windows[number]
        mask[top : top + options.patch, left : left + options.patch] = 1
    return {"mask": masks, "which": np.eye(len(windows), dtype="float32")[numbers]}


def _drops(totals, base, options):
    rows, columns = (side // options.patch for side in base.images.shape[1:3])
    return ops.reshape(base.scores[:, None] - totals, (-1, rows, columns))


OCCLUSION = Method(
    word="test_occlusion",
    title="Occlusion",
    place=lambda layer_calls, layer: IMAGES,
    formula=_drops,
    meaning="",
    kind="sampled",
    options=OcclusionOptions,
    sampling=Sampling(
        count=lambda shapes, options: len(_windows(shapes, options)),
        draw=_window_masks,
        vary=lambda base, draws, options: (
            base.images[:, None] * (1 - draws["mask"][None]) + options.fill * draws["mask"][None]
        ),
        contribution=lambda scores, gradients, base, draws, options: scores[..., None] * draws["which"][None],
    ),
)


def _ablated(base, draws, options=None):
    return base.features[:, None] * (1 - draws[None, :, None, None, :])


ABLATION = Method(
    word="test_ablation",
    title="Ablation-CAM",
    place=lambda layer_calls, layer: layer_calls.spatial_call(layer).path,
    formula=lambda totals, base: ops.relu(
        ops.sum(((base.scores[:, None] - totals) / base.scores[:, None])[:, None, None] * base.features, axis=-1)
    ),
    meaning="",
    kind="sampled",
    sampling=Sampling(
        count=lambda shapes, options: shapes.features[-1],
        draw=lambda numbers, shapes, options: np.eye(shapes.features[-1], dtype="float32")[numbers],
        vary=_ablated,
        contribution=lambda scores, gradients, base, draws, options: scores[..., None] * draws[None],
        varies="features",
    ),
)

MEAN_ACTIVATION = Method(
    word="test_mean_activation",
    title="Mean activation",
    place=lambda layer_calls, layer: layer_calls.spatial_call(layer).path,
    formula=lambda values: ops.mean(values, axis=-1),
    meaning="",
    kind="forward",
)
