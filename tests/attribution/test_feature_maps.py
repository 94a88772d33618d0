"""Feature maps are the activations that NumPy computes; filters are drawn in one range; the grid is what it says."""

import keras
import numpy as np
import pytest
from keras import layers
from tiny_models import dict_outputs, flat, nested, photos
from truth import Flat

import keras_see
from keras_see import feature_maps, filter_pictures
from keras_see.attribution.feature_maps import grid_of_strongest


@pytest.mark.parametrize("batch_size", [2, 32])
def test_feature_maps_are_the_output_of_the_layer(batch_size):
    model, images = flat(), photos(3)
    truth = Flat(model.get_weights(), images, np.eye(3))
    np.testing.assert_allclose(feature_maps(model, images, batch_size=batch_size), truth.b, atol=1e-5)
    found = feature_maps(model, images, "a", [3, 0], batch_size=batch_size)
    np.testing.assert_allclose(found, truth.a[..., [3, 0]], atol=1e-5)


def test_feature_maps_need_no_target_and_no_plain_model():
    images = photos(2)
    truth = Flat(flat().get_weights(), images, np.eye(3)[:2])
    np.testing.assert_allclose(feature_maps(nested(), images, "backbone/a"), truth.a, atol=1e-5)
    assert feature_maps(dict_outputs(), images).shape == (2, 4, 3, 5)


def test_a_second_input_is_given_on():
    images = keras.Input((8, 6, 3), name="images")
    factor = keras.Input((1,), name="factor")
    scaled = layers.Multiply(name="scaled")([images, layers.Reshape((1, 1, 1))(factor)])
    model = keras.Model({"images": images, "factor": factor}, layers.Dense(2)(layers.Flatten()(scaled)))
    given = {"images": photos(2), "factor": np.array([[2.0], [3.0]], "float32")}
    expected = given["images"] * given["factor"][:, :, None, None]
    np.testing.assert_allclose(feature_maps(model, given, "scaled"), expected, rtol=1e-6)


def test_the_word_features_gives_the_same_and_watch_draws_a_grid(tmp_path):
    model, images = flat(), photos(2)
    found = keras_see.maps(model, images, 0, ["features", "saliency"])["features"]
    np.testing.assert_allclose(found, feature_maps(model, images), atol=1e-6)
    model.compile(keras.optimizers.SGD(0.0), "sparse_categorical_crossentropy")
    watch = keras_see.Watch(
        tmp_path, images, 0, {"features": {"layer": "a"}, "saliency": {}}, regions=[(0, 0, 4, 4)] * 2
    )
    model.fit(images, np.array([0, 1]), epochs=1, verbose=0, callbacks=[watch])
    assert watch.failures == []
    log = keras_see.read(tmp_path)
    truth = Flat(model.get_weights(), images, np.eye(3)[:2]).a
    assert dict(log["see/features@a/peak"])[0] == pytest.approx(truth.max(axis=(1, 2, 3)).mean(), rel=1e-5)
    assert "see/saliency/energy_inside" in log
    assert "see/features@a/energy_inside" not in log
    assert len(log["see/features@a"]) == len(log["see/overview"]) == 2


def test_the_grid_holds_the_strongest_channels_in_order():
    maps = np.zeros((1, 2, 3, 6), "float32")
    maps[0] += np.array([1, 5, -9, 3, 4, 2])
    grid, lines = grid_of_strongest(maps)
    assert lines == [["1, 4, 3", "5, 0, 2"]]
    assert grid.shape == (1, 5, 11)
    np.testing.assert_array_equal(grid[0, ::3, ::4], [[5, 4, 3], [2, 1, -9]])
    assert not grid[0, 2].any()  # the line between
    assert not grid[0, :, [3, 7]].any()


def test_filters_are_drawn_in_one_range_with_zero_in_the_middle():
    model = keras.Sequential([keras.Input((8, 8, 3)), layers.Conv2D(2, (1, 2), name="first"), layers.Conv2D(4, 1)])
    kernel = np.array([0.0, 0.25, -0.5, 1.0, 0.0, 0.0, 0.5, 0.0, -1.0, 0, 0, 0], "float32").reshape(1, 2, 3, 2)
    model.get_layer("first").set_weights([kernel, np.zeros(2)])
    pictures = filter_pictures(model)
    assert pictures.shape == (2, 1, 2, 3)
    np.testing.assert_array_equal(pictures[0, 0], [[128, 64, 128], [192, 1, 128]])
    np.testing.assert_array_equal(pictures[1, 0, 0], [160, 255, 128])
    with pytest.raises(ValueError, match="1 or 3 channels: first"):
        filter_pictures(model, "conv2d_1")
