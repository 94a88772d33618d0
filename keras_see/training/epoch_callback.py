"""The series of pictures that a callback makes while a model trains: when, where, and what if it fails."""

import logging
import os
import re
import time

import keras
import numpy as np

from keras_see._validation import shown
from keras_see.runs.run_writer import folder_at
from keras_see.runs.tensorboard import text_summary
from keras_see.training.schedule import Schedule

_LOGGER = logging.getLogger("keras_see")

# After so many failures in a row a callback rests until the next `fit`.
PATIENCE = 3


class Series(keras.callbacks.Callback):
    """A callback that looks at the model after due epochs through its views, and writes what they draw.

    A view has three methods. `prepare(model, folder, prefix)` checks everything before training starts and raises what
    is wrong. `look(model)` computes on the model's device, while training waits, and returns what was found.
    `draw(found, caption, prefix)` makes summaries of it, on the thread beside training.

    Attributes:
        failures: What went wrong after training had started, one line each.
    """

    def __init__(
        self,
        log_dir,
        make_views,
        *,
        every=1,
        epochs=None,
        budget=None,
        max_megabytes=None,
        name=None,
        before_training=True,
        strict=True,
        trackers=(),
    ):
        super().__init__()
        self.failures = []
        self._strict, self._on = strict, True
        schedule = (every, epochs, budget, max_megabytes)
        self._guarded(self._set_up, log_dir, make_views, name, before_training, schedule)

    def _set_up(self, log_dir, make_views, name, before_training, schedule):
        _check_yes_or_no("before_training", before_training)
        _check_yes_or_no("strict", self._strict)
        self._given = Schedule.checked(*schedule)
        self._log_dir = _checked_path(log_dir)
        self._prefix = "see/" if name is None else f"see/{_checked_name(name)}/"
        self._before_training = before_training
        self._views = make_views()

    def on_train_begin(self, logs=None):
        """Check everything against the model; nothing is looked at yet."""
        self._rests, self._in_a_row = False, 0
        self._started, self._shift, self._epoch, self._last_seen = False, 0, None, None
        self._costs, self._written, self._looks_written, self._said = [], 0, 0, False
        # Without `strict`, the first batch is to build the model as it would without us: see `on_epoch_end`.
        self._late = self._on and not self._strict and not self.model.built
        if self._on and not self._late:
            self._guarded(self._prepare)

    def _prepare(self):
        self._schedule = self._given
        self._folder = folder_at(self._log_dir)
        self._steps_before = self._folder.last_step(self._prefix)
        for view in self._views:
            view.prepare(self.model, self._folder, self._prefix)
            tags = [name for each in self._views[: self._views.index(view)] for name in each.names]
            twice = next((name for name in view.names if name in tags), None)
            if twice is not None:
                raise ValueError(f"A callback must write each tag once. Two are {twice!r}. Name each layer once.")
            self._folder.claim([f"{self._prefix}{name}" for name in view.names], self)

    @property
    def waits_for_its_start(self):
        """Whether training is about to begin: what two such callbacks write, they write in the same run."""
        return not self._started

    def on_epoch_begin(self, epoch, logs=None):
        """Look at the state before training, once `epoch` tells which step that is."""
        if self._on and not self._late and not self._started:
            self._start(epoch)
        self._began = time.perf_counter()

    def _start(self, epoch, trained=False):
        self._started = True
        self._tell_if_none_is_due(epoch)
        if self._steps_before is None:
            if self._before_training and not trained:
                self._show(epoch - 1, "before training")
        elif epoch <= self._steps_before:
            self._shift = self._steps_before + 1 - epoch
            _LOGGER.warning(
                "%r already holds steps up to %d, and TensorBoard drops what goes back: epoch %d becomes step %d.",
                *(str(self._log_dir), self._steps_before, epoch, epoch + self._shift),
            )

    def _tell_if_none_is_due(self, epoch):
        end, wanted = (self.params or {}).get("epochs"), self._schedule.epochs
        if end and wanted is not None and not wanted & set(range(epoch, end)):
            _LOGGER.warning("`epochs` names none of those of this training, %d to %d: none is shown.", epoch, end - 1)

    def on_epoch_end(self, epoch, logs=None):
        """Look if this epoch is due."""
        if self._late:
            self._late = False
            self._guarded(self._prepare)
            if self._on:
                self._start(epoch, trained=True)
        if not self._on:
            return
        self._epoch, took, last = epoch, time.perf_counter() - self._began, (self.params or {}).get("epochs", 0) - 1
        if self._schedule.is_due(epoch, last):
            self._show(epoch, self._epoch_caption(epoch))
            self._keep_to_limits(took, last - epoch)

    def on_train_end(self, logs=None):
        """Show what the user keeps, if that was not seen yet, and wait until all is written."""
        if not self._on or self._late:
            return
        if self._epoch is not None and self._schedule.epochs is None:
            if self._last_seen != self._epoch:  # training was stopped early
                self._show(self._epoch, f"after training, stopped in {self._epoch_caption(self._epoch)}")
            if getattr(getattr(self.model, "optimizer", None), "use_ema", False):
                self._show(self._epoch + 1, "after training, with the averaged weights")
        self._folder.drain()

    def _epoch_caption(self, epoch):
        return f"epoch {epoch + 1}/{(self.params or {}).get('epochs', '?')}"

    def _show(self, epoch, caption):
        if self._rests:
            return
        began, step = time.perf_counter(), epoch + self._shift
        self._last_seen = epoch
        try:
            found = [view.look(self.model) for view in self._views]
        except Exception as error:  # a picture must never end a training run
            failure = error
            self._folder.submit(lambda: self._failed(step, failure))  # after what is still to be written
        else:
            self._folder.submit(lambda: self._write(step, found, f"{caption} (step {step})"))
        self._costs.append(time.perf_counter() - began)

    def _write(self, step, found, caption):
        """Draw and write what was found; runs beside training."""
        try:
            for view, part in zip(self._views, found, strict=True):
                summaries = view.draw(part, caption, self._prefix)
                self._folder.write(step, summaries)
                self._written += sum(summary.ByteSize() for summary in summaries)
            self._looks_written += 1
            self._in_a_row = 0
        except Exception as error:
            self._failed(step, error)

    def _failed(self, step, error):
        if self._rests:  # decided while this was under way
            return
        self._in_a_row += 1
        self._rests = self._in_a_row >= PATIENCE
        line = f"step {step}: {type(error).__name__}: {error}"
        rest = f" After {PATIENCE} in a row this callback rests." if self._rests else " The next due epoch is tried."
        self.failures.append(line)
        _LOGGER.error("No picture at %s%s", line, rest, exc_info=error)
        try:
            self._folder.write(step, [text_summary("see/status", f"**No picture at {line}**{rest}")])
        except OSError as also:
            _LOGGER.error("Nor could the failure be written: %s", also)

    def _keep_to_limits(self, epoch_time, epochs_left):
        """Look less often where the budget or the size would be exceeded, and say so."""
        before = self._schedule
        if before.budget is not None and len(self._costs) > 1:  # the first look was compiled
            self._schedule = self._schedule.within_budget(self._costs[-1], epoch_time)
        if before.max_megabytes is not None:
            if not self._looks_written:
                self._folder.drain()
            each = self._written / max(self._looks_written, 1)
            self._schedule = self._schedule.within_size(each, len(self._costs), epochs_left)
        if self._schedule != before:
            _LOGGER.log(
                logging.INFO if self._said else logging.WARNING,
                "%s now looks every %d epochs: a look takes %.3g s (the first, compiling one took %.3g s) and an epoch "
                "%.3g s; %.3g MB are written.",
                *(type(self).__name__, self._schedule.every, self._costs[-1], self._costs[0], epoch_time),
                self._written / 1e6,
            )
            self._said = True

    def _guarded(self, function, *args):
        """Run a check; with `strict=False` what it raises is logged and switches the callback off."""
        try:
            function(*args)
        except Exception as error:
            if self._strict:
                raise
            self._on = False
            _LOGGER.error("%s is switched off: %s", type(self).__name__, error)


def _check_yes_or_no(name, value):
    if not isinstance(value, bool | np.bool_ | int):
        raise TypeError(f"`{name}` must be True or False. Got {shown(value)}. True is the default.")


def _checked_path(log_dir):
    if isinstance(log_dir, str | os.PathLike) and str(log_dir) and "\0" not in str(log_dir):
        return log_dir
    raise TypeError(
        f"`log_dir` must be the path of a folder. Got {shown(log_dir)}. "
        "Pass the folder that TensorBoard is to show, such as 'logs/run1'."
    )


def _checked_name(name):
    if isinstance(name, str) and re.fullmatch(r"[\w.-]+(/[\w.-]+)*", name):
        return name
    raise ValueError(
        f"`name` must be made of letters, digits, '.', '_', '-' and '/'. Got {shown(name)}. "
        "It becomes a part of the tags: choose another."
    )
