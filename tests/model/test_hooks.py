import threading

import keras
import numpy as np
import pytest
from keras import ops
from tiny_models import flat, nested_twice, outputs_of, photos

from keras_see.model.hooks import operations_of, put, tapped


def attributes(model):
    """Return what all layers hold, as the identities of their attributes."""
    held = {}
    for thing in (model, *operations_of(model)):
        held[thing.name] = {name: id(value) for name, value in vars(thing).items()}
    return held


def passing_on(operation, call, args, kwargs):
    return call(*args, **kwargs)


def emptying(name):
    def around(operation, call, args, kwargs):
        output = call(*args, **kwargs)
        return ops.zeros_like(output) if operation.name == name else output

    return around


def test_a_tap_sees_every_call_in_order_and_decides_what_comes_out():
    model, images, seen = flat(None), photos(1), []

    def around(operation, call, args, kwargs):
        seen.append(operation.name)
        return ops.zeros_like(call(*args, **kwargs)) if operation.name == "b" else call(*args, **kwargs)

    with tapped(model, around):
        found = outputs_of(model, images)
    assert [name for name in seen if name in ("a", "pool", "b", "gap", "head")] == ["a", "pool", "b", "gap", "head"]
    np.testing.assert_allclose(found, model.get_weights()[-1][None], rtol=1e-6)  # what zeros leave: the bias
    assert not np.allclose(outputs_of(model, images), found)


def test_only_the_operations_named_are_tapped():
    model, seen = flat(), []

    def around(operation, call, args, kwargs):
        seen.append(operation.name)
        return call(*args, **kwargs)

    with tapped(model, around, [model.get_layer("b"), model.get_layer("gap")]):
        outputs_of(model, photos(1))
    assert seen == ["b", "gap"]


def test_nothing_is_left_on_any_layer():
    model = nested_twice()
    outputs_of(model, photos(1))
    before = attributes(model)
    with tapped(model, passing_on):
        assert all("call" in vars(operation) for operation in operations_of(model))
        outputs_of(model, photos(1))
    assert attributes(model) == before
    assert not any("call" in vars(operation) for operation in operations_of(model))


def test_nothing_is_left_after_an_exception():
    model = nested_twice()
    outputs_of(model, photos(1))
    before = attributes(model)

    def failing(operation, call, args, kwargs):
        raise LookupError(operation.name)

    with pytest.raises(LookupError), tapped(model, failing):
        outputs_of(model, photos(1))
    assert attributes(model) == before


def test_a_call_of_the_user_s_own_on_the_layer_is_heeded_and_put_back():
    model, images = flat(None), photos(1)
    layer = model.get_layer("b")
    own = lambda features: ops.ones_like(type(layer).call(layer, features))  # noqa: E731
    layer.call = own
    kernel, bias = model.get_layer("head").get_weights()
    with tapped(model, passing_on):
        found = outputs_of(model, images)
        assert layer.call is not own
    assert vars(layer)["call"] is own
    np.testing.assert_allclose(found[0], kernel.sum(axis=0) + bias, rtol=1e-5)


def test_taps_within_taps_both_work_and_come_off_one_by_one():
    model, images = flat(None), photos(1)
    plain, before = outputs_of(model, images), attributes(model)
    with tapped(model, emptying("b")):
        emptied = outputs_of(model, images)
        with tapped(
            model, lambda operation, call, args, kwargs: call(*args, **kwargs) + 1.0, [model.get_layer("head")]
        ):
            np.testing.assert_allclose(outputs_of(model, images), emptied + 1.0, rtol=1e-6)
        np.testing.assert_array_equal(outputs_of(model, images), emptied)
    np.testing.assert_array_equal(outputs_of(model, images), plain)
    assert attributes(model) == before
    assert not np.allclose(emptied, plain)


def test_other_threads_run_untapped():
    model, images = flat(None), photos(1)
    plain, elsewhere = outputs_of(model, images), []
    with tapped(model, emptying("b")):
        here = outputs_of(model, images)
        thread = threading.Thread(target=lambda: elsewhere.append(outputs_of(model, images)))
        thread.start()
        thread.join()
    np.testing.assert_array_equal(elsewhere[0], plain)
    assert not np.allclose(here, plain)


def test_two_threads_take_turns_with_their_taps():
    model, images = flat(None), photos(1)
    plain, started, results = outputs_of(model, images), threading.Event(), {}

    def other():
        started.set()
        with tapped(model, emptying("gap")):
            results["other"] = outputs_of(model, images)

    thread = threading.Thread(target=other)
    with tapped(model, emptying("b")):
        thread.start()
        started.wait()
        results["here"] = outputs_of(model, images)
        assert "other" not in results
    thread.join()
    bias = model.get_weights()[-1][None]
    np.testing.assert_allclose(results["other"], bias, rtol=1e-6)
    np.testing.assert_allclose(results["here"], bias, rtol=1e-6)
    np.testing.assert_array_equal(outputs_of(model, images), plain)
    assert not any("call" in vars(operation) for operation in operations_of(model))


def test_put_gives_back_an_attribute_that_the_layer_keeps_apart():
    class Thing(keras.layers.Layer):
        def __init__(self):
            super().__init__()
            self.activation = keras.layers.LeakyReLU()

    thing = Thing()
    before, held = thing.activation, dict(vars(thing))
    with put(thing, "activation", ops.abs):
        assert thing.activation is ops.abs
    assert thing.activation is before
    assert vars(thing) == held


def test_operations_of_holds_what_is_nested_and_what_is_no_layer_each_once():
    inputs = keras.Input((8, 6, 3))
    shared = keras.layers.Conv2D(3, 1, name="shared")
    inner = keras.Model(inputs, ops.relu(shared(shared(inputs))), name="inner")
    outer = keras.Model(inputs, inner(inner(inputs)) * 2.0, name="outer")
    names = [operation.name for operation in operations_of(outer)]
    assert len(names) == len(set(names))
    kinds = {type(operation).__name__ for operation in operations_of(outer)}
    assert kinds == {"InputLayer", "Conv2D", "Relu", "Functional", "Multiply"}
    assert outer not in operations_of(outer)
