"""Keep to the limits that a user sets: a share of the training time, and a size."""

import logging

_LOGGER = logging.getLogger("keras_see")


def keep_to_limits(fit, run_writer, name, epoch_time, epoch, last):
    """Evaluate less often where the budget or the size would be exceeded, and say so.

    Args:
        fit: The `FitState`, whose schedule is slowed.
        run_writer: The `RunWriter`, which is waited for until the size of a step is known.
        name: Of the callback, for the log.
        epoch_time: Seconds of the epoch, or None where its begin was not told.
        epoch: The epoch that has ended.
        last: The last one of the training, -1 where that is not known.
    """
    before = fit.schedule
    if before.budget is not None and epoch_time is not None and len(fit.costs) > 1:  # the first was compiled
        fit.schedule = fit.schedule.within_budget(fit.costs[-1], epoch_time)
    if before.max_megabytes is not None:
        if not fit.steps_written:
            run_writer.drain()
        each = fit.bytes_written / max(fit.steps_written, 1)
        fit.schedule = fit.schedule.within_size(each, len(fit.costs), epoch, last)
    if fit.schedule != before:
        _LOGGER.log(
            logging.INFO if fit.has_told else logging.WARNING,
            "%s now evaluates every %d epochs: an evaluation takes %.3g s (the first, compiling one took %.3g s)"
            "%s; %.3g MB are written.",
            *(name, fit.schedule.pace, fit.costs[-1], fit.costs[0]),
            "" if epoch_time is None else f" and an epoch {epoch_time:.3g} s",
            fit.bytes_written / 1e6,
        )
        fit.has_told = True
