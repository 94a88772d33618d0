"""An image array split into colours and alpha, which restores its dtype and range."""

import dataclasses

import numpy as np

from keras_see._validation import shown
from keras_see.model.inputs import as_array
from keras_see.optimization.preprocessing import checked_range
from keras_see.pictures.image_loading import is_picture, loaded_picture
from keras_see.visualization.value_range import value_range_of


@dataclasses.dataclass(frozen=True)
class ImageArray:
    """An image array, its colours as float32, and its value range.

    Attributes:
        image: The user's array.
        colors: float32 `(height, width, k)`, of one channel (grey), three, or as many as the model takes.
        value_range: `(low, high)`, the values of black and white.
    """

    image: np.ndarray
    colors: np.ndarray
    value_range: tuple

    @property
    def size(self):
        """`(height, width)`."""
        return self.image.shape[:2]

    def plus(self, added):
        """Return the image with an array added to its colours, in its own shape, dtype and range.

        Alpha and all pixels to which zero is added stay as they are, bit for bit.
        """
        own = self.image.reshape(*self.size, -1)
        channels = self.colors.shape[-1]
        found = own[..., :channels] + added
        if self.image.dtype.kind in "iu":
            np.rint(found, out=found)
        found = found.clip(*self.value_range, out=found).astype(self.image.dtype)
        if own.shape[-1] > channels:
            found = np.concatenate([found, own[..., channels:]], axis=-1)
        return found.reshape(self.image.shape)


def image_array_of(image, channels, value_range=None, name="image"):
    """Return the `ImageArray` of an array for a model that takes this many channels; raise unless it is an image.

    Args:
        image: `(height, width)`, or `(height, width, k)`: grey, RGB, either with alpha, or the channels of the model.
        channels: Number of channels that the model takes.
        value_range: `(low, high)`; recognised by default.
        name: The name of the image in messages.
    """
    array = as_image_array(image, name)
    if array.dtype.kind not in "iuf":
        raise TypeError(
            f"`{name}` must be an array of numbers, (height, width, channels). Got {shown(image)}. "
            "Convert its values, or pass the path of a picture."
        )
    if array.ndim not in (2, 3) or 0 in array.shape:
        hint = f" Take one of the batch: {name}[0]." if array.ndim == 4 else " Reshape it."
        raise ValueError(f"`{name}` must have the shape (height, width, channels). Got {array.shape}.{hint}")
    if array.dtype.kind == "f" and not np.all(np.isfinite(array)):
        raise ValueError(f"`{name}` must hold finite numbers. It holds NaN or infinity. Replace these values.")
    colors = _colors(array if array.ndim == 3 else array[..., None], channels, name)
    limits = checked_range(value_range, value_range_of(colors))
    if colors.min() < limits[0] or colors.max() > limits[1]:
        raise ValueError(
            f"`{name}` must lie in `value_range`, {limits[0]:g} to {limits[1]:g}. Its values go from "
            f"{colors.min():g} to {colors.max():g}. Give the range in which it is kept."
        )
    return ImageArray(array, colors.astype("float32"), limits)


def as_image_array(image, name):
    """Return one image as a NumPy array, a picture as uint8; `name` is its name in messages."""
    wanted = f"`{name}` must be an array of numbers, (height, width, channels)"
    if is_picture(image):
        return loaded_picture(image, f"`{name}`")
    return as_array(image, wanted, "Make all of its rows equally long.")


def _colors(array, channels, name):
    count = array.shape[-1]
    if count == channels or (count in (1, 3) and channels in (1, 3)):
        return array
    if count - 1 == channels or (count - 1 in (1, 3) and channels in (1, 3)):
        return array[..., :-1]
    raise ValueError(
        f"`{name}` must have the model's {channels} channels, or be grey or RGB, with alpha or without, for a model "
        f"of grey or RGB. Got shape {array.shape}. Choose the channels that the model was trained on."
    )
