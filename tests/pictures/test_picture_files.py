import logging

import numpy as np
import pytest
from PIL import Image, ImageCms

from keras_see.pictures.picture_files import logged_picture, pixels_of, read_picture

RANDOM = np.random.default_rng(0)
GREY_LEVELS = np.array([[0, 25700, 65535]], "uint16")  # 0, 100 and 255 times 257


def saved(image, path, **options):
    """Save an array or a picture, and return its path."""
    image = image if isinstance(image, Image.Image) else Image.fromarray(image)
    image.save(path, **options)
    return path


@pytest.mark.parametrize(
    ("mode", "channels"), [("L", 1), ("LA", 2), ("RGB", 3), ("RGBA", 4), ("1", 1), ("CMYK", 3), ("P", 3), ("YCbCr", 3)]
)
def test_pictures_of_all_modes_are_read_as_uint8(tmp_path, mode, channels):
    picture = Image.new("RGB", (6, 5), (100, 100, 100)).convert(mode)
    found, note = read_picture(saved(picture, tmp_path / ("a.tif" if mode in ("CMYK", "YCbCr") else "a.png")))
    assert found.dtype == np.uint8
    assert found.shape == (5, 6, channels)
    assert note == ""
    if mode not in ("1", "P"):
        assert np.abs(found[..., 0].astype(int) - 100).max() <= 1


@pytest.mark.parametrize("mode", ["HSV", "CMYK", "YCbCr", "RGBX"])
def test_colours_of_other_spaces_become_rgb(mode):
    found, _ = pixels_of(Image.new("RGB", (2, 3), (200, 30, 40)).convert(mode))
    assert found.shape == (3, 2, 3)
    assert np.abs(found.astype(int) - (200, 30, 40)).max() <= 3


def test_lab_is_converted_and_never_taken_for_alpha(tmp_path):
    profiles = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
    lab = ImageCms.profileToProfile(Image.new("RGB", (2, 3), (200, 30, 40)), *profiles, outputMode="LAB")
    found, _ = read_picture(saved(lab, tmp_path / "lab.tif"))
    assert found.shape == (3, 2, 3)
    assert np.abs(found.astype(int) - (200, 30, 40)).max() <= 3


@pytest.mark.parametrize("ending", ["png", "tif"])
def test_grey_of_16_bits_is_divided_by_257(tmp_path, ending):
    found, note = read_picture(saved(GREY_LEVELS, tmp_path / f"a.{ending}"))
    np.testing.assert_array_equal(found[..., 0], [[0, 100, 255]])
    assert note == ""


def test_grey_of_16_bits_that_opens_in_mode_i_is_divided_by_257(tmp_path):
    path = tmp_path / "a.pgm"
    path.write_bytes(b"P5 3 1 65535\n" + GREY_LEVELS.astype(">u2").tobytes())
    with Image.open(path) as opened:
        assert opened.mode == "I"
    np.testing.assert_array_equal(read_picture(path)[0][..., 0], [[0, 100, 255]])


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (np.float32([0, 0.2, 1]), [0, 51, 255]),
        (np.float32([0, 100, 255]), [0, 100, 255]),
        (np.int32([0, 100, 200]), [0, 100, 200]),
        (np.int32([0, 1, 2]), [0, 1, 2]),
    ],
)
def test_floats_and_whole_numbers_in_a_usual_range_are_kept_in_it(tmp_path, values, expected):
    found, note = read_picture(saved(values[None], tmp_path / "a.tif"))
    np.testing.assert_array_equal(found[..., 0], [expected])
    assert note == ""


@pytest.mark.parametrize("kind", ["int32", "float32"])
def test_other_values_are_stretched_from_the_least_to_the_greatest_and_the_note_says_so(tmp_path, kind):
    tomography = np.array([[-1024, 0, 3071]], kind)
    found, note = read_picture(saved(tomography, tmp_path / "ct.tif"))
    np.testing.assert_array_equal(found[..., 0], [[0, 64, 255]])
    assert note == "values are stretched: -1024 is black, 3071 is white"


def test_the_note_is_logged_with_the_name_of_the_file(tmp_path, caplog):
    path = saved(np.array([[-5.0, 700.0]], "float32"), tmp_path / "heights.tif")
    with caplog.at_level(logging.WARNING, "keras_see"):
        logged_picture(path)
    assert caplog.messages == [f"{path}: values are stretched: -5 is black, 700 is white."]


def test_an_image_of_one_unusual_value_is_black(tmp_path):
    assert (read_picture(saved(np.full((2, 2), -7.0, "float32"), tmp_path / "a.tif"))[0] == 0).all()


def test_a_palette_gives_its_colours_and_its_transparency_alpha(tmp_path):
    colors = Image.new("P", (2, 1))
    colors.putpalette([200, 30, 40, 0, 0, 255])
    colors.putpixel((1, 0), 1)
    found, _ = read_picture(saved(colors, tmp_path / "opaque.png"))
    np.testing.assert_array_equal(found, [[[200, 30, 40], [0, 0, 255]]])
    found, _ = read_picture(saved(colors, tmp_path / "clear.png", transparency=1))
    np.testing.assert_array_equal(found, [[[200, 30, 40, 255], [0, 0, 255, 0]]])


@pytest.mark.parametrize(("mode", "color", "channels"), [("L", 7, 2), ("RGB", (7, 8, 9), 4)])
def test_a_transparent_colour_gives_alpha(tmp_path, mode, color, channels):
    found, _ = read_picture(saved(Image.new(mode, (2, 2), color), tmp_path / "a.png", transparency=color))
    assert found.shape == (2, 2, channels)
    assert (found[..., -1] == 0).all()


@pytest.mark.parametrize("ending", ["png", "tif", "jpg"])
def test_a_photo_is_turned_by_its_exif_orientation(tmp_path, ending):
    exif = Image.Exif()
    exif[0x0112] = 6  # EXIF orientation: rotate by 90 degrees
    pixels = np.repeat(np.repeat(np.uint8([[[0] * 3, [255] * 3]]), 8, axis=0), 8, axis=1)
    found, _ = read_picture(saved(pixels, tmp_path / f"photo.{ending}", exif=exif))
    np.testing.assert_allclose(found.astype(int), np.rot90(pixels, -1), atol=2)


def test_grey_of_16_bits_is_turned_too(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    found, _ = read_picture(saved(GREY_LEVELS, tmp_path / "a.png", exif=exif))
    np.testing.assert_array_equal(found[..., 0], [[0], [100], [255]])


@pytest.mark.parametrize("ending", ["gif", "webp", "png", "tif"])
def test_of_an_animation_the_first_frame_is_used_and_the_note_says_so(tmp_path, ending):
    first, *others = (Image.new("RGB", (8, 8), (80 * number,) * 3) for number in range(3))
    path = saved(first, tmp_path / f"film.{ending}", save_all=True, append_images=others)
    found, note = read_picture(path)
    assert found[..., :3].max() <= 2
    assert note == "only the first frame is used: there are 3"


@pytest.mark.parametrize("cut", [10, 60, 200])
def test_broken_files_raise_an_error_of_one_line(tmp_path, cut):
    path = saved(RANDOM.integers(0, 256, (20, 20, 3), "uint8"), tmp_path / "photo.png")
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(ValueError, match="Pillow can read") as raised:
        read_picture(path)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("make", "cause"),
    [
        (lambda path: path.write_text("no picture"), "its format is not known"),
        (lambda path: path.write_bytes(b""), "its format is not known"),
        (lambda path: saved(np.full((2, 2), np.nan, "float32"), path, format="TIFF"), "it holds NaN or infinity"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_with_its_name_the_cause_and_what_to_do(tmp_path, make, cause):
    make(tmp_path / "a.png")
    with pytest.raises(ValueError, match=rf"a\.png' is none, or is broken: {cause}\. Open it in an image editor"):
        read_picture(tmp_path / "a.png")


def test_pictures_with_too_many_pixels_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    for side in (12, 40):
        with pytest.raises(ValueError, match="megapixels"):
            read_picture(saved(Image.new("L", (side, side)), tmp_path / "bomb.png"))
