"""The policy by which images without a gradient are rescued, on its own."""

import logging

import keras
import numpy as np
import pytest
from keras import ops

from keras_see.optimization import rescue
from keras_see.optimization.activation_maximization import neuron_ascent
from keras_see.optimization.rescue import ACTIVE, DEAD, LEAKING, RESTARTS, RETRY, report, restart_contrast, updated
from keras_see.optimization.transforms import Transforms


def after(leaks, inactive, size, number=1):
    parts = [ops.convert_to_tensor(np.array([part], "float32")) for part in (leaks, inactive, size)]
    return [float(ops.convert_to_numpy(part)[0]) for part in updated(*parts, number)]


def test_an_image_with_a_gradient_is_active_and_does_not_leak():
    assert after(leaks=0, inactive=ACTIVE, size=0.5) == [0, ACTIVE, 0]


def test_an_image_without_a_gradient_leaks_in_the_next_step():
    assert after(leaks=0, inactive=ACTIVE, size=0) == [1, LEAKING, 0]


def test_a_leaking_image_stays_leaking_until_its_true_gradient_is_tried_again():
    assert after(leaks=1, inactive=LEAKING, size=0.5) == [1, LEAKING, 0]
    assert after(leaks=1, inactive=LEAKING, size=0.5, number=RETRY) == [0, LEAKING, 0]
    assert after(leaks=0, inactive=LEAKING, size=0.5) == [0, ACTIVE, 0]


def test_an_image_that_even_leaks_do_not_move_is_dead():
    assert after(leaks=1, inactive=LEAKING, size=0) == [1, DEAD, 1]
    assert after(leaks=0, inactive=DEAD, size=0) == [1, DEAD, 0]


def test_the_contrast_of_new_starts_doubles_and_then_there_are_none():
    contrasts = [restart_contrast(step) for step in range(2 * RESTARTS + 1)]
    assert contrasts[-1] is None
    assert contrasts[0] == 1
    assert contrasts[2 * RESTARTS - 1] == 2.0**RESTARTS
    assert sorted(set(contrasts[:-1])) == [2.0**power for power in range(RESTARTS + 1)]


def test_dead_images_are_an_error_and_leaking_ones_are_logged(caplog):
    with pytest.raises(ValueError, match=r"That of channel 2 was zero, from all starts\. The model ignores"):
        report(["channel 1", "channel 2"], np.array([ACTIVE, DEAD]))
    with pytest.raises(ValueError, match="The model ignores its input there"):
        report(["channel 2"], np.array([DEAD]))
    with caplog.at_level(logging.WARNING, "keras_see"):
        report(["channel 1", "channel 2"], np.array([LEAKING, ACTIVE]))
    assert caplog.messages == ["channel 1 stayed at zero; its image shows what comes nearest to activating it."]


def batched_ascent(share):
    """Two channels that rise with every pixel; the second opens where the mean pixel is above a share of the range."""
    conv = keras.layers.Conv2D(2, 1, activation="relu", name="conv")
    model = keras.Sequential([keras.Input((4, 4, 3)), conv])
    conv.set_weights([np.ones((1, 1, 3, 2)), np.array([0.0, -3 * share])])
    still = Transforms(jitter=0, rotate=0, scale=(1, 1))
    return neuron_ascent(model, "conv", [0, 1], parameterization="pixels", transforms=still, value_range=(0, 1))


# A pixel's logit rises by 0.05 in a step: after 16 steps the mean is at 0.69, after 32 at 0.83, after 48 at 0.92.
@pytest.mark.parametrize(("share", "rounds"), [(0.6, 1), (0.78, 2), (0.88, 3)])
def test_extra_steps_go_to_inactive_images_alone_and_end_when_they_are_active(share, rounds):
    ascent = batched_ascent(share)
    states, _ = ascent.run(ascent.start(), 2)
    before = ascent.images(states)
    assert ascent.inactive(states).tolist() == [ACTIVE, LEAKING]

    images, inactive = rescue.with_extra_steps(ascent, states)
    further, _ = ascent.run(states, rounds * rescue.EXTRA_STEPS)
    assert inactive.tolist() == [ACTIVE, ACTIVE]
    np.testing.assert_array_equal(images[0], before[0])
    np.testing.assert_allclose(images[1], ascent.images(further)[1], atol=1e-6)


def test_extra_steps_end_where_they_do_not_help():
    ascent = batched_ascent(share=2)  # brighter than any image
    states, _ = ascent.run(ascent.start(), 2)
    images, inactive = rescue.with_extra_steps(ascent, states)
    further, _ = ascent.run(states, rescue.ROUNDS * rescue.EXTRA_STEPS)
    assert inactive.tolist() == [ACTIVE, LEAKING]
    np.testing.assert_allclose(images[1], ascent.images(further)[1], atol=1e-6)
