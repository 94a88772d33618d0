"""The images that a callback watches: taken once, from whatever the user trains with."""

import contextlib
import copy
import dataclasses
from collections.abc import Iterable, Iterator

import keras
import numpy as np

from keras_see._validation import is_whole, shape_of, shown
from keras_see.model import backend
from keras_see.model.inputs import check_inputs, count_of, take, to_numpy
from keras_see.model.layer_calls import first_line
from keras_see.model.targets import label_leaves, labels_to_classes

# How many images are watched: of a dataset unless `n` says otherwise, and at most of an array given as it is.
OF_A_DATASET = 8
OF_AN_ARRAY = 64

# What messages call images that `preprocess` has made.
MADE = "The images that `preprocess` returns"


@dataclasses.dataclass(frozen=True)
class Watched:
    """Images as people keep them, as the model takes them, and their classes (None if there are none)."""

    images: object
    inputs: object
    classes: np.ndarray | None

    @property
    def called(self):
        """What messages call the inputs."""
        return "`images`" if self.inputs is self.images else MADE

    @property
    def count(self):
        """How many images there are."""
        return count_of(self.images)


def watch(images, labels=None, n=None, preprocess=None):
    """Take the images to watch out of what the user gives.

    Args:
        images: An array, or a list or dict of arrays; a tuple `(x, y)` or `(x, y, weights)`; a `tf.data.Dataset`, a
            `keras.utils.PyDataset` or a `torch.utils.data.DataLoader`, of which the first batches are read, once.
        labels: The images' labels, if they did not come with them.
        n: How many images to take.
        preprocess: What makes of them what the model takes.
    """
    if n is not None and not is_whole(n, 1):
        raise ValueError(f"`n` must be a whole number from 1. Got {shown(n)}. 8 images make a good sheet.")
    x, y = _split(images if _is_arrays(images) else _first_of(images, n or OF_A_DATASET))
    x = check_inputs(x)
    if n is not None and count_of(x) < n:
        raise ValueError(
            f"`n` must be at most the number of images, {count_of(x)}. Got {n}. Leave it out, or pass more images."
        )
    if n is None and count_of(x) > OF_AN_ARRAY:
        raise ValueError(
            f"`images` must be the few images to watch, at most {OF_AN_ARRAY} unless `n` asks for more. "
            f"Got {count_of(x)}. Pass images[:8] or n=8."
        )
    classes = labels_to_classes(y if labels is None else labels, count_of(x))
    x = take(x, slice(n))
    classes = None if classes is None else classes[:n]
    return Watched(x, x if preprocess is None else _preprocessed(preprocess, x), classes)


def _preprocessed(preprocess, images):
    if not callable(preprocess):
        raise TypeError(
            "`preprocess` must be a function from images to what the model takes. "
            f"Got {shown(preprocess)}. Pass for example keras.applications.resnet50.preprocess_input."
        )
    wanted = f"`preprocess` must return what the model takes, for each of the {count_of(images)} images. "
    try:
        made = preprocess(keras.tree.map_structure(np.array, images))  # Keras's own `preprocess_input` writes into it
    except Exception as error:
        said = f"{type(error).__name__}: {first_line(error)}"
        raise ValueError(f"{wanted}Got {said} Try it on the images by itself.") from error
    leaves = [] if made is None else keras.tree.flatten(made)
    if not leaves or any((shape_of(leaf) or ())[:1] != (count_of(images),) for leaf in leaves):
        got = ", ".join(map(shown, leaves[:3])) or shown(made)
        raise ValueError(f"{wanted}Got {got}. Keep the batch axis as it is.")
    return check_inputs(made, what=MADE)


def _is_arrays(images):
    return isinstance(images, tuple | list | dict) or hasattr(images, "shape") or np.isscalar(images) or images is None


def _split(images):
    """Return x and y of `(x, y)` or `(x, y, weights)`; a list or dict is the model's several inputs."""
    if not isinstance(images, tuple):
        return images, None
    if len(images) not in (1, 2, 3):
        raise ValueError(
            "`images` as a tuple means (x, y) or (x, y, sample_weights). "
            f"Got a tuple of {len(images)}. Pass several inputs as a list."
        )
    return images[0], images[1] if len(images) > 1 else None


def _first_of(dataset, count):
    """Return the first images (and labels) of a dataset, with all random numbers put back as they were."""
    is_used_up = isinstance(dataset, Iterator) and not isinstance(dataset, keras.utils.PyDataset)
    if is_used_up or isinstance(dataset, keras.Layer) or not isinstance(dataset, Iterable | keras.utils.PyDataset):
        can_be_indexed = hasattr(dataset, "__getitem__")
        raise TypeError(
            "`images` must be an array, a pair (x, y), a tf.data.Dataset, a PyDataset or a DataLoader. "
            f"Got {shown(dataset)}. "
            + ("Put it into a DataLoader." if can_be_indexed else "Take some images out of it first.")
        )
    batches, taken = [], 0
    with _random_numbers_kept(dataset):
        for batch in _read(dataset):
            x, y = _split(tuple(batch) if isinstance(batch, list) and len(batch) in (2, 3) else batch)
            x = keras.tree.map_structure(to_numpy, x)
            single = not any(np.ndim(leaf) == 4 for leaf in keras.tree.flatten(x))
            x = keras.tree.map_structure(lambda leaf: leaf[None], x) if single else x
            y = keras.tree.map_structure(lambda leaf: to_numpy(leaf)[None], y) if single else y
            batches.append([x, label_leaves(y, count_of(x))])
            taken += count_of(x)
            if taken >= count:
                break
    if not batches:
        raise ValueError("`images` must hold one image at least. The dataset is empty. Pass one that is not.")
    try:
        joined = keras.tree.map_structure(lambda *parts: np.concatenate(parts)[:count], *batches)
    except ValueError as error:  # of NumPy for shapes, of Keras for structures
        shapes = dict.fromkeys(str(leaf.shape[1:]) for x, _ in batches for leaf in keras.tree.flatten(x))
        raise ValueError(
            "`images` must be a dataset whose batches can be joined: images of one size, labels of one kind. "
            f"Got images of {', '.join(shapes)}. Resize or crop them, or take n={count_of(batches[0][0])} or fewer."
        ) from error
    return joined[0], joined[1][0] if len(joined[1]) == 1 else None


def _read(dataset):
    """Yield the batches of a dataset, and say which argument it was that failed."""
    try:
        yield from _batches(dataset)
    except Exception as error:
        raise ValueError(
            "`images` must be a dataset that can be read. "
            f"Got {type(error).__name__}: {first_line(error)} Try next(iter(dataset)) by itself, or pass an array."
        ) from error


def _batches(dataset):
    if isinstance(dataset, keras.utils.PyDataset):
        with contextlib.suppress(Exception):  # it may have random numbers of its own
            dataset = copy.deepcopy(dataset)
        return (dataset[number] for number in range(dataset.num_batches or len(dataset)))
    return dataset


@contextlib.contextmanager
def _random_numbers_kept(dataset):
    owners = [getattr(thing, "generator", None) for thing in (dataset, getattr(dataset, "sampler", None))]
    own = [(owner, owner.get_state()) for owner in owners if hasattr(owner, "get_state")]
    try:
        with backend.random_state_kept():
            yield
    finally:
        for owner, state in own:
            owner.set_state(state)
