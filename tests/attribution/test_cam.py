import functools

import keras
import numpy as np
import pytest
from keras import layers, ops
from tiny_models import (
    CLASSES,
    FEATURES,
    SHAPE,
    blocks,
    filled,
    flat,
    gap_conv,
    head,
    outputs_of,
    photos,
    segmentation,
    through,
)
from truth import Flat

import keras_see
from keras_see import class_activation_maps, gap_classifier


def with_head(*steps):
    inputs = keras.Input(SHAPE)
    return filled(keras.Model(inputs, through([*blocks(), *steps], inputs)))


def logits_of_features(model, features):
    """Run what stands behind the features, `b`, of a functional model."""
    behind = keras.Model(model.get_layer("b").output, model.output)
    return outputs_of(behind, features).reshape(len(features), -1)


def test_cam_is_that_of_the_numpy_truth():
    model, images, classes = flat(), photos(3), [2, 0, 1]
    truth = Flat(model.get_weights(), images, np.eye(CLASSES)[classes])
    assert truth.cam.min() < 0 < truth.cam.max()
    np.testing.assert_allclose(class_activation_maps(model, images, classes), truth.cam, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("dtype", ["float32", "mixed_float16"])
def test_the_mean_of_cam_and_the_bias_are_the_logit_of_a_dense_head(dtype):
    images = photos(3)
    logits = outputs_of(flat(None, dtype), images).astype("float32")
    cam = class_activation_maps(flat("softmax", dtype), images, [0, 1, 2])
    bias = flat().get_weights()[-1]
    np.testing.assert_allclose(cam.mean(axis=(1, 2)) + bias, np.diag(logits), atol=1e-5 if dtype == "float32" else 5e-3)


@pytest.mark.parametrize("dtype", ["float32", "mixed_float16"])
def test_cam_of_a_conv_head_is_the_class_s_own_filter(dtype):
    images, model = photos(3), gap_conv("softmax", dtype)
    filters = outputs_of(keras.Model(model.inputs[0], model.get_layer("class_maps").output), images)
    logits = outputs_of(gap_conv(None, dtype), images)
    cam = class_activation_maps(model, images, [0, 1, 2])
    tolerance = 1e-5 if dtype == "float32" else 5e-3
    np.testing.assert_allclose(cam, [filters[place, ..., place] for place in range(3)], atol=tolerance)
    np.testing.assert_allclose(cam.mean(axis=(1, 2)), np.diag(logits), atol=tolerance)


HEADS = {
    "batch normalisation and dropout between": [
        layers.GlobalAveragePooling2D,
        layers.BatchNormalization,
        lambda: layers.Dropout(0.5),
        lambda: layers.Dense(CLASSES),
    ],
    "two linear layers": [layers.GlobalAveragePooling2D, lambda: layers.Dense(4), lambda: layers.Dense(CLASSES)],
    "average pooling as large as the features": [
        lambda: layers.AveragePooling2D(FEATURES),
        layers.Flatten,
        lambda: layers.Dense(CLASSES),
    ],
    "an operation of the graph": [lambda: lambda x: ops.mean(x, axis=(1, 2)), lambda: layers.Dense(CLASSES)],
    "a 1×1 convolution, as in MobileNet": [
        lambda: layers.GlobalAveragePooling2D(keepdims=True),
        lambda: layers.Conv2D(CLASSES, 1),
        lambda: layers.Reshape((CLASSES,)),
    ],
}


@pytest.mark.parametrize("name", HEADS)
def test_cam_is_exact_for_every_head_that_is_linear_behind_the_average(name):
    model, images = with_head(*(make() for make in HEADS[name])), photos(2)
    features = outputs_of(keras.Model(model.inputs[0], model.get_layer("b").output), images)
    constant = logits_of_features(model, np.zeros_like(features))[:, 2]
    # The head gives each place's share alone when all other places are zero.
    shares = np.zeros(features.shape[:3])
    for row, column in np.ndindex(FEATURES):
        alone = np.zeros_like(features)
        alone[:, row, column] = features[:, row, column] * np.prod(FEATURES)
        shares[:, row, column] = logits_of_features(model, alone)[:, 2] - constant
    np.testing.assert_allclose(class_activation_maps(model, images, 2), shares, atol=1e-4)
    logits = outputs_of(model, images).reshape(2, -1)[:, 2]
    np.testing.assert_allclose(shares.mean(axis=(1, 2)) + constant, logits, atol=1e-4)


def relu_like():
    return functools.partial(keras.activations.leaky_relu, negative_slope=0.5)


NO_HEADS = {
    "no average": ([layers.Flatten, lambda: layers.Dense(CLASSES)], "nothing in it averages"),
    "maximum instead": ([layers.GlobalMaxPooling2D, lambda: layers.Dense(CLASSES)], "nothing in it averages"),
    "average of some places": (
        [lambda: layers.AveragePooling2D((3, 2)), layers.Flatten, lambda: layers.Dense(CLASSES)],
        "nothing in it averages",
    ),
    "relu behind": (
        [layers.GlobalAveragePooling2D, lambda: layers.Dense(4, "relu", name="hidden"), lambda: layers.Dense(CLASSES)],
        "'hidden'",
    ),
    "a bend without a name behind": (
        [layers.GlobalAveragePooling2D, lambda: layers.Dense(CLASSES, relu_like(), name="bent")],
        "'bent'",
    ),
    "an activation that is a layer behind": (
        [layers.GlobalAveragePooling2D, lambda: layers.Dense(CLASSES, layers.LeakyReLU(name="leak"), name="bent")],
        "'bent'",
    ),
    "softmax in the middle": (
        [
            layers.GlobalAveragePooling2D,
            lambda: layers.Dense(4, "softmax", name="attention"),
            lambda: layers.Dense(CLASSES),
        ],
        "'attention'",
    ),
}


@pytest.mark.parametrize("name", NO_HEADS)
def test_a_model_without_a_gap_head_is_refused_with_what_is_in_the_way_and_what_to_do(name):
    steps, reason = NO_HEADS[name]
    with pytest.raises(ValueError, match="`model` must have a GAP head") as caught:
        class_activation_maps(with_head(*(make() for make in steps)), photos(1), 0)
    assert reason in str(caught.value)
    assert "keras_see.gap_classifier" in str(caught.value)


def test_what_cam_advises_gives_a_cam():
    with pytest.raises(ValueError, match="`model` must have a GAP head"):
        class_activation_maps(segmentation(), photos(1), 0)
    assert class_activation_maps(gap_classifier(3, SHAPE), photos(1), 0).std() > 0


def test_cam_counts_a_gap_head_called_by_keyword():
    class ByKeyword(keras.Model):
        def __init__(self):
            super().__init__()
            self.steps, (self.gap, self.top) = blocks(), head()

        def call(self, images):
            return self.top(inputs=self.gap(inputs=through(self.steps, images)))

    model, images = ByKeyword(), photos(2)
    model(images, training=False)
    model.set_weights(flat().get_weights())
    np.testing.assert_allclose(
        class_activation_maps(model, images, 1), class_activation_maps(flat(), images, 1), atol=1e-5
    )


@pytest.mark.parametrize("kind", ["tanh behind", "second branch", "product of two"])
def test_what_is_no_chain_of_linear_layers_behind_an_average_is_no_gap_head(kind):
    class Model(keras.Model):
        def __init__(self):
            super().__init__()
            self.conv, self.gap = keras.layers.Conv2D(4, 3), keras.layers.GlobalAveragePooling2D()
            self.one = keras.layers.Dense(3)
            self.two = keras.layers.Dense(3) if kind == "product of two" else None

        def call(self, images):
            features = self.conv(images)
            mean = self.gap(features)
            if kind == "tanh behind":
                return keras.ops.tanh(self.one(mean))
            if kind == "second branch":
                return self.one(keras.ops.concatenate([mean, keras.ops.max(features, axis=(1, 2))], axis=-1))
            return self.one(mean) * self.two(mean)

    model, images = Model(), np.random.default_rng(0).random((2, 8, 8, 3)).astype("float32")
    model(images)
    with pytest.raises(ValueError, match="`model` must have a GAP head"):
        keras_see.class_activation_maps(model, images, 1)


def test_a_changed_activation_is_seen_at_once():
    inputs = keras.Input((8, 8, 3))
    pooled = keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(4, 3)(inputs))
    model = keras.Model(inputs, keras.layers.Dense(3, "softmax")(pooled))
    images = np.random.default_rng(0).random((2, 8, 8, 3)).astype("float32")
    keras_see.maps(model, images)
    model.layers[-1].activation = keras.activations.sigmoid
    found = keras_see.maps(model, images)["predictions"]
    np.testing.assert_allclose(found, keras.ops.convert_to_numpy(model(images, training=False)), rtol=1e-5)
