"""When a callback looks: which epochs are due."""

import dataclasses
from collections.abc import Collection

import numpy as np


@dataclasses.dataclass(frozen=True)
class Schedule:
    """Every so many epochs and the last, or certain epochs, counted from 0 as Keras does."""

    every: int = 1
    epochs: frozenset | None = None

    @classmethod
    def checked(cls, every, epochs):
        """Return the schedule for a user's options."""
        if epochs is not None:
            return cls(every=0, epochs=_checked_epochs(epochs, every))
        if not isinstance(every, int | np.integer) or isinstance(every, bool) or every < 1:
            raise ValueError(
                f"`every` must be a whole number from 1: the epochs from one look to the next. Got {every!r}. "
                "1 looks after each epoch."
            )
        return cls(every=int(every))

    def is_due(self, epoch, last):
        """Whether to look after this epoch; `last` is the number of the run's last one."""
        if self.epochs is not None:
            return epoch in self.epochs
        return epoch % self.every == 0 or epoch == last


def _checked_epochs(epochs, every):
    if isinstance(epochs, str) or not isinstance(epochs, Collection | np.ndarray):
        advice = f"For every {epochs}th epoch use every={epochs}." if isinstance(epochs, int) else "Pass a list."
        raise TypeError(
            f"`epochs` must be a collection of epoch numbers, such as [0, 1, 5] or range(0, 50, 5). Got {epochs!r}. "
            + advice
        )
    if every != 1:
        raise ValueError(f"`every` and `epochs` exclude each other. Got every={every!r} too. Leave one of them out.")
    wrong = [epoch for epoch in epochs if not isinstance(epoch, int | np.integer) or epoch < 0]
    if wrong or len(epochs) == 0:
        raise ValueError(
            f"`epochs` must hold whole numbers from 0, one at least. Got {wrong[0] if wrong else 'none'!r}. "
            "Epochs count from 0, as in Keras."
        )
    return frozenset(int(epoch) for epoch in epochs)
