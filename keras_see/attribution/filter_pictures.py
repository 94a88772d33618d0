"""Filter pictures: the kernels of a layer that sees the image itself."""

from __future__ import annotations

import keras
import numpy as np
from keras import ops

from keras_see._types import Layer
from keras_see._validation import shown
from keras_see.model.inputs import check_model
from keras_see.model.keras_internals import flatten_layers


def filter_pictures(model: keras.Model, layer: Layer | None = None) -> np.ndarray:
    r"""Return the filters of the first convolution as pictures: what each of them responds to most.

    Grey (128) is a weight of zero, white $+w$ and black $-w$, with the largest weight $w$ of all the filters, so that
    filters can be compared (as in Krizhevsky, Sutskever and Hinton 2012, figure 3). Trained filters show edges and
    colours; noise in them says that training has hardly reached them. Filters of later layers have no colours that
    could be shown: `neuron_images` and `top_images` show what those respond to.

    Args:
        model: A built Keras model.
        layer: The name of a layer with a kernel over 1 or 3 channels, or the layer itself. Default: the first one.

    Returns:
        uint8 `(filters, height, width, 3)`, in the size of the kernel.

    Raises:
        ValueError: If there is no such layer.

    Example:
        >>> import keras_see
        >>> model = keras_see.gap_classifier(5, (32, 32, 3))
        >>> keras_see.sheet(filter_pictures(model), {}).mode
        'RGB'
    """
    check_model(model)
    kernel = ops.convert_to_numpy(_layer_of(model, layer).kernel).astype("float32")
    largest = np.abs(kernel).max() or 1.0
    pictures = np.rint(128 + 127 * np.moveaxis(kernel, -1, 0) / largest).astype("uint8")
    return np.repeat(pictures, 3 // pictures.shape[-1], axis=-1)


def _layer_of(model, layer):
    fitting = [each for each in flatten_layers(model) if _has_kernel_over_colors(each)]
    if layer is None and fitting:
        return fitting[0]
    found = next((each for each in fitting if layer in (each.name, each) if layer is not None), None)
    if found is None:
        names = ", ".join(each.name for each in fitting) or "none in this model"
        came = (
            "no layer" if layer is None else shown(layer if isinstance(layer, str) else getattr(layer, "name", layer))
        )
        raise ValueError(
            f"`layer` must be a convolution over images of 1 or 3 channels: {names}. Got {came}. "
            "For later layers use keras_see.neuron_images."
        )
    return found


def _has_kernel_over_colors(layer):
    kernel = getattr(layer, "kernel", None)
    shape = tuple(getattr(kernel, "shape", ()))
    return len(shape) == 4 and shape[2] in (1, 3) and shape[3] == getattr(layer, "filters", None)
