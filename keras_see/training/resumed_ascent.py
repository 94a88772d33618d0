"""An ascent whose state is kept from evaluation to evaluation."""

import numpy as np


class ResumedAscent:
    """An ascent with its state, which is kept from evaluation to evaluation.

    Args:
        ascent: The ascent of several images.
        steps: Steps per evaluation.
        seed: Of the first images.
        restart: Start again from noise at every N-th evaluation, or None.
        earlier: Another `ResumedAscent`, whose state is taken over if it optimizes the same images of the same model.
    """

    def __init__(self, ascent, steps, seed, restart, earlier=None):
        self.ascent, self._steps, self._seed, self._restart = ascent, steps, seed, restart
        self._state, self._evaluations = None, 0
        if earlier is not None and earlier._task() == self._task():
            self._state, self._evaluations = earlier._state, earlier._evaluations

    def _task(self):
        inner = self.ascent.ascent
        return id(inner.model), self.ascent.names, inner.paths, inner.parameterization.shape, self._seed

    def evaluate(self):
        """Take the steps of one evaluation under the current weights, and return the images `(k, h, w, c)`."""
        if self._state is None or (self._restart and self._evaluations % self._restart == 0):
            self._state = self.ascent.start(self._seed)
        self._evaluations += 1
        self._state, history = self.ascent.run(self._state, self._steps)
        images = self.ascent.images(self._state)
        if not np.all(np.isfinite(images)) or not np.all(np.isfinite(history)):
            self._state = None  # NaN would persist
            raise ValueError(
                "The model must give finite numbers and gradients. The optimization gave NaN or infinity. "
                "Look for it in the weights; the images start again at the next evaluation."
            )
        return images

    def conditions(self):
        """Return whether each image is `rescue.ACTIVE`, `CLOSED`, `FULL` or `DEAD`, `(k,)`."""
        return self.ascent.conditions(self._state)
