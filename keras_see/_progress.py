"""A bar that shows how far a run of steps is, and how long the rest will take."""

import time

import keras
import numpy as np
from keras import ops

# Progress is shown by itself when a run will take longer than this, in seconds.
# So many steps are timed to tell.
LONG, TIMED = 10.0, 4


class Progress:
    """A bar that shows itself when asked, or when what is left will take long.

    Args:
        steps: How many there will be.
        wanted: Whether to show the bar; None: if it takes long.
        unit: What a step is called.
    """

    def __init__(self, steps, wanted, unit="step"):
        self._steps, self._wanted, self._unit, self._done, self._ends = steps, wanted, unit, 0, []
        self._bar = self._new() if wanted else None

    def update(self, reached=None):
        """Count one more step, in which this much was reached: a tensor or a number, or None."""
        self._done += 1
        if self._wanted is None and self._done <= TIMED:
            self._decide(reached)
        if self._bar is not None:
            values = [] if reached is None else [("reached", float(np.mean(ops.convert_to_numpy(reached))))]
            self._bar.update(self._done, values=values)

    def _decide(self, reached):
        ops.convert_to_numpy(reached)  # waits for the device
        self._ends.append(time.monotonic())
        if self._done == TIMED:
            fastest = float(np.diff(self._ends).min())  # others hold a trace
            self._bar = self._new() if fastest * self._steps > LONG else None

    def _new(self):
        return keras.utils.Progbar(self._steps, unit_name=self._unit)
