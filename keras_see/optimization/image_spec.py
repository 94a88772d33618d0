"""Image specs: shape, value range, parameterization and preprocessing of an optimized image."""

import dataclasses
from collections.abc import Callable

import numpy as np

from keras_see._validation import shown
from keras_see.model.cache import layer_calls_of
from keras_see.model.inputs import check_inputs, check_model
from keras_see.model.layer_calls import LayerCalls, per_batch
from keras_see.optimization.parameterization import parameterization_of
from keras_see.optimization.preprocessing import checked_range, image_shape, range_for, traceable, traced_shape
from keras_see.visualization.value_range import value_range_of


@dataclasses.dataclass(frozen=True)
class ImageSpec:
    """Shape, value range and preprocessing of optimized images of one model.

    Attributes:
        parameterization: `Fourier` or `Pixels`, with the shape and the value range.
        preprocess: A function of tensors, from images to what the model takes.
        layer_calls: The model's `LayerCalls` for these images.
    """

    parameterization: object
    preprocess: Callable
    layer_calls: LayerCalls

    def check_images(self, images):
        """Raise unless the values of these images lie in the range."""
        _check_inside("images", images, self.parameterization.value_range)


def image_spec_of(model, *, size=None, value_range=None, preprocess=None, samples=None, parameterization="fourier"):
    """Return the `ImageSpec` of a model's optimized images; raise where the model cannot run on them.

    Args:
        model: A built Keras model with one input.
        size: `(height, width)` in pixels. Default: what the model takes; 224 by 224 if it takes any.
        value_range: `(low, high)`, the values of black and white. Default: those of `samples`; else (0, 255) where
            `preprocess` or the model rescales from there, else (0, 1).
        preprocess: A function from images in this range to what the model takes: written for NumPy if it is the same
            linear map at each pixel, else with `keras.ops`.
        samples: Images `(n, rows, columns, channels)` of the user's own, in this range: optimized images take their
            colours and spectrum, in place of those of natural photographs.
        parameterization: `"fourier"` or `"pixels"`.
    """
    check_model(model)
    shape = image_shape(model, size, fixed=preprocess is None)
    samples = None if samples is None else _checked_samples(samples, shape[-1])
    if value_range is None and samples is not None:
        value_range = value_range_of(samples)
    # A linear `preprocess` is the same for every range; the default range needs the layer calls, so it comes later.
    convert = traceable(preprocess, shape, checked_range(value_range, (0.0, 1.0)))
    layer_calls = _layer_calls(model, traced_shape(convert, shape), "size" if preprocess is None else "preprocess")
    limits = checked_range(value_range, range_for(layer_calls, convert, shape))
    if samples is not None:
        _check_inside("samples", samples, limits)
    return ImageSpec(parameterization_of(parameterization, shape, limits, samples), convert, layer_calls)


def _check_inside(name, images, value_range):
    low, high = value_range
    if images.min() < low or images.max() > high:
        raise ValueError(
            f"`{name}` must lie in `value_range`, {low:g} to {high:g}. "
            f"Theirs go from {images.min():g} to {images.max():g}. Give the range in which they are kept."
        )


def _layer_calls(model, shape, chosen):
    """Return the layer calls; raise where a layer is left without rows or columns."""
    try:
        layer_calls = layer_calls_of(model, np.zeros((1, *shape), "float32"))
    except ValueError as error:
        raise ValueError(f"`{chosen}` must give the model what it can take. {error}") from error
    empty = next((call for call in layer_calls.calls if call.shape is not None and 0 in call.shape), None)
    if empty is not None:
        raise ValueError(
            "`size` must be large enough that every layer keeps rows and columns. With images of shape "
            f"{shape} {empty.path!r} gives {per_batch(empty.shape)}. Make it larger."
        )
    return layer_calls


def _checked_samples(samples, channels):
    samples = check_inputs(samples, what="`samples`")
    if getattr(samples, "ndim", 0) != 4 or samples.shape[-1] != channels:
        raise ValueError(
            f"`samples` must be images of shape (n, rows, columns, {channels}). "
            f"Got {shown(samples)}. Pass images like those that the model takes."
        )
    return samples
