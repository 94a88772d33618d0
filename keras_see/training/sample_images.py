"""Sample images: the few images that a callback evaluates, taken once from an array or a dataset."""

import contextlib
import copy
import dataclasses
import weakref
import zlib
from collections.abc import Iterable, Iterator

import keras
import numpy as np

from keras_see._validation import is_whole, shape_of, shown
from keras_see.model import backend
from keras_see.model.image_batches import count_of, take, to_numpy
from keras_see.model.input_kinds import split_labels
from keras_see.model.inputs import check_inputs
from keras_see.model.labels import checked_labels, label_leaves
from keras_see.model.layer_calls import first_line
from keras_see.pictures.image_loading import are_pictures

# Number of images taken from a dataset if `n` is not given, and the most that an array may hold without `n`.
DATASET_SAMPLES = 8
MOST_IN_ARRAY = 64

# What was read of datasets, so that all callbacks that are given one see the same images, shuffled or not:
# dataset -> batches.
_READ: weakref.WeakKeyDictionary = weakref.WeakKeyDictionary()

# Name of preprocessed images in messages.
PREPROCESSED = "The images that `preprocess` returns"


@dataclasses.dataclass(frozen=True)
class SampleImages:
    """Checked images, the model inputs made from them, and their labels.

    Attributes:
        images: The images as given, for display: `(n, height, width, channels)`, or a list or dict of arrays.
        inputs: What the model takes: the result of `preprocess`, or `images` itself.
        labels: The labels of each output of the model, as arrays; an empty list where there are none.
    """

    images: object
    inputs: object
    labels: list

    @property
    def inputs_name(self):
        """Name of the inputs in messages."""
        return "`images`" if self.inputs is self.images else PREPROCESSED

    @property
    def fingerprint(self):
        """A whole number below 2^24 that tells these images from others."""
        number = 0
        for leaf in keras.tree.flatten(self.images):
            number = zlib.crc32(np.ascontiguousarray(leaf).tobytes(), number)
        return number % 2**24

    @property
    def count(self):
        """Number of images."""
        return count_of(self.images)


def sample(images, labels=None, n=None, preprocess=None):
    """Return `SampleImages` from the `images` argument of a callback.

    Args:
        images: An array, or a list or dict of arrays; pictures, as `keras_see.pictures.image_loading.loaded` takes
            them; a tuple `(x, y)` or `(x, y, weights)`; a `tf.data.Dataset`, a
            `keras.utils.PyDataset` or a `torch.utils.data.DataLoader`, of which the first batches are read, once.
        labels: The labels, if they are not part of `images`.
        n: Number of images to take. Default: 8 from a dataset, all of an array.
        preprocess: Function from images to model inputs.

    Raises:
        TypeError: If an argument is of a wrong kind.
        ValueError: If the images cannot be read, are not finite, or fit neither `labels` nor `n`.
    """
    if n is not None and not is_whole(n, 1):
        raise ValueError(f"`n` must be a whole number from 1. Got {shown(n)}. 8 images make a good sheet.")
    x, y = split_labels(images if _is_arrays(images) else _first_of_dataset(images, n or DATASET_SAMPLES))
    if are_pictures(x) and isinstance(x, list):
        _check_count(len(x), n)  # before all of them are loaded
    x = check_inputs(x)
    _check_count(count_of(x), n)
    labels = checked_labels(y if labels is None else labels, count_of(x))
    x = take(x, slice(n))
    inputs = x if preprocess is None else _preprocessed(preprocess, x)
    return SampleImages(x, inputs, [leaf[:n] for leaf in labels])


def _check_count(count, n):
    if n is not None and count < n:
        raise ValueError(
            f"`n` must be at most the number of images, {count}. Got {n}. Leave it out, or pass more images."
        )
    if n is None and count > MOST_IN_ARRAY:
        raise ValueError(
            f"`images` must be a few sample images, at most {MOST_IN_ARRAY} unless `n` asks for more. "
            f"Got {count}. Pass images[:8] or n=8."
        )


def _preprocessed(preprocess, images):
    """Return `preprocess(images)`, checked."""
    if not callable(preprocess):
        raise TypeError(
            "`preprocess` must be a function from images to what the model takes. "
            f"Got {shown(preprocess)}. Pass for example keras.applications.resnet50.preprocess_input."
        )
    expected = f"`preprocess` must return what the model takes, for each of the {count_of(images)} images. "
    inputs = _call_preprocess(preprocess, images, expected)
    _check_batch_axis(inputs, count_of(images), expected)
    return check_inputs(inputs, what=PREPROCESSED)


def _call_preprocess(preprocess, images, expected):
    try:
        return preprocess(keras.tree.map_structure(np.array, images))  # a copy: Keras's `preprocess_input` writes to it
    except Exception as error:
        message = f"{type(error).__name__}: {first_line(error)}"
        raise ValueError(f"{expected}Got {message} Call it on the images by itself to see why.") from error


def _check_batch_axis(inputs, count, expected):
    leaves = [] if inputs is None else keras.tree.flatten(inputs)
    if not leaves or any((shape_of(leaf) or ())[:1] != (count,) for leaf in leaves):
        got = ", ".join(map(shown, leaves[:3])) or shown(inputs)
        raise ValueError(f"{expected}Got {got}. Keep the batch axis as it is.")


def _is_arrays(images):
    if isinstance(images, tuple | list | dict) or images is None:
        return True
    return hasattr(images, "shape") or np.isscalar(images) or are_pictures(images)


def _first_of_dataset(dataset, count):
    """Return `(x, y)`: the first `count` images of a dataset and a tuple of the labels of each output."""
    _check_dataset(dataset)
    batches = _known_batches(dataset)
    if sum(count_of(x) for x, _ in batches) < count:
        with _random_state_kept(dataset):
            batches = _first_batches(dataset, count)
        with contextlib.suppress(TypeError):  # not everything that can be iterated over can be referred to weakly
            _READ[dataset] = batches
    if not batches:
        raise ValueError("`images` must hold one image at least. The dataset is empty. Pass one that is not.")
    x, labels = _joined(batches, count)
    return x, tuple(labels)


def _known_batches(dataset):
    """Return the batches that another callback was given of this dataset."""
    try:
        return _READ.get(dataset, [])
    except TypeError:
        return []


def _check_dataset(dataset):
    if isinstance(dataset, keras.utils.PyDataset):
        return
    if isinstance(dataset, Iterable) and not isinstance(dataset, Iterator | keras.Layer):
        return
    can_be_indexed = hasattr(dataset, "__getitem__")
    raise TypeError(
        "`images` must be an array, a pair (x, y), a tf.data.Dataset, a PyDataset or a DataLoader. "
        f"Got {shown(dataset)}. "
        + ("Put it into a DataLoader." if can_be_indexed else "Take some images out of it first.")
    )


def _first_batches(dataset, count):
    """Return pairs of images and a list of labels, as many as it takes to have `count` images."""
    batches, taken = [], 0
    for batch in _read(dataset):
        batches.append(_as_batch(*split_labels(tuple(batch) if _is_list_of_pair(batch) else batch)))
        taken += count_of(batches[-1][0])
        if taken >= count:
            break
    return batches


def _is_list_of_pair(batch):
    return isinstance(batch, list) and len(batch) in (2, 3)  # as a DataLoader of PyTorch gives (x, y)


def _as_batch(x, y):
    """Return images and labels as arrays with a batch axis, which datasets of single images lack."""
    x = keras.tree.map_structure(to_numpy, x)
    if not any(np.ndim(leaf) == 4 for leaf in keras.tree.flatten(x)):
        x = keras.tree.map_structure(lambda leaf: leaf[None], x)
        y = keras.tree.map_structure(lambda leaf: to_numpy(leaf)[None], y)
    return [x, label_leaves(y, count_of(x))]


def _joined(batches, count):
    try:
        return keras.tree.map_structure(lambda *parts: np.concatenate(parts)[:count], *batches)
    except ValueError as error:  # from NumPy for shapes, from Keras for structures
        shapes = dict.fromkeys(str(leaf.shape[1:]) for x, _ in batches for leaf in keras.tree.flatten(x))
        raise ValueError(
            "`images` must be a dataset whose batches can be joined: images of one size, labels of one kind. "
            f"Got images of {', '.join(shapes)}. Resize or crop them, or take n={count_of(batches[0][0])} or fewer."
        ) from error


def _read(dataset):
    """Yield the batches of a dataset; an error while reading names the argument."""
    try:
        yield from _batches(dataset)
    except Exception as error:
        raise ValueError(
            "`images` must be a dataset that can be read. "
            f"Got {type(error).__name__}: {first_line(error)} Try next(iter(dataset)) by itself, or pass an array."
        ) from error


def _batches(dataset):
    if isinstance(dataset, keras.utils.PyDataset):
        with contextlib.suppress(Exception):  # a copy, since it may hold a random generator of its own
            dataset = copy.deepcopy(dataset, {id(part): part for part in _data_in(vars(dataset))})
        return (dataset[number] for number in range(dataset.num_batches or len(dataset)))
    return dataset


def _data_in(thing, depth=3):
    """Yield the arrays with two axes or more that an object's attributes hold: data, too large to be copied."""
    if isinstance(thing, dict | list | tuple):
        for part in (thing.values() if isinstance(thing, dict) else thing) if depth else ():
            yield from _data_in(part, depth - 1)
    elif isinstance(shape := getattr(thing, "shape", None), tuple) and len(shape) > 1:
        yield thing


@contextlib.contextmanager
def _random_state_kept(dataset):
    """Restore all random state at the end, that of a DataLoader's own generators included."""
    owners = [getattr(part, "generator", None) for part in (dataset, getattr(dataset, "sampler", None))]
    states = [(owner, owner.get_state()) for owner in owners if hasattr(owner, "get_state")]
    try:
        with backend.random_state_kept():
            yield
    finally:
        for owner, state in states:
            owner.set_state(state)
