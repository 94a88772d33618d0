import numpy as np
import pytest
from PIL import Image

from keras_see.visualization.resizing import resized_image, resized_maps, resized_picture, resized_to

MAPS = np.random.default_rng(1).random((2, 3, 2), "float32")
PICTURES = np.random.default_rng(0).integers(0, 256, (2, 12, 8, 3)).astype("uint8")


def test_enlarging_keeps_positions():
    # A linear ramp stays one under bicubic interpolation when centres are aligned, away from the border.
    columns = np.arange(10.0, dtype="float32")
    large = resized_maps(np.tile(columns, (1, 6, 1)), (18, 30))
    expected = (np.arange(30) + 0.5) / 3 - 0.5
    np.testing.assert_allclose(large[0, 9, 8:22], expected[8:22], atol=1e-3)
    rows = resized_maps(np.tile(columns[:, None], (1, 1, 6)), (30, 18))
    np.testing.assert_allclose(rows[0, 8:22, 9], expected[8:22], atol=1e-3)


def test_what_has_the_size_is_returned_as_it_is():
    image = PICTURES[0].astype("float32")
    assert resized_maps(MAPS, (3, 2)) is MAPS
    assert resized_image(image, (12, 8)) is image
    assert resized_picture(PICTURES[0], (12, 8)).tolist() == PICTURES[0].tolist()


def test_a_constant_stays_constant():
    np.testing.assert_allclose(resized_maps(np.full((2, 3, 2), 0.7, "float32"), (11, 5)), 0.7, rtol=1e-6)
    np.testing.assert_allclose(resized_image(np.full((3, 2, 4), 0.7, "float32"), (11, 5)), 0.7, rtol=1e-6)


@pytest.mark.parametrize("size", [(5, 20), (24, 16), (3, 3)])
def test_an_image_is_resized_as_a_stack_of_maps_would_be(size):
    image = np.random.default_rng(2).normal(size=(12, 8, 4)).astype("float32")
    stack = resized_maps(np.moveaxis(image, -1, 0), size)
    np.testing.assert_array_equal(resized_image(image, size), np.moveaxis(stack, 0, -1))


def test_a_box_is_the_region_that_is_resized():
    image = np.random.default_rng(3).random((16, 16, 2), "float32")
    # Away from the edges of the region: within it, a crop interpolates beyond its edges from other pixels.
    whole, part = resized_image(image, (32, 32)), resized_image(image, (16, 16), (4, 4, 12, 12))
    np.testing.assert_allclose(part[3:-3, 3:-3], whole[11:21, 11:21], atol=1e-5)
    np.testing.assert_array_equal(part[..., 1], resized_maps(image[None, ..., 1], (16, 16), (4, 4, 12, 12))[0])


def test_a_box_is_left_top_right_bottom():
    image = np.zeros((10, 20, 1), "float32")
    image[2:4, 12:18] = 1.0
    assert resized_image(image, (2, 6), (12, 2, 18, 4)).min() == 1.0


def test_pictures_are_enlarged_by_whole_factors_without_smoothing():
    expected = PICTURES[0].repeat(2, axis=0).repeat(3, axis=1)
    np.testing.assert_array_equal(resized_picture(PICTURES[0], (24, 24)), expected)


def test_pictures_are_filtered_otherwise():
    ramp = np.repeat(np.arange(0, 240, dtype="uint8")[None, :, None], 60, axis=0).repeat(3, axis=-1)
    small = resized_picture(ramp, (20, 80))
    assert (small.shape, small.dtype) == ((20, 80, 3), np.uint8)
    np.testing.assert_allclose(small[10, 2:-2, 0], np.arange(1, 240, 3)[2:-2], atol=1)


def test_a_size_may_be_that_of_the_images():
    expected = [Image.fromarray(each).resize((8, 12), Image.Resampling.BICUBIC) for each in MAPS]
    np.testing.assert_array_equal(resized_to(MAPS, "images", PICTURES), np.stack(expected))
    np.testing.assert_array_equal(resized_to(MAPS, "images", [np.ones((2, 4)), PICTURES]), np.stack(expected))
    np.testing.assert_array_equal(resized_to(MAPS, (12, 8), PICTURES), np.stack(expected))
    assert resized_to(MAPS, None, PICTURES) is MAPS
