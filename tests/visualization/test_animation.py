import json

import numpy as np
import pytest
from PIL import Image, ImageSequence

from keras_see.visualization.animation import ANIMATED, EXIF_DESCRIPTION, EXIF_SOFTWARE, STILL, write_picture

FRAMES = [np.full((8, 9, 3), 60 * number, "uint8") for number in range(4)]


def description(path):
    with Image.open(path) as found:
        if path.suffix == ".png":
            return found.text["Description"], found.text["Software"]
        if path.suffix == ".gif":
            return found.info["comment"].decode(), "keras_see"
        return found.getexif()[EXIF_DESCRIPTION], found.getexif()[EXIF_SOFTWARE]


@pytest.mark.parametrize("ending", STILL)
@pytest.mark.parametrize("channels", [1, 3])
def test_a_picture_is_written_and_read_again(tmp_path, ending, channels):
    pixels = np.full((8, 9, channels), 77, "uint8")
    write_picture([pixels], tmp_path / f"a{ending}")
    with Image.open(tmp_path / f"a{ending}") as found:
        assert found.size == (9, 8)
        assert np.abs(np.asarray(found.convert("RGB")).astype(int) - 77).max() <= 2


@pytest.mark.parametrize("ending", ANIMATED)
def test_frames_are_an_animation_with_their_durations(tmp_path, ending):
    path = tmp_path / f"a{ending}"
    write_picture(FRAMES, path, seconds=[0.2, 0.2, 0.2, 0.8])
    with Image.open(path) as film:
        shades, durations = [], []
        for frame in ImageSequence.Iterator(film):
            frame.load()
            shades.append(np.asarray(frame.convert("RGB"))[4, 4, 0])
            durations.append(frame.info["duration"])
        assert film.info["loop"] == 0
    np.testing.assert_allclose(shades, [0, 60, 120, 180], atol=4)
    np.testing.assert_allclose(durations, [200, 200, 200, 800])


@pytest.mark.parametrize("ending", sorted({*STILL, *ANIMATED}))
def test_metadata_is_json_in_the_description_of_the_file(tmp_path, ending):
    path = tmp_path / f"a{ending}"
    write_picture(FRAMES[:1], path, metadata={"seed": 3, "photo": "hügel.jpg"})
    text, software = description(path)
    assert json.loads(text) == {"seed": 3, "photo": "hügel.jpg"}
    assert software == "keras_see"


def test_an_existing_file_is_replaced_and_nothing_else_is_left(tmp_path):
    path = tmp_path / "a.PNG"
    path.write_text("old")
    write_picture(FRAMES[2:3], path)
    assert [each.name for each in tmp_path.iterdir()] == ["a.PNG"]
    with Image.open(path) as found:
        assert (np.asarray(found) == 120).all()


def test_a_failed_write_keeps_the_old_file_and_leaves_no_other(tmp_path):
    path = tmp_path / "a.jpg"
    path.write_text("old")
    with pytest.raises((OSError, ValueError, TypeError)):
        write_picture([np.zeros((4, 4, 2), "uint8")], path)  # JPEG has no alpha
    assert [each.name for each in tmp_path.iterdir()] == ["a.jpg"]
    assert path.read_text() == "old"


def test_where_the_file_cannot_be_replaced_no_temporary_file_is_left(tmp_path):
    (tmp_path / "a.png").mkdir()
    (tmp_path / "a.png" / "kept").touch()
    with pytest.raises(OSError, match=r"a\.png"):
        write_picture(FRAMES[:1], tmp_path / "a.png")
    assert [each.name for each in tmp_path.iterdir()] == ["a.png"]


def test_quality_is_that_of_the_file(tmp_path):
    noise = [np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype="uint8")]
    for ending in (".jpg", ".webp"):
        write_picture(noise, tmp_path / f"high{ending}")
        write_picture(noise, tmp_path / f"low{ending}", quality=20)
        sizes = [(tmp_path / f"{name}{ending}").stat().st_size for name in ("low", "high")]
        assert sizes[0] < sizes[1] / 2
