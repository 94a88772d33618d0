import keras
import numpy as np
import pytest
from PIL import Image
from tiny_models import flat, photos

import keras_see
from keras_see import class_activation_maps, content_images, dream, grad_cam_maps, maps, overlay, saliency_maps

FUNCTIONS = [saliency_maps, grad_cam_maps, class_activation_maps, lambda *given: maps(*given)["saliency"]]
X, Y = photos(4), np.array([2, 0, 1, 1])


class Batches(keras.utils.PyDataset):
    def __len__(self):
        return 2

    def __getitem__(self, number):
        return X[2 * number : 2 * number + 2], Y[2 * number : 2 * number + 2]


@pytest.fixture
def path(tmp_path):
    Image.fromarray((X[0] * 255).astype("uint8")).save(tmp_path / "a.png")
    return tmp_path / "a.png"


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_picture_is_the_same_as_its_array_from_0_to_255(path, function):
    expected = function(flat(), np.floor(X[:1] * 255), 1)
    with Image.open(path) as opened:
        for images in (path, str(path), [path], opened, [opened], (path,)):
            np.testing.assert_allclose(function(flat(), images, 1), expected, rtol=1e-5)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_one_image_and_a_list_of_images_are_batches(function):
    np.testing.assert_allclose(function(flat(), X[0], 1), function(flat(), X[:1], 1), rtol=1e-5)
    np.testing.assert_allclose(function(flat(), list(X), 1), function(flat(), X, 1), rtol=1e-5)


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("labels", [Y, Y.tolist(), keras.utils.to_categorical(Y), Y[:, None]])
def test_labels_beside_the_images_are_explained(function, labels):
    expected = function(flat(), X, Y)
    np.testing.assert_allclose(function(flat(), (X, labels)), expected, rtol=1e-5)
    np.testing.assert_allclose(function(flat(), (X, labels, np.ones(4))), expected, rtol=1e-5)


def test_targets_win_over_labels_and_one_image_may_have_one_label():
    np.testing.assert_allclose(saliency_maps(flat(), (X, Y), "predicted"), saliency_maps(flat(), X), rtol=1e-5)
    np.testing.assert_allclose(saliency_maps(flat(), (X[0], 2)), saliency_maps(flat(), X[:1], 2), rtol=1e-5)


def test_a_tuple_for_a_model_of_several_inputs_holds_these():
    images, factor = keras.Input(X.shape[1:]), keras.Input((1,))
    logits = keras.layers.Dense(3)(keras.layers.Flatten()(images))
    model = keras.Model([images, factor], keras.layers.Multiply()([logits, factor]))
    given = [X, np.ones((4, 1), "float32")]
    expected = saliency_maps(model, given, Y)
    np.testing.assert_allclose(saliency_maps(model, tuple(given), Y), expected, rtol=1e-5)
    np.testing.assert_allclose(saliency_maps(model, (given, Y)), expected, rtol=1e-5)


def test_a_dataset_is_refused_with_code_that_gives_a_batch_of_it():
    advised(Batches())
    advised(iter([X[:2], X[2:]]))


@pytest.mark.backends("tensorflow")
@pytest.mark.parametrize("batch", [2, None])
def test_a_tf_dataset_is_refused_with_code_that_gives_a_batch_of_it(batch):
    import tensorflow as tf

    dataset = tf.data.Dataset.from_tensor_slices((X, Y))
    advised(dataset.batch(batch) if batch else dataset)


def advised(images):
    """Do what the message says, literally, and check the maps."""
    with pytest.raises(TypeError, match=r"Pass a part of it: ") as caught:
        saliency_maps(flat(), images)
    code = str(caught.value).partition("Pass a part of it: ")[2].rstrip(".")
    part = eval(code, {"images": images})
    count = len(saliency_maps(flat(), part))
    labels = part[1] if isinstance(part, tuple) else None
    np.testing.assert_allclose(
        saliency_maps(flat(), part), saliency_maps(flat(), X[:count], None if labels is None else Y[:count]), rtol=1e-5
    )


@pytest.mark.backends("torch")
def test_a_data_loader_is_refused_with_code_that_leads_to_a_batch_of_it():
    import torch

    data = torch.utils.data.TensorDataset(torch.from_numpy(X), torch.from_numpy(Y))
    images = torch.utils.data.DataLoader(data, batch_size=2)
    with pytest.raises(TypeError, match=r"Pass a part of it: next\(iter\(images\)\)\."):
        saliency_maps(flat(), images)
    with pytest.raises(ValueError, match=r"Images with labels are a tuple: tuple\(images\)\."):
        saliency_maps(flat(), next(iter(images)))
    found = saliency_maps(flat(), tuple(next(iter(images))))
    np.testing.assert_allclose(found, saliency_maps(flat(), X[:2], Y[:2]), rtol=1e-5)


def test_pictures_are_taken_by_all_functions_that_take_images(path):
    pixels = np.floor(X[:1] * 255)
    assert grad_cam_maps(flat(), path, size="images").shape == (1, 8, 6)
    drawn = overlay(path, np.ones((1, 4, 3)))
    np.testing.assert_array_equal(drawn, overlay(pixels, np.ones((1, 4, 3)), display=(0, 255)))
    assert keras_see.sheet(path, {"map": drawn}).mode == "RGB"
    rebuilt = content_images(flat(), path, "a", steps=1)
    np.testing.assert_allclose(rebuilt, content_images(flat(), pixels, "a", steps=1, value_range=(0, 255)), rtol=1e-4)


def test_a_dream_keeps_the_bytes_and_the_size_of_a_picture(tmp_path):
    Image.new("RGB", (20, 30), (200, 30, 40)).save(tmp_path / "a.png")
    model = keras_see.gap_classifier(2, (None, None, 3))
    found = dream(model, tmp_path / "a.png", octaves=1, steps=1, strength=0)
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, np.full((30, 20, 3), (200, 30, 40)))
