import random
import threading

import keras
import numpy as np
import pytest
from keras import ops
from tiny_models import augmented, flat, nested_twice, outputs_of, photos

from keras_see import grad_cam_maps, neuron_images, saliency_maps
from keras_see.model import backend
from keras_see.model.cache import layer_calls_of
from keras_see.model.inference import Interceptor, StopRun, infer, operations_of
from keras_see.model.interceptors import LogitTaps


def run(model, images, *interceptors):
    """Run a model through interceptors as a pass would, without compiling anything."""
    outputs = infer(model, ops.convert_to_tensor(images), interceptors, backend.values(model.variables))
    return None if outputs is None else ops.convert_to_numpy(outputs)


def attributes(model):
    """Return what all layers hold, as the identities of their attributes."""
    return [{name: id(value) for name, value in vars(thing).items()} for thing in (model, *operations_of(model))]


class Recording(Interceptor):
    """Notes the names of operations and their turns."""

    def __init__(self, *operations):
        self.seen, self.operations = [], list(operations) or None

    def around(self, invocation, args, kwargs):
        self.seen.append((invocation.operation.name, invocation.turn))
        return invocation.proceed(*args, **kwargs)


class Emptying(Interceptor):
    """Makes zeros of what the named operation gives."""

    def __init__(self, name):
        self.name = name

    def around(self, invocation, args, kwargs):
        output = invocation.proceed(*args, **kwargs)
        return ops.zeros_like(output) if invocation.operation.name == self.name else output


class Adding(Interceptor):
    def __init__(self, number, *operations):
        self.number, self.operations = number, operations

    def around(self, invocation, args, kwargs):
        return invocation.proceed(*args, **kwargs) * 2.0 + self.number


def test_an_interceptor_sees_every_call_in_order_and_decides_what_comes_out():
    model, images, recording = flat(None), photos(1), Recording()
    found = run(model, images, recording, Emptying("b"))
    steps = [name for name, _ in recording.seen if name in ("a", "pool", "b", "gap", "head")]
    assert steps == ["a", "pool", "b", "gap", "head"]
    np.testing.assert_allclose(found, model.get_weights()[-1][None], rtol=1e-6)  # what zeros leave: the bias
    assert not np.allclose(outputs_of(model, images), found)


def test_calls_of_a_shared_layer_are_counted_anew_in_each_run():
    inputs = keras.Input((4, 4, 3))
    shared = keras.layers.Conv2D(3, 1, name="shared")
    model, recording = keras.Model(inputs, shared(shared(inputs))), Recording(shared)
    for _ in range(2):
        run(model, photos(1, shape=(4, 4, 3)), recording)
    assert recording.seen == [("shared", 0), ("shared", 1)] * 2


def test_only_the_operations_that_an_interceptor_names_pass_through_it():
    model = flat()
    recording = Recording(model.get_layer("b"), model.get_layer("gap"))
    run(model, photos(1), recording)
    assert recording.seen == [("b", 0), ("gap", 0)]


def test_the_first_interceptor_is_the_outermost():
    model, images = flat(None), photos(1)
    head = model.get_layer("head")
    plain = outputs_of(model, images)
    found = run(model, images, Adding(1.0, head), Adding(10.0, head))
    np.testing.assert_allclose(found, (plain * 2 + 10) * 2 + 1, rtol=1e-5)


def test_nothing_is_left_on_any_layer_after_a_run_a_failure_and_an_early_end():
    class Failing(Interceptor):
        error = LookupError

        def around(self, invocation, args, kwargs):
            raise self.error

    class Ending(Failing):
        error = StopRun

    model = nested_twice()
    outputs_of(model, photos(1))
    before = attributes(model)
    run(model, photos(1), Recording())
    assert attributes(model) == before
    with pytest.raises(LookupError):
        run(model, photos(1), Failing())
    assert attributes(model) == before
    assert run(model, photos(1), Ending()) is None
    assert attributes(model) == before


def test_a_call_of_the_user_s_own_on_the_layer_is_heeded_and_put_back():
    model, images = flat(None), photos(1)
    layer = model.get_layer("b")
    own = lambda features: ops.ones_like(type(layer).call(layer, features))  # noqa: E731
    layer.call = own
    kernel, bias = model.get_layer("head").get_weights()
    recording = Recording(layer)
    found = run(model, images, recording)
    assert recording.seen == [("b", 0)]
    assert vars(layer)["call"] is own
    np.testing.assert_allclose(found[0], kernel.sum(axis=0) + bias, rtol=1e-5)


def test_a_run_within_a_run_sees_its_own_calls_and_comes_off_by_itself():
    model, images = flat(None), photos(1)
    plain, before, inner = outputs_of(model, images), attributes(model), Recording(model.get_layer("gap"))

    class Nesting(Interceptor):
        operations = [model.get_layer("head")]

        def around(self, invocation, args, kwargs):
            if not inner.seen:  # the taps of this run are there in the inner one too
                run(model, images, inner)
            return invocation.proceed(*args, **kwargs)

    np.testing.assert_allclose(run(model, images, Emptying("b"), Nesting()), model.get_weights()[-1][None], rtol=1e-6)
    assert inner.seen == [("gap", 0)]
    assert attributes(model) == before
    np.testing.assert_array_equal(outputs_of(model, images), plain)


def elsewhere(function):
    """Return what a function gives in another thread."""
    found = []
    thread = threading.Thread(target=lambda: found.append(function()))
    thread.start()
    thread.join()
    return found[0]


def test_other_threads_run_the_plain_model_meanwhile():
    model, images = flat(), photos(1)
    plain, found = outputs_of(model, images), []

    class Meanwhile(Interceptor):
        operations = [model.get_layer("gap")]

        def around(self, invocation, args, kwargs):
            found.append(elsewhere(lambda: outputs_of(model, images)))
            return invocation.proceed(*args, **kwargs)

    here = run(model, images, Emptying("b"), Meanwhile())
    np.testing.assert_array_equal(found[0], plain)
    assert not np.allclose(here, plain)


def test_the_closing_activation_is_caught_in_one_thread_only():
    model, images = flat("softmax"), photos(1)
    plain, found = outputs_of(model, images), []
    taps = LogitTaps(layer_calls_of(model, images), stop=True)

    class Meanwhile(Interceptor):
        operations = [model.get_layer("head")]

        def around(self, invocation, args, kwargs):
            found.append(elsewhere(lambda: outputs_of(model, images)))  # with the activation replaced
            return invocation.proceed(*args, **kwargs)

    assert run(model, images, taps, Meanwhile()) is None
    np.testing.assert_array_equal(found[0], plain)
    np.testing.assert_allclose(ops.convert_to_numpy(ops.softmax(taps.logits[0])), plain, rtol=1e-5)


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


class Drawing(keras.layers.Layer):
    """Draws from the global random numbers whenever Python runs it, in inference too."""

    def call(self, images):
        draws = random.random() + np.random.random()
        if keras.backend.backend() == "torch":
            import torch

            draws = draws + torch.rand(())
        return images * (1.0 + 0.0 * draws)


def test_random_numbers_that_a_layer_draws_in_a_pass_are_put_back():
    model = keras.Sequential([keras.Input((8, 6, 3)), Drawing(), *augmented().layers])
    outputs_of(model, photos(2))

    def next_numbers():
        numbers = [random.random(), float(np.random.random())]
        if keras.backend.backend() == "torch":
            import torch

            numbers += torch.rand(2).tolist()
        return numbers

    def drawn(explained):
        keras.utils.set_random_seed(3)
        if explained:
            saliency_maps(model, photos(2))
            neuron_images(model, "a", [0], steps=2)
        return next_numbers()

    assert drawn(explained=True) == drawn(explained=False)


@pytest.mark.backends("torch")
@pytest.mark.parametrize(
    "explain",
    [
        lambda model: saliency_maps(model, photos(2)),
        lambda model: grad_cam_maps(model, photos(2)),
        lambda model: neuron_images(model, "conv", [0], steps=2),
    ],
)
def test_modes_and_buffers_of_wrapped_torch_modules_stay_as_they_were(explain):
    import torch

    class Counting(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.norm = torch.nn.Conv2d(3, 3, 1)
            self.register_buffer("count", torch.zeros(()))
            self.register_buffer("written", torch.zeros(2))

        def forward(self, x):
            self.count += 1  # in place
            self.written = self.written + 1  # anew
            return self.norm(x.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)

    module = Counting()
    wrapped = keras.layers.TorchModuleWrapper(module, output_shape=(None, 8, 6, 3))
    head = [keras.layers.Conv2D(2, 3, name="conv"), keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(3)]
    model = keras.Sequential([keras.Input((8, 6, 3)), wrapped, *head])
    module.train()
    held = module.count, module.written
    before = [float(module.count), module.written.tolist()]
    explain(model)
    assert module.training
    assert module.norm.training
    assert (module.count is held[0], module.written is held[1]) == (True, True)
    assert [float(module.count), module.written.tolist()] == before
