"""A job of several processes that train one model: one writes, and the others do what that needs.

Only the first evaluates the model. Where each process has only a part of the weights, all put them together for it, so
that the others follow the decisions of the first.
"""

import itertools
import logging
import os

from keras_see.model import backend

_LOGGER = logging.getLogger("keras_see")

# Where those who start several processes say which one this is: torchrun, Slurm and Open MPI.
RANKS = ("RANK", "SLURM_PROCID", "OMPI_COMM_WORLD_RANK")

# Seconds that processes wait for each other before training: data may take minutes to load in one of them.
PATIENCE = 600

_MEETINGS = itertools.count()


def is_first(model):
    """Return whether this is the first process of the job that trains a model, or the only one; tell if it is not."""
    number = backend.process_in(model)
    if number is not None:
        if number:
            _LOGGER.info("This is process %d of a job: process 0 writes for all.", number)
        return number == 0
    name = next((name for name in RANKS if os.environ.get(name, "").isdecimal()), None)
    if name is None or int(os.environ[name]) == 0:
        return True
    _LOGGER.warning(
        "This is process %s of a job (%s), so that nothing is written here: process 0 does. "
        "If it trains a model of its own, set RANK=0 in its environment.",
        *(os.environ[name], name),
    )
    return False


def agreement(model, name):
    """Return a function from a number to that of the first process, or None where no process needs the others.

    Args:
        model: The model, built.
        name: Of the callback, for the message.

    Raises:
        ValueError: If another process does not come here too.
    """
    if not backend.is_in_parts(model):
        return None
    if not backend.meet(f"keras_see/{next(_MEETINGS)}", PATIENCE):
        raise ValueError(
            f"Where each process has a part of the weights, each must have the same callbacks. {name} waited "
            f"{PATIENCE:g} s for the others. Give it to `fit` in every process: only the first one writes."
        )
    return backend.of_first_process
