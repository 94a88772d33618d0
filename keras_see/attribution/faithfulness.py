"""Deletion and insertion: how the model's output follows the pixels that a map calls important."""

from __future__ import annotations

import keras
import numpy as np
from numpy.typing import ArrayLike

from keras_see._types import Images, Targets
from keras_see._validation import is_whole, is_word, numeric, shown
from keras_see.attribution.given_images import given_images
from keras_see.attribution.score_pass import outputs_while_replaced
from keras_see.model.cache import layer_calls_of
from keras_see.model.image_batches import check_batch_size, count_of, picture_of
from keras_see.model.reading import read, takes_logits
from keras_see.model.targets import resolve
from keras_see.visualization.map_drawing import blurred, checked_maps
from keras_see.visualization.resizing import resized_maps

__all__ = ["deletion_auc", "insertion_auc"]

# Standard deviation of the blur from which insertion starts, as a share of the longer side: 11 of 224 pixels. The
# paper's kernel of 11 pixels leaves a GoogLeNet much of what it needs; this one leaves little.
BLUR = 0.05

# Steps of a callback's curves: coarser than those of the functions, since training waits for them.
CALLBACK_STEPS = 16


def deletion_auc(
    model: keras.Model,
    images: Images,
    maps: ArrayLike,
    targets: Targets = None,
    *,
    steps: int = 50,
    fill: str | ArrayLike | None = None,
    batch_size: int = 32,
) -> np.ndarray:
    r"""Return the area under the model's output while pixels are deleted, those with the highest map values first.

    $\frac{1}{K} \sum_{k=1}^{K} \frac{1}{2} (y_{k-1} + y_k)$, with the output $y_k$ for the explained class when the
    share $k / K$ of the pixels is replaced by `fill` (Petsiuk, Das and Saenko 2018, *RISE*, section 4.2,
    arXiv:1806.07421). The lower, the better the map finds what the output rests on. Pixels of equal value follow in
    random order, the same for all images. Compare with `controls`: a bare centre does well on photographs.

    The output is the model's own: a probability where it closes with a softmax or sigmoid, else the value. What the
    model makes of images with holes may differ from what it makes of images.

    Args:
        model: A built Keras model.
        images: As for `saliency_maps`.
        maps: `(n, rows, columns)`, resized to the images (bicubic).
        targets: What is explained, one per image, as for `saliency_maps`; the predicted class stays that of the whole
            image.
        steps: Number of steps $K$ in which all pixels are replaced.
        fill: What takes the place of pixels: `None` the image's mean colour; `"blur"` the blurred image (a Gaussian of
            a twentieth of the longer side); a number; a colour `(channels,)`; or images.
        batch_size: Images per run of the model; bounds the memory.

    Returns:
        float64 `(n,)`, in units of the output; NaN where a map has no positive value.

    Raises:
        ValueError: If images, maps and targets do not fit one another or the model.

    Example:
        >>> import numpy as np
        >>> from keras_see import gap_classifier, saliency_maps
        >>> model, images = gap_classifier(3, (16, 16, 3)), np.random.default_rng(0).random((2, 16, 16, 3))
        >>> deletion_auc(model, images, saliency_maps(model, images), steps=8).shape
        (2,)
    """
    return _area(model, images, maps, targets, steps, fill, batch_size, what="fill")


def insertion_auc(
    model: keras.Model,
    images: Images,
    maps: ArrayLike,
    targets: Targets = None,
    *,
    steps: int = 50,
    start: str | ArrayLike | None = "blur",
    batch_size: int = 32,
) -> np.ndarray:
    """Return the area under the model's output while pixels are put into `start`, those with the highest values first.

    As for `deletion_auc`, the other way round (Petsiuk, Das and Saenko 2018, section 4.2, arXiv:1806.07421): the
    higher, the better. The difference of insertion and deletion is one number for both.

    Args:
        model: A built Keras model.
        images: As for `saliency_maps`.
        maps: `(n, rows, columns)`, resized to the images (bicubic).
        targets: As for `deletion_auc`.
        steps: Number of steps in which all pixels are put in.
        start: What the pixels are put into, as `fill` of `deletion_auc`. Default: the blurred image.
        batch_size: Images per run of the model; bounds the memory.

    Returns:
        float64 `(n,)`, in units of the output; NaN where a map has no positive value.

    Raises:
        ValueError: If images, maps and targets do not fit one another or the model.

    Example:
        >>> import numpy as np
        >>> from keras_see import gap_classifier, saliency_maps
        >>> model, images = gap_classifier(3, (16, 16, 3)), np.random.default_rng(0).random((2, 16, 16, 3))
        >>> insertion_auc(model, images, saliency_maps(model, images), steps=8).shape
        (2,)
    """
    return _area(model, images, maps, targets, steps, start, batch_size, what="start")


def area_while_replaced(model, images, target, maps, others, steps, batch_size, is_insertion=False):
    """Return the area under the outputs while pixels of images are replaced; nothing is checked.

    Args:
        model: A built model.
        images: Checked images.
        target: The checked `Target`.
        maps: `(n, rows, columns)`.
        others: What takes the place of pixels, as `replacement` returns it.
        steps: Number of steps.
        batch_size: Images per run of the model.
        is_insertion: Whether the pixels of the images replace those of `others`, and not the other way round.
    """
    size = picture_of(images).shape[1:3]
    ranks, total = _ranks(resized_maps(maps, size)), size[0] * size[1]
    counts = np.rint(np.linspace(0, total, steps + 1)).astype("int32")
    if is_insertion:  # from its end: where the least important pixels are replaced first, the most important stay
        ranks = total - 1 - ranks
    outputs = outputs_while_replaced(model, images, target, others, ranks, counts, batch_size)
    areas = (outputs.sum(axis=1) - (outputs[:, 0] + outputs[:, -1]) / 2) / steps
    return np.where(maps.max(axis=(1, 2)) > 0, areas, np.nan)


def areas_of_both(model, images, target, maps, steps=CALLBACK_STEPS, batch_size=32):
    """Return `"deletion"` and `"insertion"`, float64 `(n,)` each, of checked arguments; for callbacks."""
    picture = picture_of(images)
    return {
        word: area_while_replaced(
            model, images, target, maps, replacement(fill, picture), steps, batch_size, is_insertion
        )
        for word, fill, is_insertion in (("deletion", None, False), ("insertion", "blur", True))
    }


def replacement(fill, images, what="fill"):
    """Return what takes the place of pixels, float32 in the shape of the images; raise where it does not fit."""
    images = np.asarray(images, "float32")
    if fill is None:
        return np.broadcast_to(images.mean(axis=(1, 2), keepdims=True), images.shape)
    if is_word(fill, ("blur",)):
        return np.moveaxis(
            np.stack([blurred(images[..., channel], BLUR) for channel in range(images.shape[-1])]), 0, -1
        )
    array = None if isinstance(fill, str) else numeric(fill)
    if array is None or not _fits(array, images.shape):
        raise ValueError(
            f'`{what}` must be None (the mean colour), "blur", a number, a colour of {images.shape[-1]} channels, or '
            f"images of shape {images.shape}. Got {shown(fill)}. Choose one of these."
        )
    return np.broadcast_to(array.astype("float32"), images.shape)


def _fits(array, shape):
    return array.shape in ((), shape[-1:], shape[1:], shape) and bool(np.all(np.isfinite(array)))


def _area(model, images, maps, targets, steps, fill, batch_size, what):
    images, labels = given_images(model, images)
    count, maps = count_of(images), checked_maps(maps)
    check_batch_size(batch_size)
    if not is_whole(steps, 1):
        raise ValueError(f"`steps` must be a whole number from 1. Got {shown(steps)}. 50 is the default.")
    if len(maps) != count:
        raise ValueError(
            f"`maps` must hold one map for each of the {count} images. Got {len(maps)}. Pass the maps of these images."
        )
    layer_calls = layer_calls_of(model, images)
    reading = read([] if labels is None else [labels], layer_calls, from_logits=takes_logits(model))
    target = resolve(targets, layer_calls, count, reading)
    others = replacement(fill, picture_of(images), what)
    return area_while_replaced(model, images, target, maps, others, steps, batch_size, what == "start")


def _ranks(maps):
    """Return the ranks of all places, int `(n, rows, columns)`: 0 for the highest; equal ones in random order."""
    order = np.random.default_rng(0).permutation(maps[0].size)
    ranks = np.empty((len(maps), maps[0].size), "int32")
    for number, each in enumerate(maps.reshape(len(maps), -1)):
        ranks[number, np.lexsort((order, -each))] = np.arange(each.size)
    return ranks.reshape(maps.shape)
