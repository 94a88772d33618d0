"""The rescue of images without a gradient: one policy for all optimized images.

Where rectifiers are closed everywhere, an image has no gradient and would stay grey. Then, in this order:

1. *Leak.* In its next steps closed rectifiers let a small part of the gradient through. Every few steps the true
   gradient is tried again.
2. *Restart.* In the first steps, an image that has no gradient even so starts again from noise of more contrast.
3. *Extra steps.* An image that is still inactive after its last step gets more of them.
4. *Report.* An image that never had a gradient is an error; one that only leaks have moved is a warning.

An image is *active* where the objective's own gradient (not that of a prior) is not zero, *leaking* where it is zero
and leaks move the image, and *dead* where leaks give no gradient either.
"""

import logging

import numpy as np
from keras import ops

_LOGGER = logging.getLogger("keras_see")

# The gradient that negative inputs of rectifiers get while an image leaks. Small, so that what is open leads the way:
# with 1, two layers of rectifiers let a channel rise where they stayed closed.
LEAK = 0.1

# While an image leaks, its true gradient is tried again at each step with a number divisible by this.
RETRY = 4

# An image that is dead at first is restarted this often at most, each time from twice the contrast: up to 2^6 · 0.01.
RESTARTS = 6

# Images that are inactive after their last step get up to this many rounds of this many extra steps.
ROUNDS, EXTRA_STEPS = 8, 16

# The values of `AscentState.inactive`.
ACTIVE, LEAKING, DEAD = 0, 1, 2


def updated(leaks, inactive, size, number):
    """Return the leaks of the next step, who is inactive, and who is dead after this step, each `(n,)`; traced.

    Args:
        leaks: 1 where rectifiers leaked in this step, else 0.
        inactive: `ACTIVE`, `LEAKING` or `DEAD`, before this step.
        size: Root mean square of the objective's gradient in this step.
        number: The number of the step, from 1.
    """
    still = ops.cast(size == 0, "float32")
    inactive = ops.where(leaks > 0, LEAKING + still, still * ops.maximum(inactive, LEAKING))
    leaks_next = leaks * ops.cast(number % RETRY > 0, "float32") + (1 - leaks) * still
    return leaks_next, inactive, still * leaks


def restart_contrast(step):
    """Return the contrast of a new start after this step, counted from 0; None where images are not restarted."""
    return 2.0 ** ((step + 1) // 2) if step < 2 * RESTARTS else None


def with_extra_steps(ascent, states):
    """Return the images of a `BatchedAscent` and who is inactive, after extra steps of those that are.

    The images that are active stay as they were, as if they had been optimized alone.
    """
    images, inactive = ascent.images(states), ascent.inactive(states)
    for _ in range(ROUNDS):
        rows = inactive > ACTIVE
        if not rows.any():
            break
        states, _ = ascent.run(states, EXTRA_STEPS)
        images[rows], inactive[rows] = ascent.images(states)[rows], ascent.inactive(states)[rows]
    return images, inactive


def report(names, inactive):
    """Raise ValueError if an image is dead, and log those that only leaks have moved."""
    dead = [name for name, level in zip(names, inactive, strict=True) if level == DEAD]
    if dead:
        cause = "The model ignores its input " + ("there" if len(dead) == len(names) else "for these")
        raise ValueError(
            f"Every image must have a gradient to follow. That of {', '.join(dead)} was zero, from all starts. "
            f"{cause}: leave them out, choose another layer, or look for a stop_gradient or zero weights on the way."
        )
    for name in np.asarray(names)[np.asarray(inactive) > ACTIVE]:
        _LOGGER.warning("%s stayed at zero; its image shows what comes nearest to activating it.", name)
