"""Feature inversion: reconstruct an image from one layer's features."""

from __future__ import annotations

import math

import keras
import numpy as np
from keras import ops

from keras_see._types import Images, Layers, OptimizedImages, Preprocess, ValueRange
from keras_see._validation import is_number, shown
from keras_see.model.inputs import check_inputs, check_model
from keras_see.optimization import objectives
from keras_see.optimization.batched_ascent import BatchedAscent, checked_rate, checked_seed, optimized_images
from keras_see.optimization.gradient_ascent import Ascent
from keras_see.optimization.image_spec import image_spec_of
from keras_see.optimization.preprocessing import image_shape
from keras_see.optimization.transforms import Transforms
from keras_see.visualization.value_range import value_range_of

# Step size and weights of the priors at `prior=1`, chosen on GoogLeNet: the greatest priors that leave the relative
# feature distance of a photo well below 0.15 at its middle layers.
RATE = 0.07
VARIATION = 0.3
BOUND = 0.06

# Number of layers that a callback shows by default: a row of a sheet holds the photo and these.
DEPTHS = 4

# The bound's exponent in Mahendran and Vedaldi 2015, section 3.1: nearly flat inside, steep at the ends of the range.
EXPONENT = 6


def content_images(
    model: keras.Model,
    images: Images,
    layer: Layers,
    *,
    steps: int = 256,
    seed: int = 0,
    value_range: ValueRange | None = None,
    preprocess: Preprocess | None = None,
    prior: float = 1.0,
    parameterization: str = "fourier",
    rate: float = 0.07,
    batch_size: int = 8,
    return_history: bool = False,
    verbose: bool | None = None,
) -> OptimizedImages:
    r"""Return content images: images reconstructed, from noise, from one layer's features alone (feature inversion).

    $x^* = \arg\min_x \lVert f(x) - f(x_0) \rVert^2 / \lVert f(x_0) \rVert^2 + \lambda R(x)$ with the layer's features
    $f$ (Mahendran and Vedaldi 2015, *Understanding Deep Image Representations by Inverting Them*, equation 2,
    arXiv:1412.0035), over the Fourier coefficients of the image. The prior $R$ is the total variation (mean squared
    difference of neighbours) and a bound on the values (mean sixth power), both of the image scaled to −1 to 1: what
    the layer has lost becomes smooth rather than noise.

    Args:
        model: A built Keras model with one input.
        images: `(n, height, width, channels)`, the images to reconstruct, in `value_range`; or pictures, as for
            `saliency_maps`.
        layer: A layer's name, path, the unique end of a path, or the layer itself; or several, used together.
        steps: Number of gradient steps.
        seed: Equal seeds give equal images.
        value_range: `(low, high)`, the values of black and white. Default: recognised from the images.
        preprocess: A function from images to what the model takes, as for `neuron_images`.
        prior: From 0: how strongly images are kept natural. 0 leaves only the features.
        parameterization: `"fourier"` or `"pixels"`.
        rate: Step size.
        batch_size: Images per step; bounds the memory.
        return_history: Whether to return also minus the squared relative distance before each step (the mean over
            layers), float32 `(n, steps)`.
        verbose: Whether to show a progress bar. Default: if it takes longer than some seconds.

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
    seed = checked_seed(seed)
    ascent = content_ascent(
        model,
        images,
        layer,
        value_range=value_range,
        preprocess=preprocess,
        prior=prior,
        parameterization=parameterization,
        rate=rate,
        batch_size=batch_size,
    )
    return optimized_images(ascent, steps, seed, cool=True, verbose=verbose, return_history=return_history)


def content_ascent(
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
    """Return the `BatchedAscent` of `content_images`, which callbacks resume.

    Its target features are those under the current weights; `set_target_features(ascent, images)` renews them.
    """
    check_model(model)
    images = check_inputs(images, None if preprocess else model)
    if not isinstance(images, np.ndarray):
        raise ValueError(
            "`images` must be one array of shape (n, height, width, channels). "
            f"Got {shown(images)}. Images are reconstructed for a model with one input."
        )
    value_range = value_range_of(images) if value_range is None else value_range
    size = images.shape[1:3]
    if min(size) < 2 and preprocess is None:
        image_shape(model)  # raises where that is what the model takes
        raise ValueError(f"`images` must have two pixels a side or more. Got shape {images.shape}. Enlarge them.")
    image_spec = image_spec_of(
        model, size=size, value_range=value_range, preprocess=preprocess, parameterization=parameterization
    )
    image_spec.check_images(images)
    layers = layer if isinstance(layer, list | tuple) else [layer]
    if not layers:
        raise ValueError("`layer` must name one layer at least. Got none. Pass a layer's name.")
    paths = list(dict.fromkeys(_path(image_spec.layer_calls.find(each)) for each in layers))
    objective = objectives.contents(paths, _prior(prior, image_spec.parameterization.value_range))
    still = Transforms(jitter=0, rotate=0, scale=(1, 1))
    ascent = Ascent(
        model,
        objective,
        image_spec.parameterization,
        transforms=still,
        preprocess=image_spec.preprocess,
        rate=checked_rate(rate),
    )
    names = [f"image {number}" for number in range(len(images))]
    ascent = BatchedAscent(ascent, range(len(images)), [np.zeros(len(images))], batch_size, names)
    set_target_features(ascent, images)
    return ascent


def set_target_features(ascent, images):
    """Set the target features of a content ascent: those of these images under the current weights."""
    ascent.goals = ascent.features(np.asarray(images, "float32"))


def default_layers(layer_calls):
    """Return the paths of up to four layer calls, each the last of its size; sizes differ by factors of two."""
    steps = {}
    for call in layer_calls.calls:
        if call.usable and call.is_leaf and not call.is_output and "Padding" not in call.type:
            size = round(math.log2(max(call.shape[1:3])))
            steps.pop(size, None)  # so that the order is that of the last calls
            steps[size] = call.path
    paths = list(steps.values()) or [layer_calls.default_call().path]
    return [paths[number] for number in sorted(set(np.linspace(0, len(paths) - 1, DEPTHS).round().astype(int)))]


def _path(call):
    if call.shape is None:
        raise ValueError(
            "`layer` must have a single tensor as its output. "
            f"{call.path!r} has several. keras_see.layers(model, all=True) lists all; choose another."
        )
    return call.path


def _prior(strength, value_range):
    """Return a function of images that returns `(n,)`, how unnatural they are, or None."""
    if not is_number(strength) or strength < 0:
        raise ValueError(f"`prior` must be a number from 0. Got {shown(strength)}. 1 is the default, 0 is none.")
    if strength == 0:
        return None
    low, high = value_range

    def penalty(images):
        values = (images - low) * (2 / (high - low)) - 1
        down, right = values[:, 1:] - values[:, :-1], values[:, :, 1:] - values[:, :, :-1]
        variation = ops.mean(ops.square(down), axis=(1, 2, 3)) + ops.mean(ops.square(right), axis=(1, 2, 3))
        return strength * (VARIATION * variation + BOUND * ops.mean(values**EXPONENT, axis=(1, 2, 3)))

    return penalty
