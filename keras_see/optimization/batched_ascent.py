"""Gradient ascent on several images in batches of one shape, from noise or resumed."""

import numpy as np

from keras_see._validation import is_number, is_whole, shown
from keras_see.model.image_batches import batches
from keras_see.optimization import rescue


class BatchedAscent:
    """An ascent and the goals of each of its images: run it at once, or a few steps at a time.

    Args:
        ascent: The `Ascent`; its step is compiled once for all batches and runs.
        keys: Whole numbers (or tuples of them), one per image, which determine its start: an image does not depend on
            the others of its batch.
        goals: What each image's objective aims at, a list of arrays with one row per image.
        batch_size: Images per step; bounds the memory.
        names: The names of the images in messages and captions.

    Attributes:
        goals: As given; new ones may be set, in the same shapes.

    Example:
        >>> import keras
        >>> from keras_see.optimization.activation_maximization import neuron_ascent
        >>> model = keras.Sequential([keras.Input((16, 16, 3)), keras.layers.Conv2D(4, 3, name="conv")])
        >>> ascent = neuron_ascent(model, "conv", channels=[0, 3])
        >>> states = ascent.start(seed=0)
        >>> for epoch in range(2):  # with epochs of training in between
        ...     states, history = ascent.run(states, steps=5)
        >>> ascent.images(states).shape, history.shape
        ((2, 16, 16, 3), (2, 5))
    """

    def __init__(self, ascent, keys, goals, batch_size, names):
        self.ascent, self.names = ascent, names
        self._keys, self.goals, self._size = list(keys), goals, batch_size
        self._batches = list(batches(len(keys), batch_size))

    def start(self, seed=0):
        """Return the states of noise images, one per batch."""
        return [self.ascent.start([self._keys[row] for row in rows], seed) for rows, _ in self._batches]

    def run(self, states, steps, *, cool=False, progress=False):
        """Return the states after some steps with the current weights, and the scores before each, `(k, steps)`."""
        found, history = [], []
        for state, (rows, valid) in zip(states, self._batches, strict=True):
            goals = [part[rows] for part in self.goals]
            state, scores = self.ascent.run(state, steps, goals, cool=cool, progress=progress)
            found.append(state)
            history.append(scores[:valid])
        return found, np.concatenate(history)

    def images(self, states):
        """Return the images, float32 `(k, height, width, channels)`."""
        return self._by_image(states, self.ascent.images)

    def conditions(self, states):
        """Return `rescue.ACTIVE`, `CLOSED`, `FULL` or `DEAD` for each image, `(k,)`."""
        return self._by_image(states, lambda state: state.condition)

    def features(self, images):
        """Return the current features of `k` images at the objective's paths."""
        parts = [[part[:valid] for part in self.ascent.features(images[rows])] for rows, valid in self._batches]
        return [np.concatenate(part) for part in zip(*parts, strict=True)]

    def scores(self, images):
        """Return the current scores `(k,)` of `k` untransformed images, each of its own goals."""
        found = [self.ascent.scores(images[rows], [part[rows] for part in self.goals]) for rows, _ in self._batches]
        return np.concatenate([part[:valid] for part, (_, valid) in zip(found, self._batches, strict=True)])

    def all_scores(self, images):
        """Return the current scores `(n, k)` of any images, of each image's goals."""
        parts = batches(len(images), self._size)
        return np.concatenate([self.ascent.all_scores(images[rows], self.goals)[:valid] for rows, valid in parts])

    def _by_image(self, states, function):
        pairs = zip(states, self._batches, strict=True)
        return np.concatenate([function(state)[:valid] for state, (_, valid) in pairs])


def optimized_images(ascent, steps, seed, *, cool=False, verbose=None, return_history=False):
    """Return the images of an ascent from noise, with `return_history` also the scores before each step.

    Raises ValueError where no image has a gradient from any start, or one is not finite.
    """
    if not is_whole(steps, 1):
        raise ValueError(f"`steps` must be a whole number from 1. Got {shown(steps)}. 256 is the default.")
    states, history = ascent.run(ascent.start(seed), steps, cool=cool, progress=verbose)
    images, conditions = rescue.with_extra_steps(ascent, states)
    if not np.all(np.isfinite(images)) or not np.all(np.isfinite(history)):
        raise ValueError(
            "The model must give finite numbers and gradients. The optimization gave NaN or infinity. "
            "Look for it in the weights, or for a `value_range` or `preprocess` that the model was not made for."
        )
    rescue.report(ascent.names, conditions, history[:, -1])
    return (images, history) if return_history else images


def checked_seed(seed):
    """Return a seed; raise unless it is a whole number from 0."""
    if not is_whole(seed):
        raise ValueError(f"`seed` must be a whole number from 0. Got {shown(seed)}. Equal seeds give equal images.")
    return int(seed)


def checked_rate(rate):
    """Return a step size; raise unless it is a number above 0."""
    if not is_number(rate) or rate <= 0:
        raise ValueError(f"`rate` must be a number above 0. Got {shown(rate)}. Leave it out for the usual one.")
    return float(rate)
