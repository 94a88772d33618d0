"""What closes a model, in every dress: the maps are those of the logits, also where the prediction is saturated."""

import keras
import numpy as np
import pytest
from keras import layers, ops
from tiny_models import CLASSES, SHAPE, blocks, filled, photos, through

from keras_see import maps

STEEP = 40.0  # logits of some hundred: probabilities are 0 and 1


class InCall(keras.Model):
    """A model that ends in what a function makes of its logits, in its own `call`."""

    def __init__(self, function, steps):
        super().__init__()
        self.steps, self.function = steps, function

    def call(self, images):
        return self.function(through(self.steps, images))


def body():
    return [*blocks(), layers.GlobalAveragePooling2D(), layers.Dense(CLASSES, name="head"), layers.Rescaling(STEEP)]


def dense(activation):
    return [*body()[:-2], layers.Rescaling(STEEP), layers.Dense(CLASSES, activation, name="head")]


def functional(steps):
    inputs = keras.Input(SHAPE)
    return filled(keras.Model(inputs, through(steps, inputs)))


def in_call(function, steps=None):
    model = InCall(function, steps or body())
    model(photos(1), training=False)
    return filled(model)


ENDS = {
    "log-softmax layer": lambda: functional([*body(), layers.Activation("log_softmax")]),
    "log-softmax activation": lambda: functional(dense("log_softmax")),
    "log-sigmoid activation": lambda: functional(dense("log_sigmoid")),
    "log-softmax of the graph": lambda: functional([*body(), ops.log_softmax]),
    "softmax in call": lambda: in_call(ops.softmax),
    "sigmoid in call": lambda: in_call(ops.sigmoid),
    "log-softmax in call": lambda: in_call(ops.log_softmax),
    "activations.sigmoid in call": lambda: in_call(keras.activations.sigmoid),
    "a function as activation": lambda: functional(dense(lambda x: ops.softmax(x))),
    "softmax, then clipped": lambda: in_call(lambda x: ops.clip(ops.softmax(x), 1e-7, 1 - 1e-7)),
    "a softmax layer, clipped in call": lambda: in_call(lambda x: ops.clip(x, 1e-7, 1.0), [*body(), layers.Softmax()]),
    "softmax, cast and reshaped": lambda: in_call(
        lambda x: ops.reshape(ops.cast(ops.softmax(x), "float16"), (-1, CLASSES))
    ),
}


@pytest.mark.parametrize("end", ENDS)
def test_maps_are_those_of_the_logits_whatever_closes_the_model(end):
    model, images = ENDS[end](), photos(2)
    plain = functional(dense(None) if "activation" in end and "call" not in end else body())
    plain.set_weights(model.get_weights())
    found, expected = maps(model, images, 1), maps(plain, images, 1)
    assert expected["saliency"].max() > 0
    for name in ("saliency", "grad_cam", "scores"):
        np.testing.assert_allclose(found[name], expected[name], rtol=1e-4, atol=1e-5 * np.abs(expected[name]).max())


def test_the_classes_of_a_softmax_over_another_axis_lie_on_that_axis():
    inputs = keras.Input(SHAPE)
    logits = layers.Permute((2, 1))(layers.Reshape((48, CLASSES))(layers.Conv2D(CLASSES, 1)(inputs)))
    model = filled(keras.Model(inputs, layers.Softmax(axis=1)(logits)))
    plain = keras.Model(inputs, layers.Permute((2, 1))(logits))
    images = photos(2)
    found, expected = maps(model, images, 2, "saliency"), maps(plain, images, 2, "saliency")
    np.testing.assert_allclose(found["saliency"], expected["saliency"], rtol=1e-4)
    np.testing.assert_array_equal(
        maps(model, images, methods="saliency")["targets"], maps(plain, images, methods="saliency")["targets"]
    )
    with pytest.raises(ValueError, match="classes are 0 to 2"):
        maps(model, images, 19, "saliency")


def test_a_dense_softmax_at_each_step_is_explained_by_its_logits():
    inputs = keras.Input(SHAPE)
    steps = layers.Reshape((8, 18))(inputs)
    model = filled(keras.Model(inputs, layers.TimeDistributed(layers.Dense(CLASSES, "softmax"))(steps)))
    plain = keras.Model(inputs, layers.Dense(CLASSES)(steps))
    plain.set_weights(model.get_weights())
    found, expected = (maps(each, photos(2), 2, "saliency")["saliency"] for each in (model, plain))
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


def test_what_only_looks_like_a_closing_activation_is_explained_as_it_is():
    model = in_call(lambda x: 3 * ops.softmax(x / STEEP) - 1)
    plain = functional(body())
    plain.set_weights(model.get_weights())
    images = photos(2)
    logits = maps(plain, images, 1, "saliency")["scores"] / STEEP
    assert np.all(maps(model, images, 1, "saliency")["scores"] < 2)
    assert not np.allclose(maps(model, images, 1, "saliency")["scores"], logits)
