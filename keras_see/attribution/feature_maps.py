"""Feature maps: a layer's activations themselves, and the strongest of them as a grid."""

from __future__ import annotations

import math
from collections.abc import Sequence

import keras
import numpy as np

from keras_see._types import Images, Layer
from keras_see._validation import numeric, shown
from keras_see.attribution.feature_pass import feature_pass
from keras_see.attribution.given_images import given_images
from keras_see.attribution.method import Method
from keras_see.model.cache import layer_calls_of
from keras_see.model.image_batches import batches, count_of, take
from keras_see.visualization.map_drawing import HEAT_UNSMOOTHED

# Number of channels that a picture shows: a grid of 3 × 3.
SHOWN = 9


def feature_maps(
    model: keras.Model,
    images: Images,
    layer: Layer | None = None,
    channels: Sequence[int] | None = None,
    *,
    batch_size: int = 32,
) -> np.ndarray:
    """Return the activations of a layer: its output, as the model computes it in inference mode.

    Nothing is rescaled. They say what the layer responds to, not what the model makes of it.

    Args:
        model: A built Keras model, of any kind, on any backend.
        images: As for `saliency_maps`.
        layer: As for `grad_cam_maps`. Default: the last layer whose output still has rows and columns.
        channels: Channel numbers. Default: all of them.
        batch_size: Images per pass; bounds the memory of the device.

    Returns:
        float32 `(n, rows, columns, k)`, `k` channels in the order of `channels`, in units of the features.

    Raises:
        ValueError: If the layer does not exist or has no rows and columns, or has no such channel.

    Example:
        >>> import numpy as np
        >>> from keras_see import gap_classifier
        >>> model = gap_classifier(5, input_shape=(32, 32, 3))
        >>> feature_maps(model, np.zeros((2, 32, 32, 3)), "class_maps", [0, 4]).shape
        (2, 8, 8, 2)
    """
    given, _ = given_images(model, images)
    call = layer_calls_of(model, given).spatial_call(layer)
    numbers = checked_channels(channels, call.shape[-1])
    found = []
    for rows, valid in batches(count_of(given), batch_size, padded=True):
        part = take(given, rows)
        found.append(feature_pass(model, part, call.path).features(part, numbers)[:valid])
    return np.concatenate(found)


def checked_channels(channels, count):
    """Return channel numbers as an int32 array, all of them by default; raise where there is no such channel."""
    if channels is None:
        return np.arange(count, dtype="int32")
    numbers = numeric(channels)
    is_list = numbers is not None and numbers.ndim == 1 and numbers.size and numbers.dtype.kind in "iu"
    if not is_list or numbers.min() < 0 or numbers.max() >= count:
        raise ValueError(
            f"`channels` must be a list of whole numbers from 0 to {count - 1}: the layer has {count} channels. "
            f"Got {shown(channels)}. Pass [0, 1], for instance."
        )
    return numbers.astype("int32")


def grid_of_strongest(maps):
    """Return the strongest channels of each image in one map, and their numbers as they lie there, in lines of text.

    The strongest are those with the highest mean of their positive part, from the top left in order; between them lies
    a line of zeros.

    Args:
        maps: `(n, rows, columns, channels)`.

    Returns:
        float32 `(n, rows', columns')`, and per image a text for each row of the grid.
    """
    count = min(SHOWN, maps.shape[-1])
    order = np.argsort(-maps.clip(0).mean(axis=(1, 2)), axis=-1, kind="stable")[:, :count]
    chosen = np.moveaxis(np.take_along_axis(maps, order[:, None, None], axis=-1), -1, 1)
    across = math.ceil(math.sqrt(count))
    down = math.ceil(count / across)
    padded = np.pad(chosen, [(0, 0), (0, across * down - count), (0, 1), (0, 1)])
    rows, columns = padded.shape[2:]
    grid = padded.reshape(-1, down, across, rows, columns).swapaxes(2, 3).reshape(-1, down * rows, across * columns)
    starts = range(0, count, across)
    lines = [[", ".join(map(str, numbers[start : start + across])) for start in starts] for numbers in order]
    return grid[:, :-1, :-1], lines


def _place(layer_calls, layer):
    return layer_calls.spatial_call(layer).path


FEATURES = Method(
    word="features",
    title="Features",
    place=_place,
    formula=lambda values: values,
    meaning="The channels of the layer with the highest means, each a small map; the caption has their numbers as "
    "they lie. Bright: a high activation; zero and below are black.",
    style=HEAT_UNSMOOTHED,
    kind="forward",
    layout=grid_of_strongest,
)
