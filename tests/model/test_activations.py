import keras
import numpy as np
import pytest
from keras import layers, ops
from tiny_models import outputs_of, photos

import keras_see
from keras_see.model import backend
from keras_see.model.activations import closing_activation, computes_as, is_activation, own_operation, stands_alone


def operation_of(function):
    """Return the operation that a function of Keras makes in a functional graph."""
    inputs = keras.Input((4,))
    return keras.Model(inputs, function(inputs)).operations[-1]


CLOSED = {
    "a word": (lambda word: layers.Dense(2, word), False),
    "a function of keras.activations": (lambda word: layers.Dense(2, getattr(keras.activations, word)), False),
    "a function of keras.ops": (lambda word: layers.Dense(2, getattr(ops, word)), False),
    "an activation layer": (layers.Activation, True),
    "an operation": (lambda word: operation_of(getattr(ops, word)), True),
}


@pytest.mark.parametrize("word", ["softmax", "sigmoid"])
@pytest.mark.parametrize("name", CLOSED)
def test_a_closing_activation_of_keras_is_known_however_it_is_written(name, word):
    make, alone = CLOSED[name]
    assert closing_activation(make(word)) == word
    assert stands_alone(make(word)) is alone


def test_a_softmax_layer_is_known_also_as_an_activation_and_as_a_subclass():
    class Named(layers.Softmax):
        """Adds nothing to its class."""

    for operation, alone in ((layers.Softmax(), True), (Named(), True), (layers.Dense(2, layers.Softmax()), False)):
        assert closing_activation(operation) == "softmax"
        assert stands_alone(operation) is alone


def test_a_softmax_of_the_framework_is_known():
    for home in backend.ACTIVATION_MODULES:
        if hasattr(home, "softmax"):
            assert closing_activation(layers.Dense(2, home.softmax)) == "softmax"


def test_what_only_bears_the_name_is_not_taken_for_it():
    def softmax(x):
        return x * 2.0

    class Softmax(layers.Layer):
        def call(self, x):
            return x * 2.0

    class Halved(layers.Softmax):
        def call(self, x):
            return super().call(x) / 2.0

    for operation in (layers.Dense(2, softmax), Softmax(), Halved(), layers.Dense(2), layers.Dense(2, "linear")):
        assert closing_activation(operation) is None
        assert not stands_alone(operation)


ACTIVATIONS = [
    layers.Dense(2, "relu"),
    layers.Dense(2, "tanh"),
    layers.Dense(2, lambda x: ops.clip(x, 0, 3)),
    layers.ReLU(6.0),
    layers.ELU(),
    layers.Activation("sigmoid"),
    layers.Conv2D(2, 3, activation=layers.ReLU()),
]


@pytest.mark.parametrize("operation", [*ACTIVATIONS, *map(operation_of, (ops.relu6, ops.hard_silu, ops.tanh))])
def test_functions_of_single_numbers_are_known(operation):
    assert is_activation(operation)


def test_linear_layers_functions_of_rows_and_cells_of_loops_are_no_activations():
    none = [layers.Dense(2), layers.Dense(2, "softmax"), layers.Softmax(), layers.LSTMCell(2), operation_of(ops.mean)]
    assert not any(map(is_activation, none))


def test_a_subclass_with_a_call_of_its_own_computes_something_else():
    class Cubed(layers.Dense):
        def call(self, x):
            return super().call(x) ** 3

    class Named(layers.Dense):
        """Adds nothing to its class."""

    assert computes_as(Named(2), layers.Dense)
    assert not computes_as(Cubed(2), layers.Dense)
    assert own_operation(operation_of(ops.mean)) == "Mean"
    assert own_operation(Named(2)) is None


class Dense(layers.Layer):
    """Bears the name of a linear layer and cubes."""

    def build(self, shape):
        self.kernel = self.add_weight(shape=(shape[-1], 3))

    def call(self, x):
        return ops.matmul(x, self.kernel) ** 3


def test_a_layer_that_only_bears_the_name_of_a_linear_one_has_no_cam():
    model = keras.Sequential([keras.Input((8, 6, 3)), layers.Conv2D(4, 3), layers.GlobalAveragePooling2D(), Dense()])
    with pytest.raises(ValueError, match=r"on the way to the output lies 'dense.*' \(Dense\)"):
        keras_see.class_activation_maps(model, photos(2))


def test_what_a_function_named_softmax_gives_is_explained_itself():
    def softmax(x):
        return x * 2.0

    model = keras.Sequential([keras.Input((4, 4, 3)), layers.Flatten(), layers.Dense(3, softmax)])
    images = photos(2, shape=(4, 4, 3))
    found = keras_see.maps(model, images, [0, 2], "saliency")
    kernel = ops.convert_to_numpy(model.layers[-1].kernel)[:, [0, 2]].T.reshape(2, 4, 4, 3)
    np.testing.assert_allclose(found["saliency"], 2 * np.abs(kernel).max(axis=-1), rtol=1e-5)
    np.testing.assert_allclose(found["scores"], outputs_of(model, images)[[0, 1], [0, 2]], rtol=1e-5)
