"""The epoch callback: evaluates its views after due epochs, beside training, and writes their records."""

import atexit
import logging
import time
import weakref

import keras

from keras_see.model.cache import forget
from keras_see.runs.records import Number, Text
from keras_see.runs.run_writer import run_writer_at
from keras_see.runs.writer import Guarded, writers_for
from keras_see.training.callback_options import check_yes_or_no, checked_name, checked_path
from keras_see.training.fit_state import FitState
from keras_see.training.joining import is_under, prepared_prefix, shift_after
from keras_see.training.limits import keep_to_limits
from keras_see.training.schedule import Schedule

_LOGGER = logging.getLogger("keras_see")

BEFORE_TRAINING = "before training"

# After this many failures in a row a callback rests until the next `fit`.
PATIENCE = 3


# Callbacks in whose training something may be held back.
_IN_TRAINING: weakref.WeakSet = weakref.WeakSet()


class EpochCallback(keras.callbacks.Callback):
    """A callback that evaluates views of the model after due epochs and writes their records.

    A view has four methods. `prepare(model, run_writer, prefix)` checks everything before training starts, and raises.
    `evaluate(model)` computes on the model's device while training waits, and returns its findings. On the thread
    beside training, `settle(findings, step)` sets the ranges of colours, and `draw(findings, caption, prefix, step)`
    makes records, tag -> record. Its `names` are the ends of the tags.

    What was found before training is drawn after the first step of training, in the ranges of that step: they say
    nothing about an untrained network.

    A user's own loop may call the hooks by hand and leave some out: `on_epoch_end(epoch)` alone is enough.

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
        self._strict, self._on, self._fit = strict, True, None
        schedule = (every, epochs, budget, max_megabytes)
        self._guarded(self._set_up, log_dir, make_views, schedule, name, before_training, trackers)

    def _set_up(self, log_dir, make_views, schedule, name, before_training, trackers):
        check_yes_or_no("before_training", before_training)
        check_yes_or_no("strict", self._strict)
        self._schedule = Schedule.checked(*schedule)
        self._has_limits = self._schedule.budget is not None or self._schedule.max_megabytes is not None
        self._log_dir = checked_path(log_dir)
        self._own_prefix = self._prefix = "see/" if name is None else f"see/{checked_name(name)}/"
        self._before_training = before_training
        self._trackers = Guarded.of(writers_for(trackers, self._log_dir))
        self._views = make_views()

    def on_train_begin(self, logs=None):
        """Check everything against the model; nothing is evaluated yet."""
        if self._on:
            self._guarded(self._check_is_once)
        self._write_what_was_broken_off()
        self._fit = FitState(self._schedule, self.params) if self._on else None
        if self._on:
            _IN_TRAINING.add(self)
            forget(self.model)  # what changed between two trainings shows in no fingerprint
            # Without `strict`, the first batch is to build the model as it would without us: see `on_epoch_end`.
            self._fit.is_late = not self._strict and not self.model.built
            if not self._fit.is_late:
                self._guarded(self._prepare)

    def _write_what_was_broken_off(self):
        """Write what is still held of a training whose end was not told, unless the folder holds steps by now."""
        fit, self._fit = self._fit, None
        if fit is None or fit.held is None:
            return
        try:
            if self._run_writer.last_step(self._is_mine) is None:
                self._run_writer.submit(lambda: self._write_held(fit))
                self._run_writer.drain()
        except OSError as error:
            _LOGGER.error("What was found before training is lost: %s", error)

    def _check_is_once(self):
        if self._fit is not None and self.params is not None and self._fit.params is self.params:
            raise ValueError(
                f"`callbacks` must hold each callback once. This {type(self).__name__} is there twice. "
                "Leave one out, or make another."
            )

    def _prepare(self):
        self._run_writer = run_writer_at(self._log_dir)
        self._prefix = prepared_prefix(self, self._views, self.model, self._run_writer, self._own_prefix)
        self._fit.steps_before = self._run_writer.last_step_before(self, self._is_mine)

    def _is_mine(self, tag):
        return is_under(self._prefix, tag)

    def shares_training_with(self, other):
        """Return whether both are in one training: Keras gives the callbacks of one `fit` the same `params`.

        Where a user's own loop calls the hooks there are none, and a callback that has not evaluated twice counts.
        """
        if self._fit is None or self.params is not other.params:
            return False
        return self.params is not None or len(self._fit.costs) < 2

    def writes_beside(self, other):
        """Return whether both write in one training; in a user's own loop, whether both wait for its start."""
        return self.shares_training_with(other) and (self.params is not None or not self._fit.has_started)

    def on_epoch_begin(self, epoch, logs=None):
        """Evaluate the state before training, once `epoch` tells which step that is."""
        fit = self._current_fit()
        if self._on:
            if not fit.is_late and not fit.has_started:
                self._start(epoch)
            fit.due, fit.began = (epoch, fit.schedule.is_due(epoch, self._last_epoch())), time.perf_counter()

    def _current_fit(self):
        """Return the state of this training, which begins now where its begin was not told."""
        if self._on and self._fit is None:
            self.on_train_begin()
        return self._fit

    def _start(self, epoch, trained=False):
        fit = self._fit
        fit.has_started = True
        self._tell_if_none_is_due(epoch)
        if fit.steps_before is None:
            if self._before_training and not trained:
                self._evaluate(epoch - 1, BEFORE_TRAINING)
        else:
            averaged = self._run_writer.last_number(f"{self._prefix}averaged")
            fit.shift = shift_after(fit.steps_before, epoch, averaged, self._log_dir)

    def _tell_if_none_is_due(self, epoch):
        end, wanted = (self.params or {}).get("epochs"), self._fit.schedule.epochs
        if end and wanted is not None and not wanted & set(range(epoch, end)):
            _LOGGER.warning("`epochs` names none of those of this training, %d to %d: none is shown.", epoch, end - 1)

    def on_epoch_end(self, epoch, logs=None):
        """Evaluate if this epoch is due."""
        fit = self._current_fit()
        if self._on and not fit.has_started:
            self._start_late(epoch)
        if not self._on:
            return
        took = None if fit.began is None else time.perf_counter() - fit.began
        told, fit.epoch, fit.due, fit.began = fit.due, epoch, None, None
        last = self._last_epoch()
        is_due = told[1] if told and told[0] == epoch else fit.schedule.is_due(epoch, last)
        # Now, because another callback may set other weights before ours hears of the end of training.
        is_stopped = fit.schedule.epochs is None and getattr(self.model, "stop_training", False)
        if is_due or is_stopped:
            self._evaluate(epoch, self._epoch_caption(epoch))
            if self._has_limits:
                keep_to_limits(fit, self._run_writer, type(self).__name__, took, epoch, last)

    def _start_late(self, epoch):
        """Start after the first epoch: its begin was not told, or its batches have built the model."""
        if self._fit.is_late:
            self._fit.is_late = False
            self._guarded(self._prepare)
        if self._on:
            self._start(epoch, trained=True)

    def on_train_end(self, logs=None):
        """Show the model that the user keeps, if that was not shown yet, and wait until all is written."""
        if self._on and self._fit is not None and not self._fit.is_late:
            self._evaluate_what_is_kept()
            fit = self._fit
            self._run_writer.submit(lambda: self._write_held(fit))
            self._run_writer.close()
            if self._trackers:
                self._trackers.close()
        self._fit = None

    def _evaluate_what_is_kept(self):
        fit = self._fit
        if fit.epoch is None or fit.schedule.epochs is not None:
            return
        if fit.evaluated != fit.epoch:  # training was stopped early
            self._evaluate(fit.epoch, f"after training, stopped in {self._epoch_caption(fit.epoch)}")
        if getattr(getattr(self.model, "optimizer", None), "use_ema", False):
            self._evaluate(fit.epoch + 1, "after training, with the averaged weights")
            step = fit.epoch + 1 + fit.shift
            averaged = {f"{self._prefix}averaged": Number(step, is_curve=False)}
            self._run_writer.submit(lambda: self._run_writer.write(step, averaged))

    def _last_epoch(self):
        return (self.params or {}).get("epochs", 0) - 1

    def _epoch_caption(self, epoch):
        return f"epoch {epoch + 1}/{(self.params or {}).get('epochs', '?')}"

    def _evaluate(self, epoch, caption):
        """Evaluate the views now, and leave drawing and writing to the thread beside training."""
        fit = self._fit
        if fit.is_resting:
            return
        began, step = time.perf_counter(), epoch + fit.shift
        fit.evaluated = epoch
        try:
            if getattr(self.model, "run_eagerly", False):
                forget(self.model)  # its training sees every change of a layer at once
            findings = [view.evaluate(self.model) for view in self._views]
        except Exception as error:  # a picture must never end a training run
            failure = error
            self._run_writer.submit(lambda: self._failed(fit, step, failure))  # after what is still to be written
        else:
            told = f"{caption} (step {step})"
            if caption == BEFORE_TRAINING:
                fit.held = step, findings, told
            else:
                self._run_writer.submit(lambda: self._write(fit, step, findings, told))
        fit.costs.append(time.perf_counter() - began)

    def _write(self, fit, step, findings, caption):
        """Draw and write what was found, and first what was held back; runs beside training."""
        try:
            for view, part in zip(self._views, findings, strict=True):
                view.settle(part, step)
        except Exception as error:
            self._failed(fit, step, error)
            return
        held, fit.held = fit.held, None
        for each in filter(None, (held, (step, findings, caption))):
            self._write_step(fit, *each)

    def _write_held(self, fit):
        """Draw and write what was found before training where no step of training has followed."""
        if fit.held is not None:
            step, findings, caption = fit.held
            fit.held = None
            self._write(fit, step, findings, caption)

    def _write_step(self, fit, step, findings, caption):
        try:
            for view, part in zip(self._views, findings, strict=True):
                records = view.draw(part, caption, self._prefix, step)
                fit.bytes_written += self._run_writer.write(step, records)
                self._track(step, records)
            fit.steps_written += 1
            fit.failures_in_a_row = 0
        except Exception as error:
            self._failed(fit, step, error)

    def _track(self, step, records):
        if self._trackers:
            self._trackers.write(step, records)

    def _failed(self, fit, step, error):
        if fit.is_resting:  # decided while this was under way
            return
        fit.failures_in_a_row += 1
        fit.is_resting = fit.failures_in_a_row >= PATIENCE
        line = f"step {step}: {type(error).__name__}: {error}"
        rest = f" After {PATIENCE} in a row this callback rests." if fit.is_resting else " The next due epoch is tried."
        self.failures.append(line)
        _LOGGER.error("No picture at %s%s", line, rest, exc_info=error)
        self._track(step, status := {"see/status": Text(f"**No picture at {line}**{rest}")})
        try:
            self._run_writer.write(step, status)
        except OSError as also:
            _LOGGER.error("Nor could the failure be written: %s", also)

    def _guarded(self, function, *args):
        """Run a check; with `strict=False` an error is logged and switches the callback off."""
        try:
            function(*args)
        except Exception as error:
            if self._strict:
                raise
            self._on = False
            _LOGGER.error("%s is switched off: %s", type(self).__name__, error)


@atexit.register
def _write_what_was_broken_off():
    """Write what an interrupted training has held back. What was submitted is written by `runs.run_writer`, later."""
    for callback in list(_IN_TRAINING):
        callback._write_what_was_broken_off()
