import logging
import pathlib

import keras
import numpy as np
import PIL.Image
import pytest
from PIL import Image

from keras_see.pictures.image_loading import loaded

RGB, GREY, ANY = (None, 8, 6, 3), (None, 8, 6, 1), (None, None, None, 3)
RED = (200, 30, 40)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Image.new("RGB", (6, 8), RED).save("red.png")
    Image.new("L", (20, 10), 50).save("grey.png")
    Image.new("RGBA", (9, 9), (*RED, 0)).save("clear.png")
    return tmp_path


def test_a_path_becomes_floats_from_0_to_255(folder):
    for path in ("red.png", pathlib.Path("red.png"), folder / "red.png"):
        found = loaded(path, RGB)
        assert found.dtype == np.float32
        np.testing.assert_array_equal(found, np.full((1, 8, 6, 3), RED))


def test_an_open_picture_is_the_same_as_its_path(folder):
    with Image.open("red.png") as opened:
        np.testing.assert_array_equal(loaded(opened, RGB), loaded("red.png", RGB))


def test_pictures_of_several_sizes_get_the_size_and_the_channels_of_the_model(folder):
    found = loaded(["red.png", "grey.png", Image.new("L", (3, 3), 7)], RGB)
    assert found.shape == (3, 8, 6, 3)
    np.testing.assert_array_equal(found[:, 0, 0], [RED, (50, 50, 50), (7, 7, 7)])
    assert loaded(["red.png", "grey.png"], GREY).shape == (2, 8, 6, 1)


def test_an_rgb_picture_becomes_grey_as_the_eye_sees_it(folder):
    expected = 0.299 * 200 + 0.587 * 30 + 0.114 * 40  # ITU-R BT.601
    np.testing.assert_allclose(loaded("red.png", GREY), np.full((1, 8, 6, 1), expected), atol=1)


def test_resizing_is_bilinear():
    ramp = np.arange(16, dtype="float32")[None, :, None].repeat(16, 0)
    found = loaded([ramp], (None, 16, 32, 1))[0, 0, :, 0]
    np.testing.assert_allclose(found[1:-1], np.arange(0.25, 15, 0.5), atol=1e-5)


def test_pictures_are_turned_by_their_exif_orientation(folder):
    exif = Image.Exif()
    exif[0x0112] = 6  # EXIF orientation: rotate by 90 degrees
    Image.fromarray(np.uint8([[10, 20, 30]])).save("turned.png", exif=exif)
    np.testing.assert_array_equal(loaded("turned.png")[0, ..., 0], [[10], [20], [30]])
    np.testing.assert_array_equal(loaded(Image.open("turned.png"))[0, ..., 0], [[10], [20], [30]])


def test_arrays_in_a_list_are_a_batch_and_keep_their_values():
    arrays = list(np.random.default_rng(0).random((3, 8, 6, 3)))
    np.testing.assert_array_equal(loaded(arrays, RGB), np.stack(arrays))
    found = loaded([*arrays, np.full((4, 4, 3), 0.5)], RGB)
    np.testing.assert_array_equal(found[:3], np.stack(arrays))
    np.testing.assert_allclose(found[3], 0.5)


def test_without_a_model_pictures_keep_their_size_and_are_grey_if_all_are(folder):
    assert loaded("red.png").shape == (1, 8, 6, 3)
    assert loaded(["grey.png", "grey.png"]).shape == (2, 10, 20, 1)
    assert loaded(["grey.png", Image.new("RGB", (20, 10))]).shape == (2, 10, 20, 3)


@pytest.mark.parametrize("images", [["red.png", "grey.png"], [np.zeros((side, 6, 3), "float32") for side in (5, 8)]])
@pytest.mark.parametrize("shape", [None, ANY])
def test_pictures_of_several_sizes_are_refused_where_none_is_wanted_with_code_that_works(folder, images, shape):
    with pytest.raises(ValueError, match="must be of one size, since") as caught:
        loaded(images, shape)
    code = str(caught.value).partition("Pass ")[2].rstrip(".")
    resized = eval(code, {"keras": keras, "PIL": PIL, "images": images})
    resized = [image if isinstance(image, Image.Image) else keras.ops.convert_to_numpy(image) for image in resized]
    assert loaded(resized, shape).shape == (2, 224, 224, 3)


def test_a_folder_is_refused_with_code_that_finds_its_pictures(folder):
    with pytest.raises(ValueError, match="is a folder") as caught:
        loaded(str(folder), RGB)
    files = eval(str(caught.value).partition("Pass its files: ")[2].rstrip("."), {"pathlib": pathlib})
    assert loaded(files, RGB).shape == (3, 8, 6, 3)


def test_a_pattern_is_refused_with_code_that_finds_its_files(folder):
    import glob

    with pytest.raises(ValueError, match="Got the pattern 're") as caught:
        loaded("re*.png", RGB)
    files = eval(str(caught.value).partition("Pass the files: ")[2].rstrip("."), {"glob": glob})
    assert loaded(files, RGB).shape == (1, 8, 6, 3)


def test_transparency_that_is_left_out_is_logged_with_the_name_of_the_file(folder, caplog):
    with caplog.at_level(logging.WARNING, "keras_see"):
        loaded("clear.png", RGB)
    assert caplog.messages == ["clear.png: transparency is left out."]


def test_a_model_of_other_channels_takes_no_pictures(folder):
    with pytest.raises(ValueError, match=r"must be grey or RGB.* takes 4\. Pass an array of 4 channels\."):
        loaded("red.png", (None, 8, 6, 4))


def test_all_else_is_left_as_it_is():
    for images in (np.zeros((2, 8, 6, 3)), {"a": np.zeros(3)}, [np.zeros((2, 8, 6, 3)), np.zeros((2, 1))], [], 3.0):
        assert loaded(images, RGB) is images
