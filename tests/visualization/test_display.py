import numpy as np
import pytest

from keras_see.visualization.display import to_pictures

PICTURES = np.random.default_rng(0).integers(0, 256, (3, 5, 4, 3)).astype("uint8")
PICTURES[0, 0, 0], PICTURES[0, 0, 1] = 0, 255

RANGES = {
    "uint8": PICTURES,
    "0–255": PICTURES.astype("float32"),
    "whole numbers": PICTURES.astype("int64"),
    "0–1": PICTURES / 255.0,
    "−1–1": PICTURES / 127.5 - 1.0,
    "0–1 in half precision": (PICTURES / 255.0).astype("float16"),
}


@pytest.mark.parametrize("name", RANGES)
def test_images_of_every_usual_range_are_shown_as_they_are(name):
    shown, note = to_pictures(RANGES[name])
    np.testing.assert_array_equal(shown, PICTURES)
    assert shown.dtype == np.uint8
    assert note == ""


def test_dark_images_in_a_usual_range_stay_dark():
    for dark in (PICTURES / 255.0 * 0.1, np.zeros((1, 4, 4, 3)), PICTURES.astype("float32") * 0.1):
        shown, note = to_pictures(dark)
        assert note == ""
        assert shown.max() <= 26


def test_one_range_is_recognised_for_all_images_together():
    both = np.concatenate([np.full((1, 2, 2, 3), 0.5), np.full((1, 2, 2, 3), 200.0)])
    shown, note = to_pictures(both)
    assert (shown[1] == 200).all()
    assert shown[0].max() <= 1
    assert note == ""


def test_other_ranges_are_stretched_over_all_images_and_the_note_gives_black_and_white():
    images = PICTURES.astype("float32") - [104.0, 117.0, 123.0]
    shown, note = to_pictures(images)
    low, high = images.min(), images.max()
    np.testing.assert_allclose(shown, (images - low) / (high - low) * 255, atol=0.51)
    assert note == f"pictures stretched from {low:.3g} (black) to {high:.3g} (white)"


def test_a_constant_image_of_an_unusual_value_is_black():
    shown, note = to_pictures(np.full((1, 3, 3, 3), -70.0))
    assert (shown == 0).all()
    assert "stretched from -70" in note


def test_a_pair_gives_black_and_white():
    images = np.array([[-3.0, -1.0, 0.0, 1.0, 3.0]]).reshape(1, 5, 1, 1)
    shown, note = to_pictures(images, (-1, 1))
    assert shown[0, :, 0, 0].tolist() == [0, 0, 128, 255, 255]
    assert note == ""
    assert to_pictures(images, [1, -1])[0][0, :, 0, 0].tolist() == [255, 255, 128, 0, 0]


def test_a_function_makes_the_pictures_from_a_copy():
    images = PICTURES[..., ::-1].astype("float32") - 100.0
    before = images.copy()

    def undo(given):
        given += 100.0
        return given[..., ::-1]

    np.testing.assert_array_equal(to_pictures(images, undo)[0], PICTURES)
    np.testing.assert_array_equal(images, before)


def test_an_array_is_the_pictures():
    np.testing.assert_array_equal(to_pictures(np.zeros((3, 9, 9, 7)), PICTURES)[0], PICTURES)


@pytest.mark.parametrize("channels", [1, 2, 3, 4, 7])
def test_any_number_of_channels_becomes_three(channels):
    images = np.random.default_rng(1).integers(0, 256, (2, 4, 3, channels)).astype("uint8")
    shown = to_pictures(images)[0]
    expected = {1: images[..., [0, 0, 0]], 2: images.astype(int).sum(axis=-1, keepdims=True) // 2 + np.zeros(3, int)}
    np.testing.assert_array_equal(shown, expected.get(channels, images[..., :3]))


def test_masks_are_black_and_white():
    mask = np.array([[True, False]]).reshape(1, 1, 2, 1)
    for display in (None, (0, 255)):
        assert to_pictures(mask, display)[0].tolist() == [[[[255] * 3, [0] * 3]]]


def test_of_several_inputs_the_pictures_are_shown():
    np.testing.assert_array_equal(to_pictures({"a": np.ones((3, 2)), "b": PICTURES})[0], PICTURES)


def test_a_function_must_return_pictures():
    with pytest.raises(ValueError, match=r"must be .* pictures .* Got an array of shape \(3, 5, 4\)\."):
        to_pictures(PICTURES, lambda images: images[..., 0])


@pytest.mark.parametrize(
    ("channels", "note"), [(1, ""), (3, ""), (4, "shown: channels 1 to 3 of 4"), (8, "1 to 3 of 8")]
)
def test_channels_that_are_left_out_are_noted(channels, note):
    images = np.random.default_rng(1).integers(0, 256, (2, 4, 4, channels)).astype("uint8")
    for given in (images, images / 255.0):
        shown, found = to_pictures(given)
        assert found.endswith(note)
        assert bool(found) == bool(note)
        np.testing.assert_array_equal(shown, images[..., [0, 1, 2] if channels > 1 else [0, 0, 0]])


def test_a_stretched_range_and_channels_that_are_left_out_are_both_noted():
    _, note = to_pictures(np.arange(-80.0, 0.0).reshape(1, 4, 4, 5))
    assert note == "pictures stretched from -80 (black) to -1 (white); shown: channels 1 to 3 of 5"
