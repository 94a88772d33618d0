"""Activation maximization: optimized images of neurons, channels and output units."""

from __future__ import annotations

from collections.abc import Sequence

import keras
from numpy.typing import ArrayLike

from keras_see._types import Layer, OptimizedImages, Preprocess, Size, ValueRange
from keras_see._validation import is_number, shown
from keras_see.optimization import objectives
from keras_see.optimization.batched_ascent import BatchedAscent, checked_rate, checked_seed, optimized_images
from keras_see.optimization.channel_selection import selected_channels, selected_classes
from keras_see.optimization.gradient_ascent import RATE, Ascent
from keras_see.optimization.image_spec import image_spec_of
from keras_see.optimization.transforms import Transforms


def neuron_images(
    model: keras.Model,
    layer: Layer,
    channels: Sequence[int] | None = None,
    *,
    size: Size | None = None,
    steps: int = 256,
    seed: int = 0,
    value_range: ValueRange | None = None,
    preprocess: Preprocess | None = None,
    samples: ArrayLike | None = None,
    objective: str = "channel",
    position: tuple[int, int] | None = None,
    direction: ArrayLike | None = None,
    diversity: float = 0.0,
    parameterization: str = "fourier",
    transforms: Transforms | None = None,
    rate: float = 0.05,
    batch_size: int = 8,
    return_history: bool = False,
    verbose: bool | None = None,
) -> OptimizedImages:
    r"""Return optimized images of a layer's channels: for each, the image with the highest activation found.

    $x^* = \arg\max_x \mathbb{E}_T\, a_k(T(x))$, with the activation $a_k$ of channel $k$, its mean over all positions,
    and random shifts, rotations and scales $T$ (Erhan, Bengio, Courville and Vincent 2009, *Visualizing Higher-Layer
    Features of a Deep Network*; Olah, Mordvintsev and Schubert 2017, doi:10.23915/distill.00007). Gradient ascent
    (Adam) from noise, over the Fourier coefficients of the image. It finds one maximum of many: other seeds find
    others.

    Args:
        model: A built Keras model with one input.
        layer: A layer's name, path, the unique end of a path, or the layer itself. The channels of the output layer
            are classes: their logit is maximized, as for `class_images`.
        channels: Channel numbers (units, for a layer without positions), one image each; the same number twice gives
            two images. Default: all of them, if they are at most 64.
        size: `(height, width)` in pixels. Default: what the model takes; 224 × 224 if it takes any.
        steps: Number of gradient steps.
        seed: Equal seeds give equal images.
        value_range: `(low, high)`, the values of black and white. Default: those of `samples`; else (0, 255) where
            `preprocess` or the model rescales from there, else (0, 1).
        preprocess: A function from images in this range to what the model takes: written for NumPy if it is the same
            linear map at each pixel, else with `keras.ops`. The gradient is taken through it.
        samples: Your own images `(n, rows, columns, channels)`, whose colours and spectrum replace those of natural
            photographs.
        objective: `"channel"`, the mean over all positions; `"neuron"`, one position; `"layer"`, the mean square of all
            features, one image.
        position: `(row, column)` of the neuron, with `objective="neuron"`. Default: the centre.
        direction: `(channels,)` or `(k, channels)`, directions in feature space, in place of `channels`.
        diversity: From 0: how strongly images are kept unlike each other, as a share of their score. All images are
            then in one batch.
        parameterization: `"fourier"` or `"pixels"`.
        transforms: A `keras_see.transforms.Transforms`. Default: shifts by 1/14 of the sides, rotations by 8°, scales
            from 0.85 to 1.15.
        rate: Step size.
        batch_size: Images per step; bounds the memory.
        return_history: Whether to return also the activation before each step, float32 `(k, steps)`, in units of the
            features, each in that step's view.
        verbose: Whether to show a progress bar. Default: if it takes longer than some seconds.

    Returns:
        float32 `(k, height, width, channels)` in `value_range`; with `return_history`, that and the history.

    Raises:
        ValueError: If an argument does not fit the model, before anything is computed; or if no image has a gradient
            from any start. Where only some have none, a log line names them.

    Example:
        >>> import keras
        >>> model = keras.Sequential([keras.Input((16, 16, 3)), keras.layers.Conv2D(4, 3, name="conv")])
        >>> neuron_images(model, "conv", channels=[0, 3], steps=5).shape
        (2, 16, 16, 3)
    """
    seed = checked_seed(seed)
    ascent = neuron_ascent(
        model,
        layer,
        channels,
        size=size,
        value_range=value_range,
        preprocess=preprocess,
        samples=samples,
        objective=objective,
        position=position,
        direction=direction,
        diversity=diversity,
        parameterization=parameterization,
        transforms=transforms,
        rate=rate,
        batch_size=batch_size,
    )
    return optimized_images(ascent, steps, seed, verbose=verbose, return_history=return_history)


def class_images(
    model: keras.Model,
    targets: ArrayLike | None = None,
    *,
    size: Size | None = None,
    steps: int = 256,
    seed: int = 0,
    value_range: ValueRange | None = None,
    preprocess: Preprocess | None = None,
    samples: ArrayLike | None = None,
    diversity: float = 0.0,
    parameterization: str = "fourier",
    transforms: Transforms | None = None,
    rate: float = 0.05,
    batch_size: int = 8,
    return_history: bool = False,
    verbose: bool | None = None,
) -> OptimizedImages:
    """Return optimized images of classes: for each, the image with the highest logit found.

    After Simonyan, Vedaldi and Zisserman 2014, *Deep Inside Convolutional Networks*, section 2, arXiv:1312.6034; the
    image, its views and the ascent are those of `neuron_images`. The logit is taken before a closing softmax or
    sigmoid, because a softmax can be raised by lowering the other classes.

    Args:
        model: A built Keras model with one input.
        targets: Class numbers, one image each; or weights of the outputs, `(k, *outputs)`. Default: all classes, if
            they are at most 64. With one output unit, 1 maximizes its value and 0 minimizes it.
        size: `(height, width)` in pixels, as for `neuron_images`.
        steps: Number of gradient steps.
        seed: Equal seeds give equal images.
        value_range: `(low, high)`, the values of black and white, as for `neuron_images`.
        preprocess: A function from images in this range to what the model takes, as for `neuron_images`.
        samples: As for `neuron_images`, and so are the arguments up to `batch_size`.
        diversity: From 0: how strongly images are kept unlike each other.
        parameterization: `"fourier"` or `"pixels"`.
        transforms: A `keras_see.transforms.Transforms`.
        rate: Step size.
        batch_size: Images per step; bounds the memory.
        return_history: Whether to return also the logit before each step, float32 `(k, steps)`.
        verbose: Whether to show a progress bar. Default: if it takes longer than some seconds.

    Returns:
        float32 `(k, height, width, channels)` in `value_range`; with `return_history`, that and the history.

    Raises:
        ValueError: If an argument does not fit the model, before anything is computed; or if no image has a gradient
            from any start.

    Example:
        >>> from keras_see import gap_classifier
        >>> class_images(gap_classifier(5, (16, 16, 3)), [0, 4], steps=5).shape
        (2, 16, 16, 3)
    """
    seed = checked_seed(seed)
    ascent = class_ascent(
        model,
        targets,
        size=size,
        value_range=value_range,
        preprocess=preprocess,
        samples=samples,
        diversity=diversity,
        parameterization=parameterization,
        transforms=transforms,
        rate=rate,
        batch_size=batch_size,
    )
    return optimized_images(ascent, steps, seed, verbose=verbose, return_history=return_history)


def neuron_ascent(
    model,
    layer,
    channels=None,
    *,
    size=None,
    value_range=None,
    preprocess=None,
    samples=None,
    objective="channel",
    position=None,
    direction=None,
    diversity=0.0,
    parameterization="fourier",
    transforms=None,
    rate=RATE,
    batch_size=8,
):
    """Return the `BatchedAscent` of `neuron_images`, which callbacks resume.

    All arguments are those of `neuron_images`; `layer=None` is the last layer whose output has rows and columns.
    """
    image_spec = image_spec_of(
        model,
        size=size,
        value_range=value_range,
        preprocess=preprocess,
        samples=samples,
        parameterization=parameterization,
    )
    selection = selected_channels(
        image_spec.layer_calls, layer, channels, objective=objective, position=position, direction=direction
    )
    return _batched(model, image_spec, selection, diversity, transforms, rate, batch_size)


def class_ascent(
    model,
    targets,
    *,
    size=None,
    value_range=None,
    preprocess=None,
    samples=None,
    diversity=0.0,
    parameterization="fourier",
    transforms=None,
    rate=RATE,
    batch_size=8,
):
    """Return the `BatchedAscent` of `class_images`; all arguments are those of `class_images`."""
    image_spec = image_spec_of(
        model,
        size=size,
        value_range=value_range,
        preprocess=preprocess,
        samples=samples,
        parameterization=parameterization,
    )
    selection = selected_classes(image_spec.layer_calls, targets)
    return _batched(model, image_spec, selection, diversity, transforms, rate, batch_size)


def _batched(model, image_spec, selection, diversity, transforms, rate, batch_size):
    objective = selection.objective
    if diversity:
        # All images are compared with one another, so that they are in one batch.
        objective, batch_size = objectives.with_diversity(objective, _from_zero(diversity)), len(selection.keys)
    views = {"transforms": _checked_views(transforms), "preprocess": image_spec.preprocess}
    ascent = Ascent(model, objective, image_spec.parameterization, rate=checked_rate(rate), **views)
    return BatchedAscent(ascent, selection.keys, [selection.goals], batch_size, selection.names)


def _checked_views(transforms):
    if transforms is None or isinstance(transforms, Transforms):
        return transforms
    raise TypeError(
        "`transforms` must be a keras_see.transforms.Transforms or None. "
        f"Got {shown(transforms)}. Leave it out, or pass Transforms(jitter=0, rotate=0, scale=(1, 1)) for none."
    )


def _from_zero(diversity):
    if not is_number(diversity) or diversity < 0:
        raise ValueError(f"`diversity` must be a number from 0. Got {shown(diversity)}. 0 leaves images alone.")
    return float(diversity)
