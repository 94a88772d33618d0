"""Progress bar for long loops over steps."""

import time

import keras
import numpy as np
from keras import ops

# With `wanted=None` the bar appears if all steps together will take longer than this, in seconds, judged by the first
# few steps.
LONG, TIMED = 10.0, 4


class Progress:
    """Progress bar that shows itself when asked, or when the loop will take long.

    Args:
        steps: Number of steps.
        wanted: Whether to show the bar. None: if the loop will take longer than 10 s.
        unit: Name of a step.
    """

    def __init__(self, steps, wanted, unit="step"):
        self._steps, self._wanted, self._unit, self._done, self._times = steps, wanted, unit, 0, []
        self._bar = self._new_bar() if wanted else None

    def update(self, value=None):
        """Count a step. Its objective value, a tensor or a number, is shown as `reached`."""
        self._done += 1
        if self._wanted is None and self._done <= TIMED:
            self._decide(value)
        if self._bar is not None:
            values = [] if value is None else [("reached", float(np.mean(ops.convert_to_numpy(value))))]
            self._bar.update(self._done, values=values)

    def _decide(self, value):
        ops.convert_to_numpy(value)  # waits for the device
        self._times.append(time.monotonic())
        if self._done == TIMED:
            fastest = float(np.diff(self._times).min())  # the first steps may include a trace
            self._bar = self._new_bar() if fastest * self._steps > LONG else None

    def _new_bar(self):
        return keras.utils.Progbar(self._steps, unit_name=self._unit)
