import keras
import numpy as np
import pytest
from keras import layers, ops

from keras_see.model import backend
from keras_see.model.cache import layer_calls_of
from keras_see.model.forward import features_at


def gradients(activation, x, upstream, leaks):
    """Return the gradient at each number, and what full and closed activations block, of one layer on its own."""
    fused = isinstance(activation, str) or not isinstance(activation, layers.Layer)
    conv = layers.Conv2D(1, 1, activation=activation if fused else None, name="conv")
    model = keras.Sequential([keras.Input((1, len(x[0]), 1)), conv, *([] if fused else [activation])])
    conv.set_weights([np.ones((1, 1, 1, 1)), np.zeros(1)])
    images = np.asarray(x, "float32")[:, None, :, None]
    layer_calls, values = layer_calls_of(model, images), backend.values(model.variables)
    place, push = layer_calls.calls[-1].path, ops.convert_to_tensor(np.asarray(upstream, "float32"))

    def score(points):
        found = features_at(model, values, layer_calls, points["x"], [place], ops.convert_to_tensor(leaks), points["b"])
        return ops.sum(found[place][:, 0, :, 0] * push), found[place]

    def both(x, b):
        return backend.gradients(score, {"x": x, "b": b})

    output, found = backend.compiled(both)(ops.convert_to_tensor(images), ops.zeros((len(x), 2)))
    parts = [ops.convert_to_numpy(part) for part in (output, found["x"], found["b"])]
    return parts[0][:, 0, :, 0], parts[1][:, 0, :, 0], parts[2]


# Numbers below, inside and above the range, twice: once pushed up, once pushed down.
X = [[-5.0, 0.5, 9.0, -5.0, 0.5, 9.0]] * 2
PUSH = [[1.0, 1.0, 1.0, -2.0, -2.0, -2.0]] * 2
LEAKS = np.array([0, 0.1], "float32")


@pytest.mark.parametrize(
    ("activation", "slope"),
    [
        *(("relu6", 1), (layers.ReLU(6.0), 1), (layers.Activation("relu6"), 1), (lambda x: ops.clip(x, -3, 3), 1)),
        ("hard_sigmoid", 1 / 6),
    ],
    ids=["fused", "layer", "activation", "clip", "hard sigmoid"],
)
def test_gradients_pass_to_where_there_is_room_image_by_image_and_the_rest_is_blocked(activation, slope):
    output, gradient, blocked = gradients(activation, X, PUSH, LEAKS)
    true = [0, slope, 0, 0, -2 * slope, 0]
    np.testing.assert_allclose(gradient, [true, np.add(true, [0.1, 0, 0, 0, 0, -0.2])], atol=1e-5)
    np.testing.assert_allclose(blocked, [[1 + 2, 1 + 2]] * 2, atol=1e-5)  # full: up above, down below
    function = keras.activations.get(activation) if isinstance(activation, str) else activation
    truth = ops.convert_to_numpy(function(ops.convert_to_tensor(np.float32(X))))
    np.testing.assert_allclose(output, truth, rtol=1e-6)


def test_a_relu_at_its_corner_is_closed():
    _, gradient, blocked = gradients("relu", [[0.0, 2.0]], [[1.0, 1.0]], np.ones(1, "float32"))
    np.testing.assert_allclose(gradient, [[1, 1]])
    np.testing.assert_allclose(blocked, [[0, 1]])


@pytest.mark.parametrize("activation", ["gelu", "swish"])
def test_the_tail_in_which_a_function_falls_counts_as_closed(activation):
    _, gradient, blocked = gradients(activation, [[-4.0, 4.0]], [[1.0, 1.0]], np.full(1, 0.5, "float32"))
    assert gradient[0, 0] == 0.5  # the true slope is below zero
    np.testing.assert_allclose(gradient[0, 1], 1, atol=0.1)
    np.testing.assert_allclose(blocked, [[0, 1]])


def test_functions_without_flat_parts_keep_their_gradient():
    _, gradient, blocked = gradients(layers.LeakyReLU(0.25), [[-4.0, 4.0]], [[1.0, -1.0]], np.ones(1, "float32"))
    np.testing.assert_allclose(gradient, [[0.25, -1]])
    np.testing.assert_array_equal(blocked, [[0, 0]])
