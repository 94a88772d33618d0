"""The policy by which images without a gradient are rescued, on its own."""

import logging

import keras
import numpy as np
import pytest
from keras import ops

from keras_see.optimization import rescue
from keras_see.optimization.activation_maximization import neuron_ascent
from keras_see.optimization.objective_gradient import Flow
from keras_see.optimization.rescue import (
    ACTIVE,
    CLOSED,
    DEAD,
    FULL,
    LEAKING,
    PLAIN,
    PROBING,
    RESTARTS,
    RETRY,
    Rescue,
    report,
    restart_contrast,
    updated,
)
from keras_see.optimization.transforms import Transforms


def after(mode=PLAIN, condition=ACTIVE, size=0.5, blocked=(0, 0), number=1, score=0.0, low=0.0, high=0.0):
    """Return mode, condition and whether the image starts again, after one step of one image."""
    known = [ops.convert_to_tensor(np.array([part], "float32")) for part in (mode, condition, low, high)]
    flow = Flow(*(ops.convert_to_tensor(np.array([part], "float32")) for part in (size, blocked)))
    found, anew = updated(Rescue(*known), ops.convert_to_tensor(np.array([score], "float32")), flow, number)
    return tuple(int(ops.convert_to_numpy(part)[0]) for part in (found.mode, found.condition, anew))


@pytest.mark.parametrize("mode", [PLAIN, PROBING])
@pytest.mark.parametrize("condition", [ACTIVE, CLOSED, FULL, DEAD])
def test_an_image_with_a_gradient_is_active(mode, condition):
    assert after(mode, condition) == (PLAIN, ACTIVE, 0)


def test_what_blocks_the_gradient_of_an_image_is_looked_at_in_the_next_step():
    assert after(size=0) == (PROBING, ACTIVE, 0)
    assert after(size=0, condition=FULL) == (PROBING, FULL, 0)


def test_full_closed_and_partly_full_images_are_told_apart_by_what_blocks_the_gradient():
    assert after(PROBING, size=0, blocked=(2, 1)) == (PLAIN, FULL, 0)
    assert after(PROBING, size=0, blocked=(0, 1)) == (LEAKING, CLOSED, 0)
    assert after(PROBING, size=0, blocked=(1, 2)) == (LEAKING, ACTIVE, 0)


def test_where_nothing_known_blocks_the_gradient_the_scores_so_far_tell():
    assert after(PROBING, size=0, score=3, low=0, high=3) == (PLAIN, FULL, 0)
    assert after(PROBING, size=0, score=0, low=0, high=3) == (LEAKING, CLOSED, 0)
    assert after(PROBING, size=0, score=3, low=3, high=3) == (LEAKING, CLOSED, 0)


def test_a_leaking_image_stays_leaking_until_its_true_gradient_is_tried_again():
    assert after(LEAKING, CLOSED) == (LEAKING, CLOSED, 0)
    assert after(LEAKING, CLOSED, number=RETRY) == (PROBING, CLOSED, 0)


def test_an_image_that_even_leaks_do_not_move_is_dead_and_starts_again():
    assert after(LEAKING, CLOSED, size=0) == (LEAKING, DEAD, 1)
    assert after(LEAKING, DEAD, size=0.5) == (LEAKING, CLOSED, 0)


def test_the_contrast_of_new_starts_doubles_and_then_there_are_none():
    contrasts = [restart_contrast(step) for step in range(2 * RESTARTS + 1)]
    assert contrasts[-1] is None
    assert contrasts[0] == 1
    assert contrasts[2 * RESTARTS - 1] == 2.0**RESTARTS
    assert sorted(set(contrasts[:-1])) == [2.0**power for power in range(RESTARTS + 1)]


def test_dead_images_are_an_error_only_if_all_are(caplog):
    with pytest.raises(ValueError, match=r"That of channel 1, channel 2 was zero, from all starts: the model ignores"):
        report(["channel 1", "channel 2"], np.array([DEAD, DEAD]), [0.0, 0.0])
    with caplog.at_level(logging.INFO, "keras_see"):
        report(list("abcd"), np.array([CLOSED, ACTIVE, DEAD, FULL]), [0.0, 1.0, 0.5, 6.0])
    assert [(record.levelname, record.message) for record in caplog.records] == [
        ("WARNING", "a is closed: it stayed at 0. Its image shows what comes nearest to activating it."),
        ("WARNING", "c is dead: it was 0.5 from all starts, without a gradient. Its image shows nothing."),
        ("INFO", "d is full: at 6 it goes no higher."),
    ]


def batched_ascent(share):
    """Two channels that rise with every pixel; the second opens where the mean pixel is above a share of the range."""
    conv = keras.layers.Conv2D(2, 1, activation="relu", name="conv")
    model = keras.Sequential([keras.Input((4, 4, 3)), conv])
    conv.set_weights([np.ones((1, 1, 3, 2)), np.array([0.0, -3 * share])])
    still = Transforms(jitter=0, rotate=0, scale=(1, 1))
    return neuron_ascent(model, "conv", [0, 1], parameterization="pixels", transforms=still, value_range=(0, 1))


# A pixel's logit rises by 0.05 in a step: after 16 steps the mean is at 0.69, after 32 at 0.83, after 48 at 0.92.
@pytest.mark.parametrize(("share", "rounds"), [(0.6, 1), (0.78, 2), (0.88, 3)])
def test_extra_steps_go_to_closed_images_alone_and_end_when_they_are_active(share, rounds):
    ascent = batched_ascent(share)
    states, _ = ascent.run(ascent.start(), 2)
    before = ascent.images(states)
    assert ascent.conditions(states).tolist() == [ACTIVE, CLOSED]

    images, conditions = rescue.with_extra_steps(ascent, states)
    further, _ = ascent.run(states, rounds * rescue.EXTRA_STEPS)
    assert conditions.tolist() == [ACTIVE, ACTIVE]
    np.testing.assert_array_equal(images[0], before[0])
    np.testing.assert_allclose(images[1], ascent.images(further)[1], atol=1e-6)


def test_extra_steps_end_where_they_do_not_help():
    ascent = batched_ascent(share=2)  # brighter than any image
    states, _ = ascent.run(ascent.start(), 2)
    images, conditions = rescue.with_extra_steps(ascent, states)
    further, _ = ascent.run(states, rescue.ROUNDS * rescue.EXTRA_STEPS)
    assert conditions.tolist() == [ACTIVE, CLOSED]
    np.testing.assert_allclose(images[1], ascent.images(further)[1], atol=1e-6)
