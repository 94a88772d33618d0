"""The CAMs that need one pass: each against its formula in plain NumPy, and against numbers worked by hand."""

import keras
import numpy as np
import pytest
from keras import layers
from tiny_models import CLASSES, filled, flat, gap_conv, photos
from truth import Flat

import keras_see
from keras_see import class_activation_maps, maps

CHOSEN = [2, 0, 1]


def grad_cam_plus_plus(features, gradients):
    total = features.sum(axis=(1, 2), keepdims=True)
    above, below = gradients**2, 2 * gradients**2 + total * gradients**3
    alphas = np.divide(above, below, out=np.zeros_like(above), where=below != 0)
    weights = (alphas * gradients.clip(0)).sum(axis=(1, 2), keepdims=True)
    return (weights * features).sum(axis=-1).clip(0)


def layer_cam(features, gradients):
    return (gradients.clip(0) * features).sum(axis=-1).clip(0)


def hires_cam(features, gradients):
    return (gradients * features).sum(axis=-1).clip(0)


def xgrad_cam(features, gradients):
    total, product = (each.sum(axis=(1, 2), keepdims=True) for each in (features, features * gradients))
    weights = np.divide(product, total, out=np.zeros_like(total), where=total != 0)
    return (weights * features).sum(axis=-1).clip(0)


FORMULAS = {each.__name__: each for each in (grad_cam_plus_plus, layer_cam, hires_cam, xgrad_cam)}


@pytest.mark.parametrize("layer", ["a", "b"])
def test_maps_are_those_of_the_formulas_in_numpy(layer):
    model, images = flat(), photos(3)
    truth = Flat(model.get_weights(), images, np.eye(CLASSES)[CHOSEN])
    found = maps(model, images, CHOSEN, {word: {"layer": layer} for word in FORMULAS})
    for word, formula in FORMULAS.items():
        expected = formula(getattr(truth, layer), getattr(truth, f"gradient_{layer}"))
        assert expected.max() > 0
        np.testing.assert_allclose(found[f"{word}@{layer}"], expected, atol=2e-4 * expected.max(), err_msg=word)


@pytest.mark.parametrize("word", [*FORMULAS, "eigen_cam"])
def test_functions_take_a_layer_a_size_and_targets_and_give_what_maps_gives(word):
    model, images = flat(), photos(2)
    function = getattr(keras_see, f"{word}_maps")
    expected = maps(model, images, [1, 2], {word: {"layer": "a"}})[f"{word}@a"]
    found = function(model, images, [1, 2], layer="a", batch_size=1)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6 * expected.max())
    enlarged = function(model, images, [1, 2], layer="a", size=(16, 12))
    assert enlarged.shape == (2, 16, 12)
    assert enlarged.min() >= 0 < expected.max()


def one_channel(weights):
    """The images are the features; the score is their weighted sum."""
    steps = [layers.Conv2D(1, 1, use_bias=False, name="features"), layers.Flatten(), layers.Dense(1, use_bias=False)]
    model = keras.Sequential([keras.Input((1, 2, 1)), *steps])
    model.set_weights([np.ones((1, 1, 1, 1)), np.reshape(weights, (2, 1))])
    return model


@pytest.mark.parametrize(
    ("weights", "expected"),
    [
        # Features 1 and 4. Grad-CAM++: 2/(2 + 5·2) + 3/(2 + 5·3) = 1/6 + 3/17. XGrad-CAM: (1·2 + 4·3) / (1 + 4).
        (
            [2, 3],
            {
                "grad_cam_plus_plus": [35 / 102, 140 / 102],
                "layer_cam": [2, 12],
                "hires_cam": [2, 12],
                "xgrad_cam": [2.8, 11.2],
            },
        ),
        # What speaks against counts for nothing in the first two, in the third at its own place, in the fourth for all.
        (
            [2, -3],
            {
                "grad_cam_plus_plus": [1 / 6, 4 / 6],
                "layer_cam": [2, 0],
                "hires_cam": [2, 0],
                "xgrad_cam": [0, 0],
            },
        ),
    ],
)
def test_maps_of_two_places_are_those_worked_by_hand(weights, expected):
    images = np.array([1, 4], "float32").reshape(1, 1, 2, 1)
    found = maps(one_channel(weights), images, 1, list(FORMULAS))
    for word, numbers in expected.items():
        np.testing.assert_allclose(found[word].ravel(), numbers, rtol=1e-5, err_msg=word)


def test_tiny_gradients_have_a_map_of_grad_cam_plus_plus():
    images = np.array([1, 4], "float32").reshape(1, 1, 2, 1)
    found = maps(one_channel([2e-25, 2e-25]), images, 1, "grad_cam_plus_plus")["grad_cam_plus_plus"]
    np.testing.assert_allclose(found.ravel(), [2e-25, 8e-25], rtol=1e-5)  # 2 · g/2 times the features


@pytest.mark.parametrize("make", [flat, gap_conv])
def test_hires_cam_before_a_gap_head_is_the_positive_part_of_cam_per_place(make):
    model, images = make(), photos(3)
    found, cam = maps(model, images, CHOSEN, ["hires_cam", "cam"]), class_activation_maps(model, images, CHOSEN)
    assert cam.min() < 0 < cam.max()
    np.testing.assert_allclose(found["hires_cam"], cam.clip(0) / np.prod(cam.shape[1:]), rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("filters", [3, 30])
def test_eigen_cam_is_the_first_singular_vector_of_the_features_not_centred_and_positive(filters):
    """With 12 places, fewer channels than places, and more."""
    steps = [layers.Conv2D(filters, 3, activation="tanh", name="features"), layers.GlobalAveragePooling2D()]
    model = filled(keras.Sequential([keras.Input((6, 5, 3)), *steps, layers.Dense(2)]))
    images = photos(4, shape=(6, 5, 3)) - 0.3
    features = keras.ops.convert_to_numpy(keras.Model(model.inputs[0], model.layers[0].output)(images))
    expected = []
    for each in features.reshape(4, 12, filters).astype("float64"):
        left, values, _ = np.linalg.svd(each)
        vector = left[:, 0] * values[0]
        expected.append((vector * np.sign(vector.sum())).clip(0).reshape(4, 3))
    found = keras_see.eigen_cam_maps(model, images, 0)
    np.testing.assert_allclose(found, expected, atol=1e-4 * np.max(expected))
    np.testing.assert_array_equal(found, keras_see.eigen_cam_maps(model, images, 1))
