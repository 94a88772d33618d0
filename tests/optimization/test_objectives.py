import numpy as np
import pytest
from keras import ops

from keras_see.optimization import objectives

VALUES = np.random.default_rng(0).normal(size=(2, 4, 5, 3)).astype("float32")
GOALS = [np.array([[0, 1, 0], [0, 0, 2]], "float32")]


def value_of(objective, goals=GOALS, values=VALUES, term="score"):
    features = {path: ops.convert_to_tensor(values) for path in objective.paths}
    return ops.convert_to_numpy(
        getattr(objective, term)(features, None, [ops.convert_to_tensor(goal) for goal in goals])
    )


def test_the_score_of_a_channel_is_its_mean_over_positions():
    truth = [VALUES[0, ..., 1].mean(), 2 * VALUES[1, ..., 2].mean()]
    np.testing.assert_allclose(value_of(objectives.channels("a")), truth, rtol=1e-4)


def test_the_score_of_a_unit_is_its_value():
    np.testing.assert_allclose(
        value_of(objectives.channels("a"), values=VALUES[:, 0, 0]),
        [VALUES[0, 0, 0, 1], 2 * VALUES[1, 0, 0, 2]],
        rtol=1e-5,
    )


def test_a_neuron_is_at_the_centre_by_default():
    centre = value_of(objectives.neurons("a"))
    np.testing.assert_allclose(centre, [VALUES[0, 2, 2, 1], 2 * VALUES[1, 2, 2, 2]], rtol=1e-5)
    corner = value_of(objectives.neurons("a", (3, 0)))
    np.testing.assert_allclose(corner, [VALUES[0, 3, 0, 1], 2 * VALUES[1, 3, 0, 2]], rtol=1e-5)


def test_the_score_of_layers_is_the_weighted_sum_of_mean_squares():
    truth = 3.5 * np.square(VALUES).mean(axis=(1, 2, 3))
    np.testing.assert_allclose(value_of(objectives.whole_layers({"a": 1.5, "b": 2.0})), truth, rtol=1e-4)


def test_the_score_of_contents_is_minus_the_relative_squared_distance():
    other = VALUES + np.array([1, 2], "float32").reshape(2, 1, 1, 1)
    truth = [-np.square(VALUES[i] - other[i]).sum() / np.square(other[i]).sum() for i in range(2)]
    np.testing.assert_allclose(value_of(objectives.contents(["a"], None), [other]), truth, rtol=1e-4)
    assert value_of(objectives.contents(["a", "b"], None), [other, VALUES])[0] == pytest.approx(truth[0] / 2, rel=1e-4)


def test_target_features_of_zero_give_no_nan():
    assert np.all(np.isfinite(value_of(objectives.contents(["a"], None), [np.zeros_like(VALUES)])))


def test_the_penalty_of_diversity_is_proportional_to_likeness():
    base = objectives.channels("a")
    twins = np.stack([VALUES[0], VALUES[0]])
    alike = value_of(objectives.with_diversity(base, 0.5), values=twins, term="penalty")
    np.testing.assert_allclose(alike, 0.5 * np.abs(value_of(base, values=twins)), rtol=1e-4)
    apart = np.zeros_like(VALUES)
    apart[0, ..., 1], apart[1, ..., 2] = 1, 1
    unlike = value_of(objectives.with_diversity(base, 0.5), values=apart, term="penalty")
    np.testing.assert_allclose(unlike, 0, atol=1e-6)
