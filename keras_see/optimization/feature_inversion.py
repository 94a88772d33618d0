"""Inversion: the image that is left when all but one layer's features of a photo are forgotten."""

import math
from typing import TypedDict, Unpack

import keras
import numpy as np
from keras import ops
from numpy.typing import ArrayLike

from keras_see._types import Layers, OptimizedImages, Preprocess
from keras_see._validation import is_number, keywords_of, refuse_unknown, shown
from keras_see.model.inputs import check_inputs, check_model
from keras_see.optimization import objectives
from keras_see.optimization.batched_ascent import Climb, checked_rate, checked_seed, made
from keras_see.optimization.gradient_ascent import Ascent
from keras_see.optimization.image_spec import canvas_of
from keras_see.optimization.transforms import Transforms
from keras_see.visualization.value_range import value_range_of

# Step size and weights of the priors at `prior=1`, chosen on GoogLeNet: the greatest priors that leave the relative
# feature distance of a photo well below 0.15 at its middle layers.
RATE = 0.07
VARIATION = 0.3
BOUND = 0.06

# A callback shows so many depths unless layers are named: a sheet's row holds the photo and these.
DEPTHS = 4

# The bound's exponent in Mahendran and Vedaldi 2015, section 3.1: nearly flat inside, steep at the ends of the range.
EXPONENT = 6


class Options(TypedDict, total=False):
    """How images are rebuilt, beyond what `content_images` names itself."""

    parameterization: str
    rate: float
    batch_size: int


def content_images(
    model: keras.Model,
    images: ArrayLike,
    layer: Layers,
    *,
    steps: int = 256,
    seed: int = 0,
    value_range: tuple[float, float] | None = None,
    preprocess: Preprocess | None = None,
    prior: float = 1.0,
    return_history: bool = False,
    verbose: bool | None = None,
    **options: Unpack[Options],
) -> OptimizedImages:
    r"""Return what each depth remembers of images: images rebuilt, from noise, from one layer's features alone.

    $x^* = \arg\min_x \lVert f(x) - f(x_0) \rVert^2 / \lVert f(x_0) \rVert^2 + \lambda R(x)$ with the layer's features
    $f$ (Mahendran and Vedaldi 2015, *Understanding Deep Image Representations by Inverting Them*, equation 2,
    arXiv:1412.0035), over the waves of the image. The prior $R$ is the total variation (mean squared difference of
    neighbours) and a bound on the values (mean sixth power), both of the image scaled to −1 to 1: what the layer does
    not remember becomes smooth rather than noise.

    Args:
        model: A built Keras model with one input.
        images: `(n, height, width, channels)`, what is remembered, in `value_range`.
        layer: A layer's name, path, the unique end of a path, the layer itself; or several, remembered together.
        steps: Steps of the ascent.
        seed: Equal seeds give equal images.
        value_range: `(low, high)`, the values of black and white. Default: recognised from the images.
        preprocess: Makes of the images what the model takes, as for `neuron_images`.
        prior: From 0; how strongly images are kept natural. 0 leaves only the features.
        return_history: Whether to return also, for each step, minus the squared relative distance that was reached
            (the mean over layers), float32 `(n, steps)`.
        verbose: Whether to show a bar; by default if it takes longer than some seconds.
        **options: `parameterization`, `rate` and `batch_size`, as for `neuron_images`.

    Returns:
        float32, of the shape of `images`, in `value_range`; with `return_history`, that and the history.

    Raises:
        ValueError: If an argument does not fit the model, before anything is computed; or if the features do not depend
            on the image.

    Example:
        >>> import numpy as np
        >>> from keras_see import gap_classifier
        >>> photos = np.random.default_rng(0).random((2, 16, 16, 3))
        >>> content_images(gap_classifier(5, (16, 16, 3)), photos, "relu2", steps=5).shape
        (2, 16, 16, 3)
    """
    known = set(Options.__annotations__)
    refuse_unknown(set(options) - known, known | keywords_of(content_images), "content_images")
    seed, how = checked_seed(seed), {"value_range": value_range, "preprocess": preprocess}
    climb = content_climb(model, images, layer, prior=prior, **how, **options)
    return made(climb, steps, seed, cool=True, verbose=verbose, return_history=return_history)


def content_climb(
    model,
    images,
    layer,
    *,
    value_range=None,
    preprocess=None,
    prior=1.0,
    parameterization="fourier",
    rate=RATE,
    batch_size=8,
):
    """Return the `Climb` of `content_images`, to go on from where it is: for callbacks.

    The features to be reached are those under the model's weights of now; `remember(climb, images)` renews them.
    """
    check_model(model)
    images = check_inputs(images, None if preprocess else model)
    if not isinstance(images, np.ndarray):
        raise ValueError(
            "`images` must be one array of shape (n, height, width, channels). "
            f"Got {shown(images)}. Images can be made for a model with one input."
        )
    value_range = value_range_of(images) if value_range is None else value_range
    size = images.shape[1:3]
    canvas = canvas_of(
        model, size=size, value_range=value_range, preprocess=preprocess, parameterization=parameterization
    )
    canvas.check_images(images)
    layers = layer if isinstance(layer, list | tuple) else [layer]
    if not layers:
        raise ValueError("`layer` must name one layer at least. Got none. Pass a layer's name.")
    places = list(dict.fromkeys(_place(canvas.layer_calls.find(each)) for each in layers))
    aim = objectives.contents(places, _prior(prior, canvas.parameterization.value_range))
    still = Transforms(jitter=0, rotate=0, scale=(1, 1))
    ascent = Ascent(
        model, aim, canvas.parameterization, transforms=still, preprocess=canvas.preprocess, rate=checked_rate(rate)
    )
    names = [f"image {number}" for number in range(len(images))]
    climb = Climb(ascent, range(len(images)), [np.zeros(len(images))], batch_size, names)
    remember(climb, images)
    return climb


def remember(climb, images):
    """Set what a content climb is to reach: the features of these images under the model's weights of now."""
    climb.want(climb.features(np.asarray(images, "float32")))


def staircase(layer_calls):
    """Return the paths of the last calls at up to four sizes of the features, each about half the last: the depths."""
    steps = {}
    for call in layer_calls.calls:
        if call.usable and call.is_leaf and not call.is_output and "Padding" not in call.type:
            size = round(math.log2(max(call.shape[1:3])))
            steps.pop(size, None)  # so that the order is that of the last calls
            steps[size] = call.path
    paths = list(steps.values()) or [layer_calls.default_call().path]
    return [paths[number] for number in sorted(set(np.linspace(0, len(paths) - 1, DEPTHS).round().astype(int)))]


def _place(call):
    if call.shape is None:
        raise ValueError(
            "`layer` must have a single tensor as its output. "
            f"{call.path!r} has several. keras_see.layers(model) lists all; choose another."
        )
    return call.path


def _prior(strength, value_range):
    """Return a function of images that gives `(n,)`, how unnatural they are, or None."""
    if not is_number(strength) or strength < 0:
        raise ValueError(f"`prior` must be a number from 0. Got {shown(strength)}. 1 is the default, 0 is none.")
    if strength == 0:
        return None
    low, high = value_range

    def penalty(features, images, wanted):
        values = (images - low) * (2 / (high - low)) - 1
        down, right = values[:, 1:] - values[:, :-1], values[:, :, 1:] - values[:, :, :-1]
        variation = ops.mean(ops.square(down), axis=(1, 2, 3)) + ops.mean(ops.square(right), axis=(1, 2, 3))
        return strength * (VARIATION * variation + BOUND * ops.mean(values**EXPONENT, axis=(1, 2, 3)))

    return penalty
