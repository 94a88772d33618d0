"""Guided backprop against a network worked by hand, with its ReLUs in every dress."""

import logging

import keras
import numpy as np
import pytest
from keras import layers, ops
from tiny_models import Subclassed, built, flat, photos
from truth import Flat

from keras_see import guided_backprop, maps

SHAPE = (3, 2, 2)
DRESSES = {
    "activation=": lambda units: [layers.Conv2D(units, 1, activation="relu")],
    "activation= a function": lambda units: [layers.Conv2D(units, 1, activation=ops.relu)],
    "activation= a layer": lambda units: [layers.Conv2D(units, 1, activation=layers.ReLU())],
    "layer": lambda units: [layers.Conv2D(units, 1), layers.ReLU()],
    "layer of any activation": lambda units: [layers.Conv2D(units, 1), layers.Activation("relu")],
    "operation": lambda units: [layers.Conv2D(units, 1), ops.relu],
}
NOT_PLAIN = {
    "ReLU with a highest value": lambda units: [layers.Conv2D(units, 1), layers.ReLU(100.0)],
    "leaky ReLU without a leak": lambda units: [layers.Conv2D(units, 1), layers.LeakyReLU(0.0)],
}


def two_layers(dress):
    inputs = keras.Input(SHAPE)
    tensor = inputs
    for step in (*dress(4), *dress(3), layers.GlobalAveragePooling2D(), layers.Dense(2)):
        tensor = step(tensor)
    model = keras.Model(inputs, tensor)
    numbers = np.random.default_rng(4)
    model.set_weights([numbers.normal(size=weight.shape) for weight in model.get_weights()])
    return model


def by_hand(model, images, guided):
    """Return the gradient of class 1 at the images, in float64."""
    first, first_bias, second, second_bias, head, _ = (np.float64(weight) for weight in model.get_weights())
    before = images @ first[0, 0] + first_bias
    between = before.clip(0) @ second[0, 0] + second_bias
    gradient = np.broadcast_to(head[:, 1] / np.prod(SHAPE[:2]), between.shape)
    for values, kernel in ((between, second), (before, first)):
        gradient = gradient * (values > 0)
        gradient = (gradient.clip(0) if guided else gradient) @ kernel[0, 0].T
    return gradient


@pytest.mark.parametrize("dress", DRESSES)
def test_only_what_is_positive_flows_back_through_a_relu_in_any_dress(dress):
    model, images = two_layers(DRESSES[dress]), photos(3, shape=SHAPE) - 0.5
    expected = by_hand(model, images, guided=True)
    assert not np.allclose(expected, by_hand(model, images, guided=False))
    np.testing.assert_allclose(guided_backprop(model, images, 1), expected, atol=1e-5 * np.abs(expected).max())


@pytest.mark.parametrize("dress", NOT_PLAIN)
def test_what_is_no_plain_relu_keeps_its_gradient_and_a_line_says_so(dress, caplog):
    model, images = two_layers(NOT_PLAIN[dress]), photos(3, shape=SHAPE) - 0.5
    expected = by_hand(model, images, guided=False)
    with caplog.at_level(logging.WARNING, "keras_see"):
        np.testing.assert_allclose(guided_backprop(model, images, 1), expected, atol=1e-5 * np.abs(expected).max())
    assert [record.getMessage().partition(" of")[0] for record in caplog.records] == [
        "Guided backprop finds no plain ReLU among the layers"
    ]


def test_beside_it_in_one_call_other_methods_have_the_true_gradient_and_the_model_stays_as_it_is():
    model, images = flat(), photos(2)
    before = {layer.name: dict(vars(layer)) for layer in model.layers}
    truth = Flat(model.get_weights(), images, np.eye(3)[[1, 1]])
    found = maps(model, images, 1, ["guided_backprop", "saliency", "grad_cam"])
    np.testing.assert_allclose(found["saliency"], truth.saliency, atol=1e-5)
    np.testing.assert_allclose(found["grad_cam"], truth.grad_cam("b"), atol=1e-5)
    assert not np.allclose(np.abs(found["guided_backprop"]).max(axis=-1), truth.saliency, atol=1e-3)
    for layer in model.layers:
        assert vars(layer).keys() == before[layer.name].keys()
        assert getattr(layer, "activation", None) is before[layer.name].get("activation")
    np.testing.assert_allclose(maps(model, images, 1, "saliency")["saliency"], truth.saliency, atol=1e-5)


def test_layers_of_a_subclassed_model_are_guided_too():
    images = photos(2)
    found, expected = (guided_backprop(model, images, 1) for model in (built(Subclassed()), flat()))
    np.testing.assert_allclose(found, expected, atol=1e-6)
