import numpy as np
import pytest
from keras import ops

from keras_see.optimization import objectives

VALUES = np.random.default_rng(0).normal(size=(2, 4, 5, 3)).astype("float32")
WANTED = [np.array([[0, 1, 0], [0, 0, 2]], "float32")]


def reached(objective, wanted=WANTED, values=VALUES, term="score"):
    features = {place: ops.convert_to_tensor(values) for place in objective.paths}
    return ops.convert_to_numpy(getattr(objective, term)(features, None, [ops.convert_to_tensor(w) for w in wanted]))


def test_a_channel_is_its_mean_over_places():
    truth = [VALUES[0, ..., 1].mean(), 2 * VALUES[1, ..., 2].mean()]
    np.testing.assert_allclose(reached(objectives.channels("a")), truth, rtol=1e-4)


def test_a_channel_without_places_is_its_unit():
    np.testing.assert_allclose(
        reached(objectives.channels("a"), values=VALUES[:, 0, 0]),
        [VALUES[0, 0, 0, 1], 2 * VALUES[1, 0, 0, 2]],
        rtol=1e-5,
    )


def test_a_neuron_is_at_the_centre_or_where_it_is_said_to_be():
    centre = reached(objectives.neurons("a"))
    np.testing.assert_allclose(centre, [VALUES[0, 2, 2, 1], 2 * VALUES[1, 2, 2, 2]], rtol=1e-5)
    corner = reached(objectives.neurons("a", (3, 0)))
    np.testing.assert_allclose(corner, [VALUES[0, 3, 0, 1], 2 * VALUES[1, 3, 0, 2]], rtol=1e-5)


def test_layers_are_their_weighted_mean_squares():
    truth = 3.5 * np.square(VALUES).mean(axis=(1, 2, 3))
    np.testing.assert_allclose(reached(objectives.whole_layers({"a": 1.5, "b": 2.0})), truth, rtol=1e-4)


def test_contents_are_minus_the_relative_squared_distance():
    other = VALUES + np.array([1, 2], "float32").reshape(2, 1, 1, 1)
    truth = [-np.square(VALUES[i] - other[i]).sum() / np.square(other[i]).sum() for i in range(2)]
    np.testing.assert_allclose(reached(objectives.contents(["a"], None), [other]), truth, rtol=1e-4)
    assert reached(objectives.contents(["a", "b"], None), [other, VALUES])[0] == pytest.approx(truth[0] / 2, rel=1e-4)


def test_contents_that_are_nothing_give_no_nan():
    assert np.all(np.isfinite(reached(objectives.contents(["a"], None), [np.zeros_like(VALUES)])))


def test_diversity_takes_off_in_proportion_to_likeness():
    base = objectives.channels("a")
    twins = np.stack([VALUES[0], VALUES[0]])
    alike = reached(objectives.with_diversity(base, 0.5), values=twins, term="penalty")
    np.testing.assert_allclose(alike, 0.5 * np.abs(reached(base, values=twins)), rtol=1e-4)
    apart = np.zeros_like(VALUES)
    apart[0, ..., 1], apart[1, ..., 2] = 1, 1
    unlike = reached(objectives.with_diversity(base, 0.5), values=apart, term="penalty")
    np.testing.assert_allclose(unlike, 0, atol=1e-6)
