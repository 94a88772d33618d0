"""The rescue of images without a gradient: one policy, and one set of words, for all optimized images.

Where activations are flat at every place, an image has no gradient. There are three causes, and they are told apart by
what blocks the gradient (`keras_see.model.flat_activations`):

- *Full.* Most of it points into a flat part, as where a ReLU6 stands at 6: the best there is. The image stays.
- *Closed.* Most of it points out of a flat part, as where a ReLU is at 0. Then, in this order: in its next steps
  activations let a small part of that gradient through (every few steps the true gradient is tried again), and after
  its last step the image gets more steps. One that is still closed is named in the log.
- *Dead.* Even so there is no gradient: the image does not matter. In the first steps it starts again from noise of
  more contrast. One that is still dead is named in the log; it is an error only if all are.

The gradient meant here is that of the objective: a prior moves images to which the model does not respond.
"""

import logging
from typing import Any, NamedTuple

import numpy as np
from keras import ops

_LOGGER = logging.getLogger("keras_see")

# The share of the gradient that flat parts let through while an image leaks. Small, so that what is open leads the way:
# with 1, two layers of rectifiers let a channel rise where they stayed closed.
LEAK = 0.1

# A gradient of this size or less counts as none. In the tails of GELU and swish it is not zero, but leads further away:
# these functions rise to zero there.
NEGLIGIBLE = 1e-6

# While an image leaks, its true gradient is tried again at each step with a number divisible by this.
RETRY = 4

# An image that is dead at first is restarted this often at most, each time from twice the contrast: up to 2^6 · 0.01.
RESTARTS = 6

# Images that are closed after their last step get up to this many rounds of this many extra steps.
ROUNDS, EXTRA_STEPS = 8, 16

# The conditions of an image.
ACTIVE, CLOSED, FULL, DEAD = 0, 1, 2, 3

# What captions add to the activation of an image, by its condition; and what they mean.
WORDS = {ACTIVE: "", CLOSED: ", closed", FULL: ", full", DEAD: ", dead"}
MEANING = "Full: as high as it goes. Closed: no image found activates it yet. Dead: no image found changes it."

# What the next step of an image does: follow the true gradient; that, and look at what blocks it; or let it leak.
# The last two run another program than the first.
PLAIN, PROBING, LEAKING = 0, 1, 2

# Scores whose spread is a smaller share of their size are equal but for rounding.
EQUAL = 1e-5


class Rescue(NamedTuple):
    """What is known of images without a gradient, `(n,)` each.

    Attributes:
        mode: `PLAIN`, `PROBING` or `LEAKING`: what the next step does.
        condition: `ACTIVE`, `CLOSED`, `FULL` or `DEAD`.
        low: The lowest score so far.
        high: The highest.
    """

    mode: Any
    condition: Any
    low: Any
    high: Any


FIELDS = ("mode", "condition", "low", "high")


def at_start(count):
    """Return the `Rescue` of images that have taken no step, of NumPy arrays."""
    none = np.zeros(count, "float32")
    return Rescue(none, none, none + np.inf, none - np.inf)


def leaks(mode):
    """Return the leaks of this step, `(n,)`, as `FlatActivations` takes them: below 0 for `PLAIN` steps; traced."""
    return LEAK * ops.cast(mode == LEAKING, "float32") - ops.cast(mode == PLAIN, "float32")


def updated(rescue, scores, flow, number):
    """Return the `Rescue` after a step, and who is to start again, `(n,)`; traced.

    Args:
        rescue: The `Rescue` before the step.
        scores: The scores before the step.
        flow: The `Flow` of the step; it may be without `blocked` only where all modes are `PLAIN`.
        number: The number of the step, from 1.
    """
    low, high = ops.minimum(rescue.low, scores), ops.maximum(rescue.high, scores)
    still = flow.size <= ops.where(rescue.mode == LEAKING, 0.0, NEGLIGIBLE)
    condition = ops.where(still, rescue.condition, float(ACTIVE))
    mode = PROBING * ops.cast(still, "float32")
    if flow.blocked is None:
        return Rescue(mode, condition, low, high), ops.zeros_like(mode)
    leaking, probing = rescue.mode == LEAKING, ops.logical_and(rescue.mode == PROBING, still)
    full, closed = flow.blocked[:, 0], flow.blocked[:, 1]
    is_full = ops.where(full + closed > 0, full >= closed, _nearer_to_high(scores, low, high))
    shut = ops.where(full > 0, float(ACTIVE), float(CLOSED))  # what is open in some places is not named closed
    condition = ops.where(probing, ops.where(is_full, float(FULL), shut), condition)
    mode = ops.where(probing, ops.where(is_full, float(PLAIN), float(LEAKING)), mode)
    moved = ops.where(rescue.condition == DEAD, float(CLOSED), rescue.condition)
    condition = ops.where(leaking, ops.where(still, float(DEAD), moved), condition)
    mode = ops.where(leaking, ops.where(number % RETRY == 0, float(PROBING), float(LEAKING)), mode)
    return Rescue(mode, condition, low, high), ops.cast(ops.logical_and(leaking, still), "float32")


def restart_contrast(step):
    """Return the contrast of a new start after this step, counted from 0; None where images are not restarted."""
    return 2.0 ** ((step + 1) // 2) if step < 2 * RESTARTS else None


def with_extra_steps(ascent, states):
    """Return the images of a `BatchedAscent` and their conditions, after extra steps of those that are closed.

    The other images stay as they were, as if they had been optimized alone.
    """
    images, conditions = ascent.images(states), ascent.conditions(states)
    for _ in range(ROUNDS):
        rows = conditions == CLOSED
        if not rows.any():
            break
        states, _ = ascent.run(states, EXTRA_STEPS)
        images[rows], conditions[rows] = ascent.images(states)[rows], ascent.conditions(states)[rows]
    return images, conditions


def report(names, conditions, scores):
    """Raise ValueError if all images are dead; log those that are dead, closed or full.

    Args:
        names: The names of the images.
        conditions: `ACTIVE`, `CLOSED`, `FULL` or `DEAD` of each.
        scores: Their last scores.
    """
    if np.all(conditions == DEAD):
        raise ValueError(
            f"Every image must have a gradient to follow. That of {', '.join(names)} was zero, from all starts: the "
            "model ignores its input there. Choose other channels or another layer, or look for a stop_gradient or "
            "zero weights on the way."
        )
    for name, condition, score in zip(names, conditions, scores, strict=True):
        if condition in _LINES:
            level, line = _LINES[condition]
            _LOGGER.log(level, line, name, score)


def caption(activation, condition):
    """Return the line under an image: its activation, a text, and its condition."""
    return f"activation {activation}{WORDS[int(condition)]}"


def _nearer_to_high(scores, low, high):
    """Return whether scores are nearer to the highest so far than to the lowest, where these differ."""
    differ = high - low > EQUAL * ops.maximum(ops.abs(high), ops.abs(low))
    return ops.logical_and(differ, 2 * scores > low + high)


_LINES = {
    CLOSED: (logging.WARNING, "%s is closed: it stayed at %.3g. Its image shows what comes nearest to activating it."),
    DEAD: (logging.WARNING, "%s is dead: it was %.3g from all starts, without a gradient. Its image shows nothing."),
    FULL: (logging.INFO, "%s is full: at %.3g it goes no higher."),
}
