"""Several images to be made by one ascent, in batches of one shape, from noise or on from where they are."""

import logging

import numpy as np

from keras_see._validation import is_number, is_whole, shown
from keras_see.model.inputs import batches

_LOGGER = logging.getLogger("keras_see")

# Images that still excite nothing after their steps get more, so many times so many, before that is told.
PATIENCE, MORE = 8, 16


class Climb:
    """An ascent and what each of its images wants: make them at once, or a few steps at a time.

    Args:
        ascent: The `Ascent`; its step is compiled once for all batches and runs.
        keys: Whole numbers (or tuples of them), one per image, from which it starts: an image is independent of those
            beside it.
        wanted: What each image wants, a list of arrays with one row per image.
        batch_size: Images per step; bounds the memory.
        names: What messages and captions call the images.

    Example:
        >>> import keras
        >>> from keras_see.optimization.channel_selection import neuron_climb
        >>> model = keras.Sequential([keras.Input((16, 16, 3)), keras.layers.Conv2D(4, 3, name="conv")])
        >>> climb = neuron_climb(model, "conv", channels=[0, 3])
        >>> buffers = climb.start(seed=0)
        >>> for epoch in range(2):  # a training may go on in between
        ...     buffers, history = climb.run(buffers, steps=5)
        >>> climb.images(buffers).shape, history.shape
        ((2, 16, 16, 3), (2, 5))
    """

    def __init__(self, ascent, keys, wanted, batch_size, names):
        self.ascent, self.names = ascent, names
        self._keys, self._wanted, self._size = list(keys), wanted, batch_size
        self._batches = list(batches(len(keys), batch_size))

    def start(self, seed=0):
        """Return buffers of noise, one per batch: keep them, and `run` goes on from them."""
        return [self.ascent.start([self._keys[row] for row in rows], seed) for rows, _ in self._batches]

    def run(self, buffers, steps, *, cool=False, progress=False):
        """Take steps with the model's weights of now; return the new buffers, and what was reached, `(k, steps)`."""
        found, history = [], []
        for buffer, (rows, kept) in zip(buffers, self._batches, strict=True):
            wanted = [part[rows] for part in self._wanted]
            buffer, reached = self.ascent.run(buffer, steps, wanted, cool=cool, progress=progress)
            found.append(buffer)
            history.append(reached[:kept])
        return found, np.concatenate(history)

    def images(self, buffers):
        """Return the images, float32 `(k, height, width, channels)`."""
        return self._rows(buffers, self.ascent.images)

    def silent(self, buffers):
        """Return `(k,)`: 0, or 1 where an image excites nothing yet, or 2 where nothing can move it."""
        return self._rows(buffers, lambda buffer: buffer.silent)

    def features(self, images):
        """Return the features of images, one per image to be made, at the places that the ascent looks at."""
        parts = [[part[:kept] for part in self.ascent.features(images[rows])] for rows, kept in self._batches]
        return [np.concatenate(part) for part in zip(*parts, strict=True)]

    def reached(self, images):
        """Return `(k,)`: what each image to be made reaches as it is, in no view."""
        found = [self.ascent.scores(images[rows], [part[rows] for part in self._wanted]) for rows, _ in self._batches]
        return np.concatenate([part[:kept] for part, (_, kept) in zip(found, self._batches, strict=True)])

    def scores(self, images):
        """Return `(n, k)`: what each of any images reaches of what each image to be made wants."""
        found = [
            self.ascent.all_scores(images[rows], self._wanted)[:kept] for rows, kept in batches(len(images), self._size)
        ]
        return np.concatenate(found)

    def want(self, wanted):
        """Change what each image wants, in the same shapes."""
        self._wanted = wanted

    def _rows(self, buffers, function):
        pairs = zip(buffers, self._batches, strict=True)
        return np.concatenate([function(buffer)[:kept] for buffer, (_, kept) in pairs])


def made(climb, steps, seed, *, cool=False, verbose=None, return_history=False):
    """Return the images of a climb from noise (and the history), sure that each one moved and is finite."""
    if not is_whole(steps, 1):
        raise ValueError(f"`steps` must be a whole number from 1. Got {shown(steps)}. 256 is the default.")
    buffers, history = climb.run(climb.start(seed), steps, cool=cool, progress=verbose)
    constant = (np.ptp(history, axis=1) == 0) & (steps > 1) & climb.ascent.has_prior
    images, silent = _woken(climb, buffers)
    _check_moved(climb.names, (silent == 2) | constant)  # where it is constant, the gradient was that of a prior alone
    if not np.all(np.isfinite(images)) or not np.all(np.isfinite(history)):
        raise ValueError(
            "The model must give finite numbers and gradients. Climbing gave NaN or infinity. "
            "Look for it in the weights, or for a `value_range` or `preprocess` that the model was not made for."
        )
    for name in [name for name, level in zip(climb.names, silent, strict=True) if level]:
        _LOGGER.warning("%s stayed at zero; its image shows what comes nearest to exciting it.", name)
    return (images, history) if return_history else images


def checked_seed(seed):
    """Return a seed, sure that it is a whole number from 0."""
    if not is_whole(seed):
        raise ValueError(f"`seed` must be a whole number from 0. Got {shown(seed)}. Equal seeds give equal images.")
    return int(seed)


def checked_rate(rate):
    """Return a step size, sure that it is a number above 0."""
    if not is_number(rate) or rate <= 0:
        raise ValueError(f"`rate` must be a number above 0. Got {shown(rate)}. Leave it out for the usual one.")
    return float(rate)


def _woken(climb, buffers):
    """Return the images and who is silent, after giving more steps to those that excite nothing yet."""
    images, silent = climb.images(buffers), climb.silent(buffers)
    for _ in range(PATIENCE):
        rows = silent > 0
        if not rows.any():
            break
        buffers, _ = climb.run(buffers, MORE)
        # The others stay as they were, as if they had been made alone.
        images[rows], silent[rows] = climb.images(buffers)[rows], climb.silent(buffers)[rows]
    return images, silent


def _check_moved(names, still):
    if still.any():
        which = ", ".join(name for name, stays in zip(names, still, strict=True) if stays)
        cause = "The model ignores its input there" if still.all() else "The model ignores its input for these"
        raise ValueError(
            f"Every image must have a gradient to climb. That of {which} was zero, from all starts. "
            f"{cause}: leave them out, choose another layer, or look for a stop_gradient or zero weights on the way."
        )
