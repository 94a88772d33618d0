"""Each private attribute of Keras that is touched: these tests fail when Keras renames it."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from keras_see.model.attributes import attributes_set
from keras_see.model.keras_internals import (
    activation_function,
    flatten_layers,
    is_of_keras,
    losses_kept,
    no_cast_to_integers,
    no_rematerialization,
    trace_of,
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


@pytest.mark.parametrize("kind", ["graph", "sequential"])
def test_a_model_of_whole_numbers_takes_floats_for_one_run(kind):
    inputs = keras.Input((2, 2, 1), dtype="uint8")
    model = keras.Sequential([inputs, layers.Rescaling(2.0)])
    model = keras.Model(inputs, model(inputs)) if kind == "graph" else model
    changes = [change for each in (model, *model.layers) for change in no_cast_to_integers(each)]
    half = ops.convert_to_tensor(np.full((1, 2, 2, 1), 0.5, "float32"))
    assert ops.convert_to_numpy(model(half)).max() == 0.0
    with attributes_set(changes):
        assert ops.convert_to_numpy(model(half)).max() == 1.0
    assert ops.convert_to_numpy(model(half)).max() == 0.0


def test_the_functions_behind_closing_activations_are_where_models_look_for_them():
    for name in ("softmax", "sigmoid", "log_softmax", "log_sigmoid"):
        with attributes_set([(*activation_function(name), lambda x, **options: x + 1)]):
            assert ops.convert_to_numpy(getattr(ops, name)(np.ones((1, 2), "float32"))).tolist() == [[2, 2]]


@pytest.mark.backends("jax")
def test_arrays_of_a_loop_are_of_another_trace():
    jax, traces = pytest.importorskip("jax"), []

    def run(x):
        traces.append(trace_of(x))
        jax.lax.map(lambda row: traces.append(trace_of(row)) or row, x)
        traces.append(trace_of(x + 1))
        return x

    jax.make_jaxpr(run)(np.ones((2, 3), "float32"))
    assert traces[0] is traces[-1]
    assert traces[0] is not traces[1]


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
