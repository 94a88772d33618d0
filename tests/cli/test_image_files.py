import json

import numpy as np
import pytest
from PIL import Image

from keras_see.cli.image_files import check_output, read_picture
from keras_see.visualization import animation
from keras_see.visualization.animation import write_picture

RANDOM = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("mode", "channels"), [("L", 1), ("LA", 2), ("RGB", 3), ("RGBA", 4), ("1", 1), ("CMYK", 3), ("P", 3), ("I;16", 1)]
)
def test_pictures_of_all_modes_are_read_as_uint8(tmp_path, mode, channels):
    path = tmp_path / ("photo.tif" if mode in ("CMYK", "I;16") else "photo.png")
    if mode == "I;16":
        Image.fromarray(np.full((5, 6), 257 * 100, "uint16")).save(path)
    else:
        Image.new("RGB", (6, 5), (100, 100, 100)).convert(mode).save(path)
    found = read_picture(path)
    assert found.dtype == np.uint8
    assert found.shape == (5, 6, channels)
    if mode not in ("1", "P"):
        assert np.abs(found[..., 0].astype(int) - 100).max() <= 1


def test_a_photo_is_turned_by_its_exif_orientation(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # EXIF orientation: rotate by 90 degrees
    pixels = RANDOM.integers(0, 256, (4, 7, 3), "uint8")
    Image.fromarray(pixels).save(tmp_path / "photo.png", exif=exif)
    np.testing.assert_array_equal(read_picture(tmp_path / "photo.png"), np.rot90(pixels, -1))


@pytest.mark.parametrize("cut", [10, 60, 200])
def test_broken_files_raise_an_error_of_one_line(tmp_path, cut):
    path = tmp_path / "photo.png"
    Image.fromarray(RANDOM.integers(0, 256, (20, 20, 3), "uint8")).save(path)
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(ValueError, match="Pillow can read") as raised:
        read_picture(path)
    assert "\n" not in str(raised.value)


def test_pictures_with_too_many_pixels_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    for side in (12, 40):
        Image.new("L", (side, side)).save(tmp_path / "bomb.png")
        with pytest.raises(ValueError, match="megapixels"):
            read_picture(tmp_path / "bomb.png")


@pytest.mark.parametrize("ending", animation.STILL)
def test_metadata_is_stored_in_every_format(tmp_path, ending):
    path, pixels = tmp_path / f"dream{ending}", np.full((8, 9, 3), 77, "uint8")
    write_picture([pixels], path, metadata={"seed": 3, "photo": "hügel.jpg"})
    with Image.open(path) as found:
        text = found.text["Description"] if ending == ".png" else found.getexif()[animation.EXIF_DESCRIPTION]
        assert np.abs(np.asarray(found).astype(int) - pixels).max() <= 2
    assert json.loads(text) == {"seed": 3, "photo": "hügel.jpg"}


@pytest.mark.parametrize("ending", animation.ANIMATED)
def test_frames_are_written_as_an_animation(tmp_path, ending):
    path = tmp_path / f"dream{ending}"
    write_picture(
        [np.full((8, 8, 3), 60 * number, "uint8") for number in range(4)], path, metadata={"zoom": 4}, seconds=0.2
    )
    with Image.open(path) as film:
        assert film.n_frames == 4
        for number in range(4):
            film.seek(number)
            assert np.abs(np.asarray(film.convert("RGB")).astype(int) - 60 * number).max() <= 4


def test_a_failed_write_leaves_no_file(tmp_path):
    with pytest.raises((OSError, ValueError, TypeError)):
        write_picture([np.zeros((4, 4, 2), "uint8")], tmp_path / "x.jpg")
    assert list(tmp_path.iterdir()) == []


def test_an_upper_case_ending_is_accepted(tmp_path):
    check_output(tmp_path / "x.PNG", animation.STILL)
