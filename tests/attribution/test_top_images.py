"""The patches of a data set that excite channels most: against a plain search, and a probe of single pixels."""

import keras
import numpy as np
import pytest
from keras import layers
from PIL import Image
from tiny_models import filled, flat, photos, two_inputs
from truth import Flat

from keras_see import feature_maps, top_images

IMAGES = photos(23, seed=11)


def truth_of(images, channels, n, features=None):
    """The values and numbers of the strongest images, by sorting everything."""
    features = Flat(flat().get_weights(), images, np.zeros((len(images), 3))).a if features is None else features
    highest = features.max(axis=(1, 2))[:, channels]
    order = np.argsort(-highest, axis=0, kind="stable")[:n]
    return np.take_along_axis(highest, order, axis=0).T, order.T


@pytest.mark.parametrize("batch_size", [4, 32])
def test_the_strongest_images_are_those_of_a_search_through_all(batch_size):
    found = top_images(flat(), IMAGES, "a", [2, 0], n=5, batch_size=batch_size)
    values, numbers = truth_of(IMAGES, [2, 0], 5)
    assert list(found) == [2, 0]
    for top, expected, order in zip(found.values(), values, numbers, strict=True):
        np.testing.assert_allclose(top.values, expected, rtol=1e-4)
        np.testing.assert_array_equal(top.indices, order)
        assert len(set(top.indices.tolist())) == 5


def test_a_patch_is_the_box_of_its_image_as_it_is_displayed():
    (top,) = top_images(flat(), IMAGES, "a", [1], n=6).values()
    features = feature_maps(flat(), IMAGES, "a", [1])[..., 0]
    shown = np.rint(IMAGES * 255).astype("uint8")
    for picture, (x0, y0, x1, y1), number in zip(top.pictures, top.boxes, top.indices, strict=True):
        row, column = np.unravel_index(features[number].argmax(), features[number].shape)
        assert (x0, y0, x1, y1) == (max(column - 1, 0), max(row - 1, 0), min(column + 2, 6), min(row + 2, 8))
        up, left = (picture.shape[0] - (y1 - y0)) // 2, (picture.shape[1] - (x1 - x0)) // 2
        patch = picture[up : up + y1 - y0, left : left + x1 - x0]
        np.testing.assert_array_equal(patch, shown[number, y0:y1, x0:x1])


def deep():
    """Strides, padding, a max pool, a branch of another field, and a rectifier that is closed nearly everywhere."""
    inputs = keras.Input((17, 20, 2))
    one = layers.Conv2D(3, 3, strides=2, padding="valid", activation="relu")(inputs)
    one = layers.MaxPooling2D(2, name="pool")(one)
    two = layers.AveragePooling2D((4, 5))(layers.ZeroPadding2D(((1, 0), (0, 0)))(inputs))
    both = layers.Concatenate(name="both")([one, two])
    closed = layers.Conv2D(2, (1, 2), padding="same", activation="relu", name="last")(both)
    return filled(keras.Model(inputs, layers.Dense(2)(layers.Flatten()(closed))))


def box_by_pixels(model, layer, place, shape):
    """Return the box of the pixels that move a place's features, by changing one pixel after the other."""
    reached = np.zeros(shape[:2], bool)
    for seed in range(4):
        base = photos(1, seed=seed, shape=shape)
        changed = base.repeat(np.prod(shape[:2]), axis=0)
        for number, (row, column) in enumerate(np.ndindex(*shape[:2])):
            changed[number, row, column] += np.random.default_rng(number + seed).choice([-30, 30], shape[2])
        features = feature_maps(model, np.concatenate([base, changed]), layer, batch_size=512)
        moved = (features[1:, *place] != features[:1, *place]).any(axis=-1)
        reached |= moved.reshape(shape[:2])
    rows, columns = np.flatnonzero(reached.any(axis=1)), np.flatnonzero(reached.any(axis=0))
    return columns[0], rows[0], columns[-1] + 1, rows[-1] + 1


def test_boxes_hold_the_pixels_that_move_the_unit_and_no_row_or_column_more():
    model, images = deep(), photos(30, seed=5, shape=(17, 20, 2))
    found = top_images(model, images, "both", [0, 4], n=6)
    features, boxes = feature_maps(model, images, "both"), {}
    for channel, top in found.items():
        for box, number in zip(top.boxes, top.indices, strict=True):
            each = features[number, ..., channel]
            boxes[np.unravel_index(each.argmax(), each.shape)] = tuple(box)
    assert len(boxes) >= 4
    for place, box in boxes.items():
        assert box == box_by_pixels(model, "both", place, (17, 20, 2)), place


@pytest.mark.parametrize("padding", ["valid", "same"])
def test_a_box_holds_all_of_a_window_of_max_pooling(padding):
    parts = [layers.MaxPooling2D(4, strides=3, padding=padding, name="pool"), layers.Flatten(), layers.Dense(2)]
    model = keras.Sequential([keras.Input((10, 10, 1)), *parts])
    images = np.zeros((3, 10, 10, 1), "float32")
    images[0, 5, 5], images[1, 9, 9], images[2, 0, 1] = 3, 2, 1
    (top,) = top_images(model, images, "pool", [0]).values()
    expected = {
        "valid": [(3, 3, 7, 7), (6, 6, 10, 10), (0, 0, 4, 4)],
        "same": [(2, 2, 6, 6), (8, 8, 10, 10), (0, 0, 3, 3)],
    }
    assert [tuple(box) for box in top.boxes.tolist()] == expected[padding]


def test_a_box_is_found_behind_a_rectifier_that_is_closed():
    model = deep()
    last = model.get_layer("last")
    last.set_weights([-np.abs(weight) - 5 for weight in last.get_weights()])
    (top,) = top_images(model, photos(3, shape=(17, 20, 2)), "last", [0], n=1).values()
    assert top.values[0] == 0
    assert tuple(top.boxes[0]) != (0, 0, 20, 17)


class Batches(keras.utils.PyDataset):
    def __len__(self):
        return 4

    def __getitem__(self, number):
        part = IMAGES[7 * number : 7 * number + 7]
        return part, np.zeros(len(part))


def test_datasets_of_all_kinds_give_what_their_images_give():
    model = flat()
    expected = top_images(model, IMAGES, "a", [3], n=4)[3]
    sources = [Batches(), (IMAGES, np.zeros(23)), list(IMAGES), (part for part in np.array_split(IMAGES, 5))]
    if keras.backend.backend() == "torch":
        import torch

        rows = torch.utils.data.TensorDataset(torch.from_numpy(IMAGES), torch.zeros(23))
        sources.append(torch.utils.data.DataLoader(rows, batch_size=6))
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        sources.append(tf.data.Dataset.from_tensor_slices((IMAGES, np.zeros(23))).batch(6))
        sources.append(tf.data.Dataset.from_tensor_slices(IMAGES))
    for source in sources:
        found = top_images(model, source, "a", [3], n=4)[3]
        np.testing.assert_array_equal(found.indices, expected.indices)
        np.testing.assert_array_equal(found.boxes, expected.boxes)
        np.testing.assert_array_equal(found.pictures, expected.pictures)


def test_paths_are_loaded_as_the_loader_does_and_prepared(tmp_path):
    pixels = np.random.default_rng(2).integers(0, 256, (6, 8, 6, 3), "uint8")
    paths = [tmp_path / f"{number}.png" for number in range(6)]
    for path, picture in zip(paths, pixels, strict=True):
        Image.fromarray(picture).save(path)
    found = top_images(flat(), paths, "a", [0], n=3, preprocess=lambda images: images / 255, batch_size=4)[0]
    values, numbers = truth_of(pixels / np.float32(255), [0], 3)
    np.testing.assert_allclose(found.values, values[0], rtol=1e-4)
    np.testing.assert_array_equal(found.indices, numbers[0])
    x0, y0, x1, y1 = found.boxes[0]
    cut = pixels[found.indices[0], y0:y1, x0:x1]
    assert any((found.pictures[0][i : i + y1 - y0, j : j + x1 - x0] == cut).all() for i in (0, 1) for j in (0, 1))


def test_units_without_places_have_whole_images():
    found = top_images(flat(None), IMAGES, "head", [1], n=3)[1]
    logits = Flat(flat().get_weights(), IMAGES, np.zeros((23, 3))).logits[:, 1]
    np.testing.assert_array_equal(found.indices, np.argsort(-logits)[:3])
    assert found.boxes.tolist() == [[0, 0, 6, 8]] * 3


def test_a_second_input_goes_with_its_image():
    given = {"images": photos(5), "factor": np.array([[1.0], [0], [3], [0], [0]], "float32")}
    model = two_inputs()
    logits = keras.ops.convert_to_numpy(model(given))[:, 0]
    found = top_images(model, given, model.layers[-1], [0], n=2, batch_size=2)[0]
    np.testing.assert_array_equal(found.indices, np.argsort(-logits, kind="stable")[:2])


def test_fewer_images_than_asked_for_are_all_there_are():
    assert top_images(flat(), IMAGES[:2], "a", [0])[0].indices.shape == (2,)
