"""Signed maps: blue speaks against, red for, and nothing is drawn where they are zero."""

import keras
import numpy as np
import pytest
from tiny_models import filled, photos

import keras_see
from keras_see import overlay
from keras_see.visualization.map_drawing import (
    SIGNED,
    SIGNED_AROUND_MEAN,
    SIGNED_PIXELS,
    as_drawn,
    color_bar,
    draw_maps,
)

GREY = np.full((1, 16, 16, 3), 128, "uint8")


def halves(left, right):
    maps = np.zeros((1, 4, 4), "float32")
    maps[:, :, :2], maps[:, :, 2:] = left, right
    return maps


@pytest.mark.parametrize("style", [SIGNED, SIGNED_PIXELS])
def test_negative_values_are_blue_positive_ones_red_and_equally_strong(style):
    found = draw_maps(GREY, halves(-1, 1), 1.0, style)[0].astype(int)
    left, right = found[8, 0], found[8, -1]
    assert left[2] > left[0] + 50
    assert right[0] > right[2] + 50


def test_a_signed_map_of_zeros_leaves_its_image_as_it_is_and_is_black_without_one():
    zeros = np.zeros((1, 4, 4), "float32")
    np.testing.assert_array_equal(draw_maps(GREY, zeros, 1.0, SIGNED), GREY)
    np.testing.assert_array_equal(draw_maps(GREY, zeros, 0.0, SIGNED_PIXELS), 0)


@pytest.mark.parametrize("style", [SIGNED, SIGNED_PIXELS])
def test_the_bar_goes_from_blue_over_nothing_to_red(style):
    bar = color_bar(style, 101, 1)[0].astype(int)
    assert bar[0, 2] > bar[0, 0]
    assert bar[-1, 0] > bar[-1, 2]
    middle = bar[50]
    assert np.ptp(middle) <= 2  # grey, or black


def test_the_range_of_a_signed_map_is_that_of_its_absolute_values():
    """Most values speak against: a range of the positive ones alone would draw all these as strongest."""
    maps = halves(-4, 1)
    expected = draw_maps(GREY, maps, 4.0, SIGNED)
    np.testing.assert_array_equal(overlay(GREY, maps, method="occlusion"), expected)


def test_of_attributions_in_the_shape_of_the_images_the_sum_over_the_channels_is_drawn():
    attributions = np.random.default_rng(0).normal(size=(1, 16, 16, 3)).astype("float32")
    both = (attributions, attributions.sum(axis=-1))
    found, expected = (overlay(GREY, each, method="integrated_gradients") for each in both)
    np.testing.assert_array_equal(found, expected)


def test_values_around_the_mean_of_each_map_are_drawn_of_rise():
    maps = halves(11, 13)
    np.testing.assert_array_equal(as_drawn(maps, SIGNED_AROUND_MEAN), halves(-1, 1))
    np.testing.assert_array_equal(overlay(GREY, maps, method="rise"), draw_maps(GREY, halves(-1, 1), 1.0, SIGNED))


def test_watch_draws_signed_columns_in_one_range_with_both_ends_at_the_bar(tmp_path):
    steps = [keras.layers.Flatten(), keras.layers.Dense(2)]
    model = filled(keras.Sequential([keras.Input((8, 6, 3)), *steps]))
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    images = photos(2)
    watch = keras_see.Watch(tmp_path, images, 1, methods=["input_x_gradient"], before_training=False)
    model.optimizer.learning_rate = 0.0  # so that the weights now are those that were explained
    model.fit(images, np.zeros(2), epochs=1, verbose=0, callbacks=[watch])
    assert not watch.failures
    found = keras_see.read(tmp_path)
    values = np.abs((images * model.get_weights()[0].T[1].reshape(1, 8, 6, 3)).sum(axis=-1))
    assert found["see/input_x_gradient/range"][0][1] == pytest.approx(np.percentile(values, 99), rel=1e-4)
