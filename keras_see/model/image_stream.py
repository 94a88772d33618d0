"""All images of a data set, batch by batch, each read once: arrays, pictures, and datasets of three frameworks."""

import contextlib
from collections.abc import Iterable, Iterator

import keras

from keras_see._validation import shown
from keras_see.model import backend
from keras_see.model.image_batches import check_batch_size, count_of, take, to_numpy
from keras_see.model.input_kinds import split_labels
from keras_see.model.inputs import check_inputs, input_shapes
from keras_see.model.layer_calls import first_line
from keras_see.pictures.image_loading import are_pictures


def image_stream(images, model, batch_size):
    """Yield checked images in batches of at most `batch_size`, as NumPy arrays in the structure that the model takes.

    Labels are left out. Pictures are loaded when their turn comes.

    Args:
        images: Images in an array, a list or dict of arrays, pictures, a tuple `(x, y)` of one of these and labels, a
            `tf.data.Dataset`, a `keras.utils.PyDataset`, a `torch.utils.data.DataLoader`, or another iterable of
            batches.
        model: A built model; None where the images are not yet what it takes.
        batch_size: The most images at a time.
    """
    check_batch_size(batch_size)
    several = model is not None and len(input_shapes(model) or [None]) > 1
    for part in _parts(images, several, batch_size):
        checked = check_inputs(part, model)
        for start in range(0, count_of(checked), batch_size):
            yield take(checked, slice(start, start + batch_size))


def check_can_be_read_again(images):
    """Raise where images can be read only once: a generator or another iterator."""
    if isinstance(images, Iterator):
        raise TypeError(
            "`top_images` must be a data set that can be read again after each epoch: an array, a tf.data.Dataset, a "
            f"PyDataset or a DataLoader. Got {shown(images)}. Put it into one of these."
        )


@contextlib.contextmanager
def reading_undisturbed(dataset):
    """Put back, after the block, all random states that reading a data set may change, those of a DataLoader too."""
    owners = [getattr(part, "generator", None) for part in (dataset, getattr(dataset, "sampler", None))]
    states = [(owner, owner.get_state()) for owner in owners if hasattr(owner, "get_state")]
    try:
        with backend.random_state_kept():
            yield
    finally:
        for owner, state in states:
            owner.set_state(state)


def _parts(images, several, batch_size):
    """Yield what `check_inputs` takes, in parts: of a dataset its batches, of pictures a batch, else everything."""
    if _is_dataset(images):
        yield from _batches(images, several)
        return
    images, _ = split_labels(images, several)
    if isinstance(images, list) and are_pictures(images):
        for start in range(0, len(images), batch_size):
            yield images[start : start + batch_size]
        return
    yield images


def _is_dataset(images):
    if isinstance(images, keras.utils.PyDataset):
        return True
    if isinstance(images, tuple | list | dict | str) or are_pictures(images) or hasattr(images, "shape"):
        return False
    return isinstance(images, Iterable)


def _batches(dataset, several):
    try:
        if isinstance(dataset, keras.utils.PyDataset):
            count = dataset.num_batches
            source = (dataset[number] for number in range(len(dataset) if count is None else count))
        else:
            source = dataset
        for batch in source:
            pair = tuple(batch) if isinstance(batch, list) and len(batch) in (2, 3) and not several else batch
            yield _with_batch_axis(split_labels(pair, several)[0])
    except (TypeError, ValueError):
        raise
    except Exception as error:
        raise ValueError(
            "`images` must be a dataset that can be read. "
            f"Got {type(error).__name__}: {first_line(error)} Try next(iter(dataset)) by itself, or pass an array."
        ) from error


def _with_batch_axis(x):
    """Return images as arrays with a batch axis, which datasets of single images lack."""
    x = keras.tree.map_structure(to_numpy, x)
    if any(leaf.ndim == 4 for leaf in keras.tree.flatten(x)):
        return x
    return keras.tree.map_structure(lambda leaf: leaf[None], x)
