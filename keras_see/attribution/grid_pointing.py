"""The grid pointing game: whether a map of a mosaic of images finds the image of the explained class."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np
from numpy.typing import ArrayLike

from keras_see._types import Images
from keras_see._validation import are_whole, is_whole, numeric, shown
from keras_see.attribution.chosen_method import maps_of
from keras_see.attribution.given_images import given_images
from keras_see.model.image_batches import check_batch_size, count_of, picture_of
from keras_see.model.inputs import input_shapes
from keras_see.pictures.fitting import resized

__all__ = ["grid_pointing"]


def grid_pointing(
    model: keras.Model,
    images: Images,
    labels: ArrayLike,
    method: str | Mapping[str, Mapping[str, Any]] | Callable[..., Any],
    cells: int = 2,
    *,
    batch_size: int = 32,
) -> np.ndarray:
    r"""Return which share of a map's positive energy lies on the right image of a mosaic of images.

    Each image gets a mosaic of `cells` × `cells` images of different classes, in which it is one; the method explains
    its class there. $L = \sum_{p \in \text{cell}} M^+_p \,/\, \sum_p M^+_p$ (Böhle, Fritz and Schiele 2021,
    *Convolutional Dynamic Alignment Networks*, section 4, arXiv:2104.00032). A map that knows nothing scores
    $1 / \text{cells}^2$. The truth is known without boxes. Choose images that the model classifies right.

    Where the model takes images of any size a mosaic holds them as they are, and is `cells` times as high and wide;
    else they are scaled down (bilinear) to fit. The other images are the next ones of other classes, in order; the
    place of an image goes round with its number. Values of a map count for the whole square that they stand for:
    nothing is interpolated.

    Args:
        model: A built Keras model with one input and one output of classes.
        images: As for `saliency_maps`, of `cells`² different classes at least.
        labels: Class numbers `(n,)`.
        method: The word of a method, such as `"grad_cam"`; a mapping from it to its options; or a function of model,
            images and targets that returns maps `(n, rows, columns)`.
        cells: Number of images along each side of a mosaic, from 2.
        batch_size: Mosaics per pass; bounds the memory.

    Returns:
        float64 `(n,)` between 0 and 1; NaN where a map has no positive value.

    Raises:
        ValueError: If there are too few classes, or images, labels and method do not fit the model.

    Example:
        >>> import numpy as np
        >>> from keras_see import gap_classifier
        >>> images, labels = np.random.default_rng(0).random((4, 16, 16, 3)), [0, 1, 2, 3]
        >>> grid_pointing(gap_classifier(4, (16, 16, 3)), images, labels, "saliency").shape
        (4,)
    """
    given, _ = given_images(model, images)
    check_batch_size(batch_size)
    if not is_whole(cells, 2):
        raise ValueError(f"`cells` must be a whole number from 2. Got {shown(cells)}. 2 makes mosaics of four images.")
    classes = _checked_labels(labels, count_of(given))
    if len(keras.tree.flatten(given)) > 1:
        raise ValueError(
            f"`model` must have one input, of which mosaics are made. Got {len(keras.tree.flatten(given))}. "
            "Wrap it in a model that makes the other inputs itself."
        )
    return _shares(model, picture_of(given), classes, method, cells, batch_size)


def _shares(model, pictures, labels, method, cells, batch_size):
    """Return the shares of all images; a batch of mosaics at a time."""
    neighbours = [_neighbours(number, labels, cells**2) for number in range(len(labels))]
    found = []
    for start in range(0, len(pictures), batch_size):
        numbers = range(start, min(start + batch_size, len(pictures)))
        boxes, size = _cells(model, pictures.shape[1:3], cells)
        mosaics = np.stack([_mosaic(pictures[neighbours[number]], boxes, size) for number in numbers])
        maps = maps_of(method, model, mosaics, labels[numbers], batch_size)
        own = [boxes[number % cells**2] for number in numbers]
        found.append([_share_in(each, box, size) for each, box in zip(maps, own, strict=True)])
    return np.concatenate(found)


def _checked_labels(labels, count):
    found = numeric(labels)
    if found is None or found.shape != (count,) or not are_whole(found):
        raise ValueError(
            f"`labels` must hold one class number per image, {count} in all. Got {shown(labels)}. "
            "Of one-hot rows pass labels.argmax(axis=-1)."
        )
    return found.astype("int64")


def _neighbours(number, labels, count):
    """Return the numbers of the images of a mosaic, of different classes, in which an image has its place."""
    others, seen = [], {labels[number]}
    for other in np.arange(number + 1, number + len(labels)) % len(labels):
        if labels[other] not in seen and len(others) < count - 1:
            others.append(other)
            seen.add(labels[other])
    if len(others) < count - 1:
        raise ValueError(
            f"`labels` must hold {count} different classes at least, one for each image of a mosaic. "
            f"Got {len(seen)}. Pass images of more classes."
        )
    place = number % count
    return [*others[:place], number, *others[place:]]


def _cells(model, side, cells):
    """Return the boxes `(x0, y0, x1, y1)` of the cells, row by row, and the `(height, width)` of a mosaic."""
    shapes = input_shapes(model)
    takes_any = bool(getattr(model, "inputs", None)) and shapes[0][1:3] == (None, None)
    size = tuple(cells * length for length in side) if takes_any else side
    rows, columns = (np.rint(np.linspace(0, length, cells + 1)).astype(int) for length in size)
    boxes = [(x0, y0, x1, y1) for y0, y1 in itertools.pairwise(rows) for x0, x1 in itertools.pairwise(columns)]
    return boxes, size


def _mosaic(pictures, boxes, size):
    mosaic = np.zeros((*size, pictures.shape[-1]), "float32")
    for picture, (x0, y0, x1, y1) in zip(pictures, boxes, strict=True):
        fits = picture.shape[:2] == (y1 - y0, x1 - x0)
        mosaic[y0:y1, x0:x1] = picture if fits else resized(picture, (y1 - y0, x1 - x0))
    return mosaic


def _share_in(values, box, size):
    """Return which share of a map's positive values lies in a box, each spread evenly over its square."""
    positive = np.clip(values.astype("float64"), 0, None)
    x0, y0, x1, y1 = box
    rows, columns = _covered(y0, y1, size[0], len(positive)), _covered(x0, x1, size[1], positive.shape[1])
    total = positive.sum()
    return rows @ positive @ columns / total if total > 0 else np.nan


def _covered(start, end, length, count):
    """Return which share of each of `count` equal parts of a length lies between start and end."""
    edges = np.linspace(0, length, count + 1)
    return np.clip(np.minimum(edges[1:], end) - np.maximum(edges[:-1], start), 0, None) * count / length
