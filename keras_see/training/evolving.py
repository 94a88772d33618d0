"""Made images that go on from look to look, while the model trains."""

import numpy as np


class Evolving:
    """A `Climb` and its buffers, kept from look to look."""

    def __init__(self, climb, steps, seed, restart):
        self.climb, self._steps, self._seed, self._restart = climb, steps, seed, restart
        self._buffers, self._looks = None, 0

    def after(self, other):
        """Return itself, to go on from where another stands if that makes the same images of the same model."""
        if other is not None and other._makes() == self._makes():
            self._buffers, self._looks = other._buffers, other._looks
        return self

    def _makes(self):
        ascent = self.climb.ascent
        return id(ascent.model), self.climb.names, ascent.places, ascent.parameterization.shape, self._seed

    def go_on(self):
        """Take the steps of one look under the weights of now, and return the images, float32 `(k, h, w, c)`."""
        if self._buffers is None or (self._restart and self._looks % self._restart == 0):
            self._buffers = self.climb.start(self._seed)
        self._looks += 1
        self._buffers, history = self.climb.run(self._buffers, self._steps)
        images = self.climb.images(self._buffers)
        if not np.all(np.isfinite(images)) or not np.all(np.isfinite(history)):
            self._buffers = None  # numbers that are none would stay so
            raise ValueError(
                "The model must give finite numbers and gradients. Climbing gave NaN or infinity. "
                "Look for it in the weights; the images start anew at the next look."
            )
        return images

    def silent(self):
        """Return `(k,)`, above 0 where an image excites nothing yet."""
        return self.climb.silent(self._buffers)
