"""Each private attribute of Keras that is touched: these tests fail when Keras renames it."""

import keras
import numpy as np
import pytest
from keras import layers, ops
from tiny_models import flat, photos

from keras_see.model.keras_internals import (
    flatten_layers,
    inputs_of_fit,
    is_of_keras,
    losses_kept,
    no_rematerialization,
)


def test_the_layers_that_a_model_keeps_in_lists_and_nested_models_are_found():
    class Own(keras.Model):
        def __init__(self):
            super().__init__()
            self.listed = [layers.Dense(1, name="in a list")]
            self.by_name = {"key": layers.Dense(1, name="in a dict")}
            self.nested = keras.Sequential([layers.Dense(1, name="nested")], name="inner")

    model = Own()
    found = flatten_layers(model)
    assert found[0] is model
    assert {layer.name for layer in found} >= {"in a list", "in a dict", "nested", "inner"}


@pytest.mark.skipif(not hasattr(keras, "RematScope"), reason="this Keras has no rematerialization")
def test_a_layer_made_to_rematerialize_is_switched_off():
    with keras.RematScope(mode="full"):
        layer = layers.Dense(1)
    changes = list(no_rematerialization(layer))
    assert [(thing is layer, value) for thing, _, value in changes] == [(True, None)]
    assert getattr(layer, changes[0][1]) is not None
    assert not list(no_rematerialization(layers.Dense(1)))


def test_classes_of_keras_are_told_from_those_of_a_user():
    class Own(layers.Dense):
        """A user's subclass."""

    inputs = keras.Input((2,))
    operation = keras.Model(inputs, ops.softmax(inputs)).operations[-1]
    assert [is_of_keras(type(thing).__module__) for thing in (operation, layers.Dense(1), Own(1))] == [
        True,
        True,
        False,
    ]


def test_losses_that_layers_have_added_are_put_back():
    model = keras.Sequential([keras.Input((2,)), layers.Dense(1, activity_regularizer="l2")])
    model(ops.ones((1, 2)))
    before = list(model.losses)
    with losses_kept(model):
        model(ops.zeros((1, 2)))
        assert model.losses[0] is not before[0]
    assert len(before) == 1
    assert model.losses[0] is before[0]


def test_what_fit_trains_on_is_found_only_while_it_trains_this_model():
    seen, model, other = [], flat(), flat()

    def look(epoch, logs):
        seen.extend([inputs_of_fit(model), inputs_of_fit(other)])

    model.compile("sgd", "sparse_categorical_crossentropy")
    model.fit(
        photos(4), np.array([0, 1, 2, 0]), verbose=0, callbacks=[keras.callbacks.LambdaCallback(on_epoch_begin=look)]
    )
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(seen[0]), photos(4))
    assert seen[1] is None
    assert inputs_of_fit(model) is None
