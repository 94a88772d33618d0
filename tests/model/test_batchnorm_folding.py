import keras
import numpy as np
import pytest
from keras import layers
from tiny_models import SHAPE, filled, outputs_of, photos

import keras_see
from keras_see import maps
from keras_see.callbacks import Saliency
from keras_see.model import backend

COMPILED = backend.COMPILES


class Unfolded(layers.BatchNormalization):
    """The same layer under another name, which nobody folds."""


CONVOLUTIONS = {
    "plain": lambda: layers.Conv2D(4, 3, use_bias=False),
    "biased": lambda: layers.Conv2D(4, 3, padding="same"),
    "with strides": lambda: layers.Conv2D(4, 3, strides=2, padding="same"),
    "dilated": lambda: layers.Conv2D(4, 2, dilation_rate=2),
    "in groups": lambda: layers.Conv2D(6, 3, groups=3),
    "depthwise": lambda: layers.DepthwiseConv2D(3, depth_multiplier=2),
    "depthwise without bias": lambda: layers.DepthwiseConv2D(3, use_bias=False, padding="same"),
}


def model_of(norm, convolution=CONVOLUTIONS["biased"], **options):
    parts = [convolution(), norm(name="norm", **options), layers.ReLU(), layers.Conv2D(5, 2, name="last")]
    head = [layers.GlobalAveragePooling2D(), layers.Dense(3, "softmax")]
    return filled(keras.Sequential([keras.Input(SHAPE), *parts, norm(name="norm2"), *head]))


def found_in(model, layer=None):
    return maps(model, photos(3), [2, 0, 1], {"saliency": {}, "grad_cam": {"layer": layer}})


def assert_same(found, expected):
    assert found.keys() == expected.keys()
    for word, value in expected.items():
        np.testing.assert_allclose(found[word], value, atol=2e-5 * max(np.abs(value).max(), 1e-3), err_msg=word)
    assert expected["saliency"].max() > 0


@pytest.fixture
def normalizations(monkeypatch):
    """The names of the plain normalisations that run."""
    names, call = [], layers.BatchNormalization.call

    def noted(self, inputs, training=None, mask=None):
        if type(self) is layers.BatchNormalization:
            names.append(self.name)
        return call(self, inputs, training=training, mask=mask)

    monkeypatch.setattr(layers.BatchNormalization, "call", noted)
    return names


@pytest.mark.parametrize("kind", CONVOLUTIONS)
def test_folded_layers_give_what_they_give_one_after_the_other(kind, normalizations):
    model = model_of(layers.BatchNormalization, CONVOLUTIONS[kind])
    normalizations.clear()
    found = found_in(model)
    assert normalizations[:2] == ["norm", "norm2"]  # in the trace of the layer calls
    assert bool(normalizations[2:]) != COMPILED
    assert_same(found, found_in(model_of(Unfolded, CONVOLUTIONS[kind])))
    np.testing.assert_allclose(found["predictions"], outputs_of(model, photos(3)), atol=1e-5)


@pytest.mark.parametrize("options", [{"center": False}, {"scale": False}, {"epsilon": 0.5}, {"axis": 3}])
def test_a_normalization_with_other_options_gives_what_it_gives_alone(options):
    assert_same(
        found_in(model_of(layers.BatchNormalization, **options)),
        found_in(model_of(Unfolded, **options)),
    )


def test_a_convolution_that_is_looked_at_is_not_folded(normalizations):
    model = model_of(layers.BatchNormalization)
    normalizations.clear()
    found = found_in(model, layer="last")
    assert "norm2" in normalizations[2:]
    assert_same(found, found_in(model_of(Unfolded), layer="last"))


def test_who_else_uses_the_convolution_gets_its_own_output():
    def forked(norm):
        inputs = keras.Input(SHAPE)
        features = layers.Conv2D(4, 3, name="conv")(inputs)
        both = layers.Add()([features, norm(name="one")(features), norm(name="two")(features)])
        return filled(keras.Model(inputs, layers.Dense(3)(layers.GlobalAveragePooling2D()(both))))

    assert_same(found_in(forked(layers.BatchNormalization)), found_in(forked(Unfolded)))


@pytest.mark.parametrize("dtype", ["mixed_float16", "mixed_bfloat16"])
def test_half_precision_is_not_folded(dtype, normalizations):
    found_in(model_of(layers.BatchNormalization, lambda: layers.Conv2D(4, 3, dtype=dtype)))
    assert "norm" in normalizations[2:]


def test_a_normalization_by_the_batch_at_hand_stays_one(normalizations):
    class AlwaysTraining(keras.Model):
        def __init__(self):
            super().__init__()
            self.conv, self.norm, self.gap = layers.Conv2D(4, 3), layers.BatchNormalization(), layers.Dense(3)

        def call(self, images):
            features = self.norm(self.conv(images), training=True)
            return self.gap(keras.ops.mean(features, axis=(1, 2)))

    model = AlwaysTraining()
    outputs_of(model, photos(3))
    filled(model)
    found = maps(model, photos(4), [2, 0, 1, 1], "saliency")  # a batch that is not filled up
    assert len(normalizations) > 2
    np.testing.assert_allclose(found["predictions"], outputs_of(model, photos(4)), atol=1e-5)


def test_a_call_that_the_user_put_on_a_layer_is_heeded():
    model = model_of(layers.BatchNormalization)
    model.get_layer("norm").call = lambda inputs, **options: inputs * 2.0
    found = found_in(model)
    np.testing.assert_allclose(found["predictions"], outputs_of(model, photos(3)), atol=1e-5)


def test_each_epoch_shows_the_weights_of_that_epoch_through_folded_layers(tmp_path):
    model = model_of(layers.BatchNormalization)
    model.compile(keras.optimizers.SGD(0.1), "sparse_categorical_crossentropy")
    images = photos(4)
    model.fit(images, np.arange(4) % 3, epochs=2, verbose=0, callbacks=[Saliency(tmp_path, images, 1)])
    peak = keras_see.saliency_maps(model_like(model), images, 1).max(axis=(1, 2)).mean()
    assert peak > 0
    assert dict(keras_see.read(tmp_path)["see/saliency/peak"])[1] == pytest.approx(peak, rel=1e-4)


def model_like(model):
    twin = model_of(Unfolded)
    twin.set_weights(model.get_weights())
    return twin


@pytest.mark.backends("tensorflow")  # which computes in float64 without being told
def test_folded_maps_are_as_close_to_those_of_float64_as_unfolded_ones():
    def deep(norm, dtype=None):
        blocks = [
            part
            for _ in range(8)
            for part in (layers.Conv2D(8, 3, padding="same", dtype=dtype), norm(dtype=dtype), layers.ReLU(dtype=dtype))
        ]
        head = [layers.GlobalAveragePooling2D(dtype=dtype), layers.Dense(3, dtype=dtype)]
        return filled(keras.Sequential([keras.Input((16, 16, 3), dtype=dtype), *blocks, *head]), spread=0.2)

    images = photos(64, shape=(16, 16, 3))
    folded, unfolded = (
        maps(deep(norm), images, 1, "saliency")["saliency"] for norm in (layers.BatchNormalization, Unfolded)
    )
    truth = saliency_in_float64(deep(layers.BatchNormalization, "float64"), images)
    errors = [np.abs(found - truth).max(axis=(1, 2)) / truth.max(axis=(1, 2)) for found in (folded, unfolded)]
    assert np.median(errors[0]) < 2 * np.median(errors[1])
    assert np.median(errors[0]) < 1e-5


def saliency_in_float64(model, images):
    import tensorflow as tf

    images = tf.constant(images, "float64")
    with tf.GradientTape() as tape:
        tape.watch(images)
        score = tf.reduce_sum(model(images, training=False)[:, 1])
    return tf.reduce_max(tf.abs(tape.gradient(score, images)), axis=-1).numpy()
