import keras
import numpy as np
import pytest
from tiny_models import CLASSES, SHAPE, flat, linear, photos, segmentation, two_inputs
from truth import Flat

from keras_see import saliency_maps


@pytest.mark.parametrize("activation", [None, "softmax", "sigmoid"])
def test_saliency_of_a_linear_model_is_the_size_of_its_weights(activation):
    model = linear(activation=activation)
    weights = np.abs(model.get_weights()[0].reshape(*SHAPE, CLASSES)).max(axis=2)
    found = saliency_maps(model, photos(3), [0, 2, 1])
    np.testing.assert_allclose(found, [weights[..., 0], weights[..., 2], weights[..., 1]], rtol=1e-5)


def test_saliency_is_that_of_the_numpy_truth():
    model, images, classes = flat(), photos(3), [2, 0, 1]
    truth = Flat(model.get_weights(), images, np.eye(CLASSES)[classes])
    np.testing.assert_allclose(saliency_maps(model, images, classes), truth.saliency, rtol=1e-4, atol=1e-6)


def test_saliency_agrees_with_finite_differences_of_the_score():
    model, image, step = segmentation(None), photos(1), 1e-2
    nudges = np.eye(image.size, dtype="float32").reshape(-1, *SHAPE) * step
    scores = keras.ops.convert_to_numpy(model(np.concatenate([image + nudges, image - nudges]), training=False))
    above, below = np.split(scores[..., 1].sum(axis=(1, 2), dtype="float64"), 2)
    expected = np.abs((above - below) / (2 * step)).reshape(image.shape).max(axis=-1)
    found = saliency_maps(model, image, 1)
    np.testing.assert_allclose(found, expected, atol=5e-3 * expected.max())


def test_saliency_takes_the_channel_with_the_largest_gradient_whatever_its_sign():
    model = linear(classes=1)
    kernel = np.zeros((*SHAPE, 1), "float32")
    kernel[..., 0, 0], kernel[..., 1, 0], kernel[..., 2, 0] = 1.0, -3.0, 2.0
    model.set_weights([kernel.reshape(-1, 1), np.zeros(1)])
    np.testing.assert_array_equal(saliency_maps(model, photos(1), 1), np.full((1, *SHAPE[:2]), 3.0))


def test_saliency_of_two_inputs_looks_at_the_images_in_the_light_of_the_other():
    model = two_inputs()
    weights = np.abs(model.get_weights()[0].reshape(*SHAPE, CLASSES)).max(axis=2)[..., 1]
    factors = np.array([[2.0], [-0.5], [0.0]], "float32")
    found = saliency_maps(model, {"images": photos(3), "factor": factors}, 1)
    np.testing.assert_allclose(found, np.abs(factors)[:, :, None] * weights, rtol=1e-5)


def test_saliency_of_whole_number_images_is_that_of_the_same_numbers_as_floats():
    model, images = flat(), np.round(photos(2) * 255)
    found = saliency_maps(model, images.astype("uint8"), 0)
    np.testing.assert_allclose(found, saliency_maps(model, images, 0), rtol=1e-5)
