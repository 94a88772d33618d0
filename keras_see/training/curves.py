"""The curves of a training, as Keras's `TensorBoard` callback writes them, without TensorFlow."""

import logging

import numpy as np
from keras import ops

from keras_see.runs.records import Number
from keras_see.runs.tensorboard import TensorBoard

_LOGGER = logging.getLogger("keras_see")


class Curves:
    """Writes what `fit` reports: into the folders `train` and `validation`, under the tags that Keras uses.

    After each epoch that are `epoch_loss`, `epoch_<metric>` and `epoch_learning_rate`; after each evaluation
    `evaluation_loss_vs_iterations` and the like, whose steps are batches.

    Args:
        log_dir: The folder of the run, or its address.
    """

    def __init__(self, log_dir):
        self._writers = {run: TensorBoard(f"{log_dir}/{run}") for run in ("train", "validation")}
        self._has_failed = False

    def epoch_ended(self, run_writer, model, step, logs):
        """Have the numbers of an epoch written beside training."""
        train = {name: value for name, value in (logs or {}).items() if not name.startswith("val_")}
        validation = {name.removeprefix("val_"): value for name, value in (logs or {}).items() if name not in train}
        if logs:
            self._submit(run_writer, "train", step, lambda: _numbers("epoch_{}", train | _learning_rates(model)))
            self._submit(run_writer, "validation", step, lambda: _numbers("epoch_{}", validation))

    def evaluation_ended(self, run_writer, model, logs):
        """Have the numbers of an evaluation written beside training."""
        iterations = getattr(getattr(model, "optimizer", None), "iterations", None)
        if logs and iterations is not None:
            step = int(ops.convert_to_numpy(iterations))
            self._submit(run_writer, "validation", step, lambda: _numbers("evaluation_{}_vs_iterations", logs))

    def flush(self):
        """Wait until what a slow network holds up is written."""
        for writer in self._writers.values():
            writer.flush()

    def _submit(self, run_writer, run, step, numbers):
        """Read the numbers now, and have them written by the thread beside training; failures are told once."""
        try:
            records = numbers()
        except Exception as error:  # a curve must never end a training run
            self._failed(error)
        else:
            if records and run_writer.writes:
                run_writer.submit(lambda: self._write(run, step, records))

    def _write(self, run, step, records):
        try:
            self._writers[run].write(step, records)
        except Exception as error:
            self._failed(error)

    def _failed(self, error):
        if not self._has_failed:
            _LOGGER.error("Curves cannot be written: %s: %s", type(error).__name__, error)
        self._has_failed = True


def _numbers(tag, values):
    return {tag.format(name): Number(_number(value)) for name, value in values.items()}


def _number(value):
    return float(np.asarray(ops.convert_to_numpy(value), "float64"))


def _learning_rates(model):
    """Return the current learning rate, or that of each optimizer where there are several."""
    optimizer = getattr(model, "optimizer", None)
    optimizer = getattr(optimizer, "inner_optimizer", optimizer)
    if hasattr(optimizer, "optimizers"):
        return {f"learning_rate_{each.name}": each.learning_rate for each in optimizer.optimizers}
    return {"learning_rate": optimizer.learning_rate} if hasattr(optimizer, "learning_rate") else {}
