"""The state of one training, as an epoch callback keeps it."""

import dataclasses
from collections.abc import Callable

from keras_see.training.schedule import Schedule


@dataclasses.dataclass
class FitState:
    """The state of one training; a new one for each `fit`.

    Attributes:
        schedule: The schedule in force: that of the user, or a slower one that keeps to the limits.
        evaluates: Whether this process has a part in evaluations: in a job of several, perhaps only the first has.
        agree: From a number to that of the first process of the job, where all gather the weights together, or None.
        is_late: Whether the model is still to be built by its first batch.
        has_started: Whether the first epoch was seen.
        steps_before: The last step that an earlier training wrote, or None.
        shift: Added to an epoch for its step, so that steps follow those of earlier trainings.
        epoch: The last epoch that ended, or None.
        evaluated: The last epoch that was evaluated, or None.
        due: The epoch under way and whether it is due, or None where its begin was not told.
        began: When the epoch under way began, or None.
        held: Step, findings and caption of the evaluation before training, until a step of training is drawn.
        costs: Seconds that training waited for each evaluation.
        bytes_written: In the event file.
        steps_written: How many evaluations that were.
        failures_in_a_row: Since the last success.
        is_resting: Whether it gave up until the next training.
        has_told: Whether a slower schedule was logged as a warning.
    """

    schedule: Schedule
    evaluates: bool = True
    agree: Callable[[int], int] | None = None
    is_late: bool = False
    has_started: bool = False
    steps_before: int | None = None
    shift: int = 0
    epoch: int | None = None
    evaluated: int | None = None
    due: tuple[int, bool] | None = None
    began: float | None = None
    held: tuple | None = None
    costs: list[float] = dataclasses.field(default_factory=list)
    bytes_written: int = 0
    steps_written: int = 0
    failures_in_a_row: int = 0
    is_resting: bool = False
    has_told: bool = False
