import keras
import numpy as np
import pytest
import tiny_models
from keras import layers, ops

from keras_see.model import backend
from keras_see.model.cache import layer_calls_of
from keras_see.model.forward import LOGITS, features_at


class Counting(layers.Layer):
    """Counts how often Python runs it."""

    runs = 0

    def call(self, x):
        self.runs += 1
        return x


def seen(model, images, places, *leaks):
    layer_calls = layer_calls_of(model, images)
    values = backend.values(model.variables)
    found = features_at(model, values, layer_calls, ops.convert_to_tensor(images), places, *leaks)
    return {place: ops.convert_to_numpy(tensor) for place, tensor in found.items()}


def chain(activation="relu"):
    return keras.Sequential(
        [keras.Input((6, 6, 3)), layers.Conv2D(4, 3, activation=activation, name="conv"), Counting(name="after")]
    )


def test_what_comes_after_the_last_place_is_not_run():
    model, images = chain(), tiny_models.photos(shape=(6, 6, 3))
    layer_calls_of(model, images)
    before = model.get_layer("after").runs
    found = seen(model, images, ["conv"])
    assert model.get_layer("after").runs == before
    np.testing.assert_allclose(found["conv"], ops.convert_to_numpy(model(images, training=False)), rtol=1e-5, atol=1e-6)


def test_the_model_runs_as_before_after_a_run_that_was_cut_short():
    model, images = chain(), tiny_models.photos(shape=(6, 6, 3))
    before = ops.convert_to_numpy(model(images, training=False))
    seen(model, images, ["conv"], ops.ones((2,)), ops.zeros((2, 2)))
    np.testing.assert_array_equal(ops.convert_to_numpy(model(images, training=False)), before)
    assert "call" not in vars(model.get_layer("conv"))


@pytest.mark.parametrize("alone", [True, False])
def test_logits_are_what_goes_into_a_closing_softmax(alone):
    ends = [layers.Dense(3, name="head"), layers.Softmax()] if alone else [layers.Dense(3, "softmax", name="head")]
    model = keras.Sequential([keras.Input((4, 4, 3)), layers.Flatten(), *ends])
    images = tiny_models.photos(shape=(4, 4, 3))
    kernel, bias = (ops.convert_to_numpy(weight) for weight in model.get_layer("head").weights)
    truth = images.reshape(2, -1) @ kernel + bias
    np.testing.assert_allclose(seen(model, images, [LOGITS])[LOGITS], truth, rtol=1e-4, atol=1e-5)


def test_logits_of_a_model_without_a_closing_activation_are_its_outputs():
    model, images = chain(), tiny_models.photos(shape=(6, 6, 3))
    truth = ops.convert_to_numpy(model(images, training=False))
    np.testing.assert_allclose(seen(model, images, [LOGITS])[LOGITS], truth, rtol=1e-5, atol=1e-6)


def test_a_model_that_takes_a_list_of_one_gets_one():
    inner = keras.Input((4, 4, 3))
    model = keras.Model([inner], layers.Conv2D(2, 3, name="conv")(inner))
    images = tiny_models.photos(shape=(4, 4, 3))
    layer_calls = layer_calls_of(model, [images])
    found = features_at(model, backend.values(model.variables), layer_calls, ops.convert_to_tensor(images), ["conv"])
    assert tuple(found["conv"].shape) == (2, 2, 2, 2)
