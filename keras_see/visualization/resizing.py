"""Resize maps, images and pictures with Pillow."""

import numpy as np
from PIL import Image

from keras_see._validation import is_size, is_word, shown
from keras_see.model.image_batches import picture_of


def resized_maps(maps, size, box=None):
    """Return maps `(n, rows, columns)` resized to `(n, height, width)`: float32, bicubic, pixel centres aligned.

    Maps that already have the size are returned as they are.

    Args:
        maps: `(n, rows, columns)`.
        size: `(height, width)`.
        box: The region to resize, `(left, top, right, bottom)` in pixels, fractions allowed; everything by default.
    """
    if box is None and maps.shape[1:3] == tuple(size):
        return maps
    return np.stack([_resized_plane(plane, size, box) for plane in maps])


def resized_image(image, size, box=None):
    """Return one image `(height, width, channels)` in another size, as `resized_maps` does with its channels."""
    if box is None and image.shape[:2] == tuple(size):
        return image
    resized = np.empty((*size, image.shape[-1]), "float32")
    for channel in range(image.shape[-1]):
        resized[..., channel] = _resized_plane(image[..., channel], size, box)
    return resized


def resized_picture(picture, size):
    """Return a uint8 picture `(height, width, 3)` in another size, as a uint8 array.

    It is enlarged by whole factors without smoothing, so that the pixels of a small picture stay visible; otherwise
    it is filtered (Lanczos).
    """
    height, width = size
    rows, columns = picture.shape[:2]
    if (rows, columns) == (height, width):
        return picture
    if height % rows == 0 and width % columns == 0:
        return picture.repeat(height // rows, axis=0).repeat(width // columns, axis=1)
    image = Image.fromarray(np.ascontiguousarray(picture))
    return np.asarray(image.resize((width, height), Image.Resampling.LANCZOS))


def check_size(size):
    """Raise unless `size` is one that users may ask of maps: None (the layer's own), "images" or `(height, width)`."""
    if size is not None and not is_size(size) and not is_word(size, ["images"]):
        raise ValueError(
            f'`size` must be None, "images" or (height, width) in pixels. Got {shown(size)}. Choose one of these.'
        )


def resized_to(maps, size, images):
    """Return maps `(n, rows, columns)` in a size that `check_size` accepts; "images" is the size of these images.

    Args:
        maps: `(n, rows, columns)`.
        size: As the user gave it.
        images: The images, channels last, or their `(height, width)`.
    """
    if size is None:
        return maps
    own = tuple(images) if is_size(images) else np.shape(picture_of(images))[1:3]
    return resized_maps(maps, own if is_word(size, ["images"]) else size)


def _resized_plane(plane, size, box):
    height, width = map(int, size)
    image = Image.fromarray(np.ascontiguousarray(plane, "float32"))
    return np.asarray(image.resize((width, height), Image.Resampling.BICUBIC, box))
