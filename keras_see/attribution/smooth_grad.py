"""SmoothGrad: the gradient, averaged over noisy copies of the image."""

from __future__ import annotations

import dataclasses

import keras
import numpy as np
from keras import ops

from keras_see._types import Images, Targets
from keras_see._validation import is_number, is_whole, is_word, shown
from keras_see.attribution.method import Method, Request, Sampling
from keras_see.attribution.one_method import maps_of
from keras_see.attribution.places import at_images
from keras_see.visualization.map_drawing import HEAT

STATISTICS = ("mean", "square", "variance")


def smooth_grad_maps(
    model: keras.Model,
    images: Images,
    targets: Targets = None,
    *,
    samples: int = 25,
    noise: float = 0.15,
    seed: int = 0,
    statistic: str = "mean",
    batch_size: int = 32,
) -> np.ndarray:
    r"""Return how strongly each pixel moves the score on average, when noise is added to the image.

    $M_{ij} = \max_c \left| \frac{1}{N} \sum_n g_{ijc}(x + \epsilon_n) \right|$ with $g = \partial s / \partial x$ and
    normal noise $\epsilon$, whose standard deviation is a share of the image's own range, $\max x - \min x$ (Smilkov et
    al. 2017, *SmoothGrad*, section 3.2, arXiv:1706.03825). `"square"` is the mean of $g^2$ (SmoothGrad², Hooker et al.
    2019, arXiv:1806.10758), `"variance"` the variance of $g$ (VarGrad, Adebayo et al. 2018, arXiv:1810.03307), each
    likewise with the maximum over the channels. The noise of a sample is the same for every image.

    Each sample costs a pass forward and back. The class explained is that of the image without noise.

    Args:
        model: A built Keras model, of any kind, on any backend.
        images: As for `saliency_maps`.
        targets: What is explained, one per image, as for `saliency_maps`.
        samples: Number of noisy copies of each image.
        noise: Standard deviation of the noise, as a share of the image's range.
        seed: Of the noise: the same seed gives the same maps.
        statistic: `"mean"`, `"square"` or `"variance"`.
        batch_size: Noisy images per pass; bounds the memory.

    Returns:
        float32 `(n, height, width)`, ≥ 0, in units of the score per unit of the input, or their squares.

    Raises:
        ValueError: If images, targets or an option do not fit; before anything is computed.

    Example:
        >>> import keras, numpy as np
        >>> model = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Flatten(), keras.layers.Dense(5)])
        >>> smooth_grad_maps(model, np.ones((2, 8, 8, 3)), targets=1, samples=4).shape
        (2, 8, 8)
    """
    request = Request(SMOOTH_GRAD, options=SmoothGradOptions(samples, noise, seed, statistic))
    return maps_of(model, images, request, targets, batch_size)


@dataclasses.dataclass(frozen=True)
class SmoothGradOptions:
    """How many noisy copies, how noisy, from which seed, and what is taken of their gradients."""

    samples: int = 25
    noise: float = 0.15
    seed: int = 0
    statistic: str = "mean"

    def __post_init__(self):
        if not is_whole(self.samples, 1):
            raise ValueError(
                "`samples` must be a whole number from 1: how many noisy copies of each image. "
                f"Got {shown(self.samples)}. 25 is the default."
            )
        if not is_number(self.noise) or self.noise < 0:
            raise ValueError(
                "`noise` must be a number from 0: the standard deviation as a share of the image's range. "
                f"Got {shown(self.noise)}. 0.15 is the default."
            )
        check_seed(self.seed)
        if not is_word(self.statistic, STATISTICS):
            raise ValueError(
                f'`statistic` must be "mean", "square" or "variance". Got {shown(self.statistic)}. Choose one of them.'
            )


def check_seed(seed):
    """Raise unless this can be the seed of random draws."""
    if not is_whole(seed):
        raise ValueError(f"`seed` must be a whole number from 0. Got {shown(seed)}. Leave it out for 0.")


def noise_of(number, shape, seed):
    """Return the noise of the sample with this number, standard normal float32."""
    return np.random.default_rng((seed, number)).standard_normal(shape, "float32")


def _noisy(base, draws, options):
    extent = ops.max(base.images, axis=(1, 2, 3)) - ops.min(base.images, axis=(1, 2, 3))
    return base.images[:, None] + options.noise * ops.reshape(extent, (-1, 1, 1, 1, 1)) * draws[None]


def _contribution(scores, gradients, base, draws, options):
    """Return what the statistic is made of: the gradients, their squares, or both."""
    parts = {"mean": gradients, "square": ops.square(gradients)}
    return parts if options.statistic == "variance" else parts[options.statistic]


def _map(totals, base, options):
    if options.statistic == "variance":
        mean, square = totals["mean"] / options.samples, totals["square"] / options.samples
        return ops.max(ops.relu(square - ops.square(mean)), axis=-1)
    return ops.max(ops.abs(totals), axis=-1) / options.samples


SMOOTH_GRAD = Method(
    word="smooth_grad",
    title="SmoothGrad",
    place=at_images("SmoothGrad"),
    formula=_map,
    meaning="Bright: a small change of this pixel moves the score most, on average over noisy copies of the image.",
    style=HEAT,
    kind="sampled",
    options=SmoothGradOptions,
    sampling=Sampling(
        count=lambda shapes, options: options.samples,
        draw=lambda numbers, shapes, options: np.stack([noise_of(n, shapes.images, options.seed) for n in numbers]),
        vary=_noisy,
        contribution=_contribution,
        needs_gradients=True,
    ),
    unit="gradient",
)
