import numpy as np
import pytest
import tiny_models

from keras_see.deepdream.image_array import image_array_of
from keras_see.visualization.resizing import resized_image

RANDOM = np.random.default_rng(0)


@pytest.mark.parametrize("channels", [None, 1, 2, 3, 4])
@pytest.mark.parametrize(
    ("dtype", "low", "high"), [("uint8", 0, 255), ("float32", 0, 1), ("float64", -1, 1), ("float16", 0, 1)]
)
def test_an_image_plus_zero_is_the_image(channels, dtype, low, high):
    shape = (6, 7) if channels is None else (6, 7, channels)
    image = RANDOM.uniform(low, high, shape).astype(dtype)
    photo = image_array_of(image, 3)
    back = photo.plus(np.zeros_like(photo.colors))
    np.testing.assert_array_equal(back, image)
    assert back.dtype == image.dtype
    assert photo.value_range == (low, high)
    assert photo.colors.shape[-1] == (1 if channels in (None, 1, 2) else 3)


def test_alpha_is_kept_while_the_colors_change():
    image = RANDOM.integers(0, 256, (5, 5, 4), "uint8")
    back = image_array_of(image, 3).plus(np.full((5, 5, 3), 300, "float32"))
    np.testing.assert_array_equal(back[..., 3], image[..., 3])
    assert np.all(back[..., :3] == 255)


def test_four_channels_are_colors_for_a_model_of_four_channels():
    photo = image_array_of(tiny_models.photos(1, shape=(4, 4, 4))[0], 4)
    assert photo.colors.shape == (4, 4, 4)


@pytest.mark.parametrize(
    ("image", "error", "says"),
    [
        (np.zeros((1, 4, 4, 3)), ValueError, "Take one of the batch"),
        (np.zeros((4, 4, 5)), ValueError, "must have the model's 3 channels"),
        (np.full((4, 4, 3), np.nan), ValueError, "must hold finite numbers"),
        (np.zeros((4, 4, 3), bool), TypeError, "must be an array of numbers"),
        ("photo.jpg", ValueError, "There is no file 'photo.jpg'"),
        (np.zeros((0, 4, 3)), ValueError, "must have the shape"),
    ],
)
def test_arrays_that_are_not_images_are_refused(image, error, says):
    with pytest.raises(error, match=says):
        image_array_of(image, 3)


def test_values_outside_a_given_range_are_refused():
    with pytest.raises(ValueError, match="must lie in `value_range`, 0 to 1"):
        image_array_of(np.full((4, 4, 3), 2.0), 3, (0, 1))


def test_resizing_keeps_ramps_and_constants():
    ramp = np.repeat(np.linspace(0, 1, 40, dtype="float32")[None, :, None], 30, axis=0)
    half = resized_image(np.concatenate([ramp, np.full_like(ramp, 0.3)], axis=-1), (15, 20))
    truth = ramp.reshape(30, 20, 2)[:15].mean(axis=-1)
    np.testing.assert_allclose(half[:, 2:-2, 0], truth[:, 2:-2], atol=1e-3)
    np.testing.assert_allclose(half[..., 1], 0.3, rtol=1e-5)
