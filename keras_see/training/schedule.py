"""The schedule of a callback: which epochs are logged, and how it keeps to a budget."""

import dataclasses
import math
from collections.abc import Collection, Mapping

import numpy as np

from keras_see._validation import is_number, is_whole, shown

# With `every="auto"`: the number of first epochs that are all logged, and the most that are logged in a run.
ALL_OF_THE_FIRST, AT_MOST = 10, 100

# Where a user's own loop does not tell the number of epochs, as many are counted with.
UNKNOWN_LENGTH = 1000

# The values of `every` that a budget chooses from.
PACES = tuple(step * 10**power for power in range(7) for step in (1, 2, 5))


@dataclasses.dataclass(frozen=True)
class Schedule:
    """Every N-th epoch and the last, or certain epochs, counted from 0 as in Keras.

    Attributes:
        every: Log every N-th epoch; "auto": all at first, then so that a run logs 100 at most.
        epochs: The epochs to log, or None.
        pace: The interval to which the bounds have slowed `every`, 1 at first.
        budget: The share of the training time that evaluations may take, or None.
        max_megabytes: The most that the run may write, or None.
    """

    every: int | str = 1
    epochs: frozenset | None = None
    budget: float | None = None
    max_megabytes: float | None = None
    pace: int = 1

    @classmethod
    def checked(cls, every=1, epochs=None, budget=None, max_megabytes=None):
        """Return the schedule for a user's options."""
        _check_every(every)
        _check_number("budget", budget, "the share of the training time that evaluations may take, such as 0.05", 1)
        _check_number("max_megabytes", max_megabytes, "the size that the pictures of a run may have, such as 50")
        if epochs is not None:
            epochs = _checked_epochs(epochs, every, budget)
        return cls(every, epochs, budget, max_megabytes)

    def is_due(self, epoch, last):
        """Return whether to log this epoch; `last` is the number of the run's last one."""
        if self.epochs is not None:
            return epoch in self.epochs
        return epoch == last or (self._is_regular(epoch, last) and epoch % self.pace == 0)

    def _is_regular(self, epoch, last):
        if self.every != "auto":
            return self.pace > 1 or epoch % self.every == 0  # a slower pace is in place of `every`
        every = max(math.ceil((last + 1 - ALL_OF_THE_FIRST) / (AT_MOST - ALL_OF_THE_FIRST - 1)), 1)
        return epoch < ALL_OF_THE_FIRST or (epoch - ALL_OF_THE_FIRST) % every == 0

    def within_budget(self, cost, epoch_time):
        """Return the schedule that keeps to the budget, from the seconds of an evaluation and of an epoch."""
        every = next(pace for pace in PACES if cost <= self.budget * pace * epoch_time or pace == PACES[-1])
        return self._slowed(every)

    def within_size(self, each, evaluations, epoch, last):
        """Return the schedule that keeps to the size, after this many evaluations of `each` bytes up to an epoch."""
        left = self.max_megabytes * 1e6 - each * evaluations
        paces = (1, *(pace for pace in PACES if pace > self._before))
        fits = [pace for pace in paces if each * self._slowed(pace).due_after(epoch, last) <= left]
        return self._slowed(fits[0] if fits else PACES[-1])

    def due_after(self, epoch, last):
        """Return how many epochs after this one are due; where the run's end is not known, as many as it could have."""
        end = last if last > epoch else epoch + UNKNOWN_LENGTH
        return sum(self.is_due(number, end) for number in range(epoch + 1, end + 1))

    @property
    def _before(self):
        return max(self.pace, 1 if self.every == "auto" else self.every)

    def _slowed(self, pace):
        return dataclasses.replace(self, pace=pace) if pace > self._before else self


def _check_every(every):
    if not is_whole(every, 1) and not (isinstance(every, str) and every == "auto"):
        raise ValueError(
            '`every` must be a whole number from 1, to log every N-th epoch, or "auto". '
            f"Got {shown(every)}. 1 logs each epoch."
        )


def _check_number(name, number, meaning, most=math.inf):
    if number is not None and not (is_number(number) and 0 < number <= most):
        raise ValueError(
            f"`{name}` must be None or a number above 0: {meaning}. Got {shown(number)}. Leave it out for no bound."
        )


def _checked_epochs(epochs, every, budget):
    is_scalar = isinstance(epochs, np.ndarray) and epochs.ndim == 0
    if is_scalar or isinstance(epochs, str | Mapping) or not isinstance(epochs, Collection):
        advice = f"For every {epochs}th epoch use every={epochs}." if is_whole(epochs, 2) else "Pass a list."
        raise TypeError(
            "`epochs` must be a collection of epoch numbers, such as [0, 1, 5] or range(0, 50, 5). "
            f"Got {shown(epochs)}. {advice}"
        )
    if every != 1 or budget is not None:
        other = f"every={every!r}" if every != 1 else f"budget={budget!r}"
        raise ValueError(f"`epochs` excludes `every` and `budget`. Got {other} too. Leave one of them out.")
    wrong = [epoch for epoch in epochs if not is_whole(epoch)]
    if wrong or len(epochs) == 0:
        raise ValueError(
            f"`epochs` must hold whole numbers from 0, one at least. Got {shown(wrong[0]) if wrong else 'none'}. "
            "Epochs count from 0, as in Keras."
        )
    return frozenset(int(epoch) for epoch in epochs)
