"""Top images: the patches of a data set that excite a channel most, found in one pass over it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import keras
import numpy as np

from keras_see._types import Display, ImageSource, Layer, Preprocess
from keras_see._validation import is_whole, shown
from keras_see.attribution.feature_maps import checked_channels
from keras_see.attribution.feature_pass import feature_pass
from keras_see.attribution.receptive_field import ReceptiveFields
from keras_see.model.cache import layer_calls_of
from keras_see.model.image_batches import count_of, picture_of, take, to_numpy
from keras_see.model.image_stream import image_stream
from keras_see.model.inputs import check_fit, check_model
from keras_see.model.layer_calls import per_batch
from keras_see.visualization.display import to_pictures
from keras_see.visualization.patch_grid import AROUND
from keras_see.visualization.value_range import value_range_of


class TopImages(NamedTuple):
    """The patches of a data set that excite one channel most, the strongest first.

    Attributes:
        pictures: uint8 `(n, height, width, 3)`: each patch, in the middle of dark grey where an edge of its image has
            made it smaller than others.
        boxes: int `(n, 4)`: the patch in its image, `(x0, y0, x1, y1)` in pixels, half-open.
        values: float32 `(n,)`: the channel's highest activation in the image.
        indices: int `(n,)`: the number of the image in the data set, in the order in which it was read.
    """

    pictures: np.ndarray
    boxes: np.ndarray
    values: np.ndarray
    indices: np.ndarray


def top_images(
    model: keras.Model,
    images: ImageSource,
    layer: Layer,
    channels: Sequence[int],
    n: int = 9,
    *,
    preprocess: Preprocess | None = None,
    display: Display = None,
    batch_size: int = 32,
) -> dict[int, TopImages]:
    """Return the patches of a data set that excite channels of a layer most: at most one per image.

    They show what a channel responds to in real images, beside what `neuron_images` finds without any (Zeiler and
    Fergus 2014, *Visualizing and Understanding Convolutional Networks*, section 4, arXiv:1311.2901). A patch is the
    receptive field of the place with the highest activation: the box of all pixels that it depends on, as far as it
    lies in the image. In deep layers that is the whole image, of which the middle of the box counts most.

    The data set is read once, and the model runs on each image once. At most `len(channels)` · `n` images are kept in
    memory.

    Args:
        model: A built Keras model.
        images: As for `Watch`: an array, pictures or their paths, `(x, y)`, a `tf.data.Dataset`, a
            `keras.utils.PyDataset` or a torch `DataLoader`; or another iterable of batches. All of one size.
        layer: As for `grad_cam_maps`; also a layer of units without rows and columns, whose patches are whole images.
        channels: Channel numbers.
        n: Number of patches per channel; fewer if there are fewer images.
        preprocess: Function from the images to what the model takes. The images themselves are shown.
        display: How images become pictures, as for `overlay`, apart from an array.
        batch_size: Images per pass; bounds the memory of the device.

    Returns:
        A dict: channel number to `TopImages`.

    Raises:
        ValueError: If the data set holds no image, or images of several sizes, or an argument does not fit the model.

    Example:
        >>> import numpy as np
        >>> from keras_see import gap_classifier
        >>> model, images = gap_classifier(5, (32, 32, 3)), np.random.default_rng(0).random((20, 32, 32, 3))
        >>> top = top_images(model, images, "class_maps", channels=[0, 3], n=4)
        >>> top[3].pictures.shape[0], top[3].boxes.shape
        (4, (4, 4))
    """
    check_model(model)
    if not is_whole(n, 1):
        raise ValueError(f"`n` must be a whole number from 1. Got {shown(n)}. 9 patches make a good sheet.")
    if display is not None and not callable(display) and not _is_pair(display):
        raise ValueError(
            "`display` must be None, (black, white) or a function here: there are no pictures of a whole data set. "
            f"Got {shown(display)}. Leave it out if the images are pictures themselves."
        )
    search = _Search(model, layer, channels, n, preprocess, batch_size)
    for batch in image_stream(images, None if preprocess else model, batch_size):
        search.look_at(batch)
    return search.found(display)


class _Search:
    """The strongest images of each channel so far."""

    def __init__(self, model, layer, channels, n, preprocess, batch_size):
        self._model, self._layer, self._asked, self._n = model, layer, channels, n
        self._preprocess, self._batch_size = preprocess, batch_size
        self._seen, self._low, self._high, self._first = 0, np.inf, -np.inf, None
        self._best = []  # per channel a list of (value, -index, place, picture), the strongest first

    def look_at(self, images):
        """Take in a batch of images."""
        inputs = images if self._preprocess is None else to_numpy(self._preprocess(np.array(images)))
        pictures = picture_of(images)
        if self._first is None:
            self._start(inputs, pictures)
        if pictures.shape[1:] != self._pictures_shape:
            raise ValueError(
                f"`images` must be of one size. Got {self._pictures_shape} and {pictures.shape[1:]}. Resize them."
            )
        self._low, self._high = min(self._low, pictures.min()), max(self._high, pictures.max())
        count = count_of(inputs)
        padded = take(inputs, np.minimum(np.arange(max(count, self._length)), count - 1))
        values, places = feature_pass(self._model, padded, self._path).strongest(padded, self._channels)
        for column, best in enumerate(self._best):
            self._keep(best, values[:count, column], places[:count, column], pictures)
        self._seen += count

    def _start(self, inputs, pictures):
        check_fit(inputs, self._model, "`images`")
        call = layer_calls_of(self._model, inputs).find(self._layer)
        if call.shape is None or len(call.shape) not in (2, 4):
            found = "gives no single tensor" if call.shape is None else f"gives shape {per_batch(call.shape)}"
            raise ValueError(
                "`layer` must have an output (batch, rows, columns, channels) or (batch, units). "
                f"{call.path!r} {found}. keras_see.layers(model) lists all; choose another."
            )
        self._first, self._path, self._shape = take(inputs, slice(1)), call.path, call.shape[1:]
        self._length = count_of(inputs)  # a shorter last batch is filled up, so that nothing is traced again
        self._pictures_shape, self._dtype = pictures.shape[1:], pictures.dtype
        self._channels = checked_channels(self._asked, call.shape[-1])
        self._best = [[] for _ in self._channels]

    def _keep(self, best, values, places, pictures):
        for row in np.argsort(-values, kind="stable")[: self._n]:
            entry = values[row], -(self._seen + int(row)), places[row], row
            if len(best) == self._n and entry[:2] <= best[-1][:2]:
                break
            best.append((*entry[:3], pictures[row].copy()))
            best.sort(key=lambda each: each[:2], reverse=True)
            del best[self._n :]

    def found(self, display):
        """Return the `TopImages` of each channel."""
        if self._first is None:
            raise ValueError("`images` must hold one image at least. The data set is empty. Pass one that is not.")
        places = sorted({int(place) for best in self._best for _, _, place, _ in best})
        boxes = dict(zip(places, self._fields().boxes(places), strict=True))
        display = display or (None if self._dtype == np.uint8 else self._value_range(self._low, self._high))
        return {
            int(channel): _top_images(best, boxes, display)
            for channel, best in zip(self._channels, self._best, strict=True)
        }

    def _fields(self):
        features, picture = feature_pass(self._model, self._first, self._path), picture_of(self._first)
        span = self._value_range(picture.min(), picture.max())
        return ReceptiveFields(features, self._first, self._shape, span, self._batch_size)

    def _value_range(self, low, high):
        return value_range_of(np.array([low, high], self._dtype if self._dtype == np.uint8 else "float32"))


def _top_images(best, boxes, display):
    own = [boxes[int(place)] for _, _, place, _ in best]
    patches = [
        to_pictures(picture[None, y0:y1, x0:x1], display)[0][0]
        for (*_, picture), (x0, y0, x1, y1) in zip(best, own, strict=True)
    ]
    size = tuple(max(patch.shape[axis] for patch in patches) for axis in (0, 1))
    return TopImages(
        np.stack([_in_the_middle(patch, size) for patch in patches]),
        np.array(own),
        np.array([value for value, *_ in best], "float32"),
        np.array([-number for _, number, *_ in best]),
    )


def _in_the_middle(patch, size):
    whole = np.full((*size, 3), AROUND, "uint8")
    top, left = (size[axis] - patch.shape[axis] for axis in (0, 1))
    whole[top // 2 : top // 2 + patch.shape[0], left // 2 : left // 2 + patch.shape[1]] = patch
    return whole


def _is_pair(display):
    return isinstance(display, tuple | list) and len(display) == 2 and all(np.ndim(value) == 0 for value in display)
