"""RISE: the mean score of the image under random masks that keep a place."""

from __future__ import annotations

import dataclasses
import math

import keras
import numpy as np
from keras import ops

from keras_see._types import Images, Targets
from keras_see._validation import is_number, is_whole, shown
from keras_see.attribution.method import Method, Request, Sampling
from keras_see.attribution.one_method import maps_of
from keras_see.attribution.places import at_images
from keras_see.attribution.smooth_grad import check_seed
from keras_see.attribution.upsampling import hats
from keras_see.visualization.map_drawing import SIGNED_AROUND_MEAN

# Cells of a mask along each side of the image (Petsiuk et al., section 4: h = w = 7).
CELLS = 7


def rise_maps(
    model: keras.Model,
    images: Images,
    targets: Targets = None,
    *,
    masks: int = 2000,
    keep: float = 0.5,
    seed: int = 0,
    batch_size: int = 32,
) -> np.ndarray:
    r"""Return the score that the model gives on average when random masks keep a pixel; without gradients.

    $S_{ij} = \sum_m s(x \circ B_m)\, B_{m,ij} \,/\, \sum_m B_{m,ij}$ (Petsiuk, Das and Saenko 2018, *RISE*, equation 5,
    arXiv:1806.07421). A mask $B$ is a grid of random zeros and ones, a seventh of the image's side apart, shifted at
    random and enlarged (bilinear). The paper's equation 6 divides by the *expected* sum of the masks, here their own
    sum does: fewer masks are enough, and a score that is always the same gets the same value everywhere. What is masked
    has the value 0 *as the model takes it*.

    Each mask costs a forward pass. Only differences within a map mean anything: pictures show those from its mean.

    Args:
        model: A built Keras model, of any kind, on any backend.
        images: As for `saliency_maps`.
        targets: What is explained, one per image, as for `saliency_maps`.
        masks: Number of masks, the same for every image.
        keep: The share of an image that a mask keeps, between 0 and 1.
        seed: Of the masks: the same seed gives the same maps.
        batch_size: Masked images per pass; bounds the memory.

    Returns:
        float32 `(n, height, width)`, signed, in units of the score; 0 where no mask keeps the pixel.

    Raises:
        ValueError: If images, targets or an option do not fit; before anything is computed.

    Example:
        >>> import keras, numpy as np
        >>> model = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Flatten(), keras.layers.Dense(5)])
        >>> rise_maps(model, np.ones((2, 8, 8, 3)), targets=1, masks=64).shape
        (2, 8, 8)
    """
    return maps_of(model, images, Request(RISE, options=RISEOptions(masks, keep, seed)), targets, batch_size)


@dataclasses.dataclass(frozen=True)
class RISEOptions:
    """How many masks, what share they keep, and from which seed."""

    masks: int = 2000
    keep: float = 0.5
    seed: int = 0

    def __post_init__(self):
        if not is_whole(self.masks, 1):
            raise ValueError(
                f"`masks` must be a whole number from 1: how many masks. Got {shown(self.masks)}. 2000 is the default."
            )
        if not is_number(self.keep) or not 0 < self.keep < 1:
            raise ValueError(
                "`keep` must be a number between 0 and 1: the share of the image that a mask keeps. "
                f"Got {shown(self.keep)}. 0.5 is the default."
            )
        check_seed(self.seed)


def _draw(numbers, shapes, options):
    """Return of each mask its grid `(k, 9, 9)`, and where the pixels lie in it, as weights of its points."""
    grids, down, across = [], [], []
    for number in numbers:
        random = np.random.default_rng((options.seed, number))
        grids.append(random.random((CELLS + 2, CELLS + 2)) < options.keep)  # as many points as a shifted image reaches
        down.append(_weights(shapes.images[0], random))
        across.append(_weights(shapes.images[1], random))
    return {"grid": np.stack(grids).astype("float32"), "down": np.stack(down), "across": np.stack(across)}


def _weights(side, random):
    """Return the weights `(side, 9)` with which the points of a grid make the pixels of a side, shifted at random."""
    cell = math.ceil(side / CELLS)
    return hats((np.arange(side) + random.integers(cell)) / cell, CELLS + 2)


def _masks(draws):
    """Return the masks `(1, k, height, width)`."""
    return ops.matmul(ops.matmul(draws["down"], draws["grid"]), ops.transpose(draws["across"], (0, 2, 1)))[None]


def _contribution(scores, gradients, base, draws, options):
    return {"scores": scores[..., None, None] * _masks(draws), "masks": _masks(draws)}


def _mean(totals, base, options):
    return totals["scores"] / ops.maximum(totals["masks"], 1e-6)  # both 0 where no mask keeps the pixel


RISE = Method(
    word="rise",
    title="RISE",
    place=at_images("RISE"),
    formula=_mean,
    meaning="Red: the score is higher than on average where masks keep this place; blue: lower.",
    style=SIGNED_AROUND_MEAN,
    kind="sampled",
    options=RISEOptions,
    sampling=Sampling(
        count=lambda shapes, options: options.masks,
        draw=_draw,
        vary=lambda base, draws, options: base.images[:, None] * _masks(draws)[..., None],
        contribution=_contribution,
    ),
)
