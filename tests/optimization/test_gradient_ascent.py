import keras
import numpy as np
import pytest
import tiny_models
from keras import layers, ops

from keras_see.optimization.gradient_ascent import Ascent
from keras_see.optimization.objectives import Objective, channels, one_hot
from keras_see.optimization.parameterization import Fourier, Pixels
from keras_see.optimization.rescue import ACTIVE, DEAD
from keras_see.optimization.transforms import Transforms

SHAPE = (12, 12, 3)
STILL = Transforms(jitter=0, rotate=0, scale=(1, 1))
BACKEND = keras.backend.backend()


def model(bias=0.0, activation="relu"):
    net = keras.Sequential([keras.Input(SHAPE), layers.Conv2D(4, 3, activation=activation, name="conv")])
    kernel = np.random.default_rng(0).normal(0, 0.3, (3, 3, 3, 4))
    net.get_layer("conv").set_weights([kernel, np.full(4, bias)])
    return net


def run(ascent, steps=20, keys=(0, 1), numbers=(0, 1)):
    return ascent.run(ascent.start(list(keys)), steps, [one_hot(numbers, 4)])


@pytest.mark.parametrize("kind", [Fourier, Pixels])
@pytest.mark.parametrize("transforms", [STILL, None], ids=["still", "moving"])
def test_the_objective_rises(kind, transforms):
    _, history = run(Ascent(model(0.5), channels("conv"), kind(SHAPE, (0, 1)), transforms=transforms))
    assert np.all(history[:, -4:].mean(axis=1) > history[:, :4].mean(axis=1))


def test_the_image_of_a_linear_model_is_the_best_one():
    linear = keras.Sequential([keras.Input((3, 3, 3)), layers.Flatten(), layers.Dense(1, use_bias=False, name="sum")])
    weights = np.random.default_rng(1).choice([-1.0, 1.0], (27, 1))
    linear.get_layer("sum").set_weights([weights])
    ascent = Ascent(linear, channels("sum"), Pixels((3, 3, 3), (0, 1)), transforms=STILL, rate=0.5)
    state, history = ascent.run(ascent.start([0]), 60, [np.ones((1, 1))])
    np.testing.assert_allclose(ascent.images(state)[0].ravel(), weights[:, 0] > 0, atol=0.02)
    assert history[0, -1] == pytest.approx((weights > 0).sum(), rel=0.02)


def test_the_first_score_of_the_history_is_that_of_the_start():
    ascent = Ascent(model(), channels("conv"), Fourier(SHAPE, (0, 1)), transforms=STILL)
    start = ascent.images(ascent.start([0, 1]))
    truth = tiny_models.outputs_of(model(), start)[[0, 1], ..., [0, 1]].mean(axis=(1, 2))
    np.testing.assert_allclose(run(ascent, 1)[1][:, 0], truth, rtol=1e-3)


def test_two_short_runs_are_one_long_run():
    ascent = Ascent(model(), channels("conv"), Fourier(SHAPE, (0, 1)))
    whole, history = run(ascent, 10)
    half, first = run(ascent, 4)
    half, second = ascent.run(half, 6, [one_hot([0, 1], 4)])
    np.testing.assert_allclose(np.concatenate([first, second], axis=1), history, rtol=1e-5)
    np.testing.assert_allclose(half.parameters, whole.parameters, rtol=1e-4, atol=1e-6)
    assert (half.step, whole.step) == (10, 10)


def test_a_run_resumes_with_the_current_weights_without_another_trace():
    net = model(0.5)
    ascent = Ascent(net, channels("conv"), Fourier(SHAPE, (0, 1)), transforms=STILL)
    state, before = run(ascent, 3)
    traces = ascent.traces
    net.get_layer("conv").set_weights([3 * w for w in net.get_layer("conv").get_weights()])
    _, after = ascent.run(state, 1, [one_hot([0, 1], 4)])
    assert np.all(after[:, 0] > 2 * before[:, -1])
    assert ascent.traces == traces + (1 if BACKEND == "torch" else 0)


def test_the_same_seed_gives_the_same_image_and_another_gives_another():
    ascent = Ascent(model(), channels("conv"), Fourier(SHAPE, (0, 1)))
    runs = [ascent.run(ascent.start([0], seed), 5, [one_hot([0], 4)])[0].parameters for seed in (3, 3, 4)]
    np.testing.assert_array_equal(runs[0], runs[1])
    assert not np.allclose(runs[0], runs[2])


def test_an_image_is_independent_of_those_beside_it():
    ascent = Ascent(model(), channels("conv"), Fourier(SHAPE, (0, 1)))
    both, _ = run(ascent, 8, keys=(5, 7), numbers=(1, 2))
    alone, _ = run(ascent, 8, keys=(7,), numbers=(2,))
    np.testing.assert_allclose(both.parameters[1], alone.parameters[0], atol=1e-2)


def test_closed_rectifiers_leak_until_there_is_a_gradient():
    net = model(bias=-0.5)  # near grey, all rectifiers are closed
    ascent = Ascent(net, channels("conv"), Fourier(SHAPE, (-1, 1)), rate=0.2)
    state, history = run(ascent, 40, keys=range(4), numbers=range(4))
    assert np.all(history[:, 0] == 0)
    assert np.all(history[:, -8:].mean(axis=1) > 0)
    assert not state.condition.any()


def test_unknown_rectifiers_are_overcome_by_starts_of_more_contrast():
    class Hidden(layers.Layer):
        def call(self, x):
            return ops.relu(ops.mean(x, axis=-1, keepdims=True) - 0.3)

    net = keras.Sequential([keras.Input(SHAPE), Hidden(name="hidden")])
    ascent = Ascent(net, channels("hidden"), Fourier(SHAPE, (-1, 1)))
    state, history = ascent.run(ascent.start([0, 1]), 30, [np.ones((2, 1))])
    assert np.all(history[:, 0] == 0)
    assert np.all(history[:, -1] > 0)
    assert not state.condition.any()


def test_an_image_that_never_has_a_gradient_is_dead():
    net = keras.Sequential([keras.Input(SHAPE), layers.Conv2D(4, 3, name="conv")])
    kernel = np.random.default_rng(0).normal(size=(3, 3, 3, 4))
    kernel[..., 1] = 0
    net.get_layer("conv").set_weights([kernel, np.zeros(4)])
    state, _ = run(Ascent(net, channels("conv"), Fourier(SHAPE, (0, 1))), 14)
    assert state.condition.tolist() == [ACTIVE, DEAD]


def test_a_penalty_changes_the_ascent_but_not_the_score():
    base = channels("conv")
    against = Objective(base.paths, base.score, lambda f, i, w: 2 * base.score(f, i, w))
    _, history = run(Ascent(model(activation=None), against, Fourier(SHAPE, (0, 1)), transforms=STILL))
    assert np.all(history[:, -1] < history[:, 0])


def test_cooling_lowers_the_step_size_to_zero():
    ascent = Ascent(model(activation=None), channels("conv"), Pixels(SHAPE, (0, 1)), transforms=STILL)
    whole, cooled = (ascent.run(ascent.start([0]), 20, [one_hot([0], 4)], cool=cool)[0] for cool in (False, True))
    moved = [np.abs(each.parameters).mean() for each in (whole, cooled)]
    assert moved[1] == pytest.approx(
        moved[0] * 21 / 40, rel=0.1
    )  # the mean of the cooled rates, as steps keep their sign


def test_an_ascent_starts_from_given_images():
    photos = tiny_models.photos(shape=SHAPE)
    ascent = Ascent(model(), channels("conv"), Fourier(SHAPE, (0, 1)))
    np.testing.assert_allclose(ascent.images(ascent.start_from(photos)), photos.clip(1e-3, 1 - 1e-3), atol=1e-3)


def test_nothing_of_the_model_changes():
    net = keras.Sequential(
        [keras.Input(SHAPE), layers.RandomFlip(), layers.Conv2D(4, 3), layers.BatchNormalization(), layers.Dropout(0.5)]
    )
    before = [ops.convert_to_numpy(variable).copy() for variable in net.variables]
    path = net.layers[-1].name
    run(Ascent(net, channels(path), Fourier(SHAPE, (0, 1))), 3)
    for variable, was in zip(net.variables, before, strict=True):
        np.testing.assert_array_equal(ops.convert_to_numpy(variable), was)


def test_scores_rise_in_half_precision():
    net = keras.Sequential([keras.Input(SHAPE), layers.Conv2D(4, 3, dtype="mixed_float16", name="conv")])
    _, history = run(Ascent(net, channels("conv"), Fourier(SHAPE, (0, 1))), 15)
    assert np.all(history[:, -1] > history[:, 0])


def test_progress_shows_when_asked_and_only_then(capsys):
    ascent = Ascent(model(), channels("conv"), Fourier(SHAPE, (0, 1)))
    run(ascent, 5)
    assert capsys.readouterr().out == ""
    ascent.run(ascent.start([0]), 5, [one_hot([0], 4)], progress=True)
    assert "5/5" in capsys.readouterr().out
