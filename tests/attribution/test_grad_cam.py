import keras
import numpy as np
import pytest
from PIL import Image
from tiny_models import CLASSES, SHAPE, flat, gap_conv, outputs_of, photos, shared, through, unshared
from truth import Flat

from keras_see import class_activation_maps, grad_cam_maps


@pytest.mark.parametrize("layer", ["a", "b"])
def test_grad_cam_is_that_of_the_numpy_truth(layer):
    model, images, classes = flat(), photos(3), [2, 0, 1]
    truth = Flat(model.get_weights(), images, np.eye(CLASSES)[classes]).grad_cam(layer)
    assert truth.max() > 0
    found = grad_cam_maps(model, images, classes, layer=layer)
    np.testing.assert_allclose(found, truth, rtol=1e-4, atol=1e-6)


def test_grad_cam_is_what_the_two_halves_of_the_model_give_by_hand():
    model, images, step = flat(None), photos(3), 1e-2
    front = keras.Model(model.inputs[0], model.get_layer("a").output)
    inputs = keras.Input((*SHAPE[:2], 4))
    back = keras.Model(inputs, through([model.get_layer(name) for name in ("pool", "b", "gap", "head")], inputs))
    features = outputs_of(front, images)
    channels = np.eye(4, dtype="float32")[:, None, None, None] * step  # the sum of gradients is a slope along ones
    above, below = (
        np.stack([outputs_of(back, features + sign * channel)[:, 1] for channel in channels], axis=-1)
        for sign in (1, -1)
    )
    weights = (above - below) / (2 * step) / np.prod(SHAPE[:2])
    expected = (weights[:, None, None] * features).sum(axis=-1).clip(0)
    found = grad_cam_maps(model, images, 1, layer="a")
    np.testing.assert_allclose(found, expected, atol=2e-3 * expected.max())


@pytest.mark.parametrize("model", [flat, gap_conv])
def test_grad_cam_before_a_gap_head_is_the_positive_part_of_cam_per_place(model):
    model, images = model(), photos(4)
    cam = class_activation_maps(model, images, [0, 1, 2, 1])
    assert cam.min() < 0 < cam.max()
    found = grad_cam_maps(model, images, [0, 1, 2, 1])
    np.testing.assert_allclose(found, cam.clip(0) / np.prod(cam.shape[1:]), rtol=1e-4, atol=1e-7)


def test_grad_cam_looks_at_the_first_or_the_second_call_of_a_shared_layer():
    model, images = shared(), photos(2)
    twin = unshared(model)
    for path, same in (("eye/b", "first/b"), ("eye/b#1", "second/b"), ("eye#1", "second")):
        expected = grad_cam_maps(twin, images, 2, layer=same)
        assert expected.max() > 0
        np.testing.assert_allclose(grad_cam_maps(model, images, 2, layer=path), expected, rtol=1e-4, atol=1e-7)
    first, second = (grad_cam_maps(model, images, 2, layer=path) for path in ("eye/b", "eye/b#1"))
    assert not np.allclose(first, second)


def test_grad_cam_looks_at_the_last_features_unless_told_otherwise():
    images = photos(2)
    for model, last in ((flat(), "b"), (gap_conv(), "class_maps")):
        named, given = (grad_cam_maps(model, images, 1, layer=layer) for layer in (last, model.get_layer(last)))
        np.testing.assert_array_equal(grad_cam_maps(model, images, 1), named)
        np.testing.assert_array_equal(given, named)


@pytest.mark.parametrize("size", ["images", (16, 10)])
def test_grad_cam_is_enlarged_only_when_asked_and_never_below_zero(size):
    model, images = flat(), photos(2)
    coarse = grad_cam_maps(model, images, 1)
    height, width = SHAPE[:2] if size == "images" else size
    expected = [np.asarray(Image.fromarray(each).resize((width, height), Image.Resampling.BICUBIC)) for each in coarse]
    assert np.min(expected) < 0  # what bicubic overshoots must go
    np.testing.assert_allclose(grad_cam_maps(model, images, 1, size=size), np.clip(expected, 0, None), atol=1e-6)
