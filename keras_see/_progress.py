"""Progress of long loops: a bar where a line can be redrawn, plain lines in a file."""

import sys
import time

import keras
import numpy as np
from keras import ops

# With `wanted=None` progress appears if all steps together will take longer than this, in seconds, judged by the first
# few steps.
LONG, TIMED = 10.0, 4
# Seconds between two plain lines.
PAUSE = 10.0


class Progress:
    """Progress of a loop, shown when asked, or when the loop will take long.

    Args:
        steps: Number of steps.
        wanted: Whether to show it. None: if the loop will take longer than 10 s.
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
        if can_redraw():
            return keras.utils.Progbar(self._steps, unit_name=self._unit)
        return PlainLines(self._steps, self._unit)


class PlainLines:
    """Lines in place of a bar, without control characters: one about every ten seconds, and one at the end."""

    def __init__(self, steps, unit):
        self._steps, self._unit, self._pause = steps, unit, Pause()

    def update(self, done, values):
        """Print a line if it is time for one."""
        if self._pause.is_over() or done == self._steps:
            said = "".join(f", {name} {value:.4g}" for name, value in values)
            print(f"{self._unit} {done}/{self._steps}{said}", flush=True)


class Pause:
    """The pause between two plain lines."""

    def __init__(self):
        self._end = time.monotonic() + PAUSE

    def is_over(self):
        """Return whether the pause is over; then the next one begins."""
        over = time.monotonic() >= self._end
        if over:
            self._end = time.monotonic() + PAUSE
        return over


def can_redraw():
    """Return whether standard output is a terminal or a notebook, where a line can be drawn again."""
    return "ipykernel" in sys.modules or getattr(sys.stdout, "isatty", bool)()
