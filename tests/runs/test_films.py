import numpy as np
import pytest
from PIL import Image, ImageSequence

from keras_see import read, save_film
from keras_see.runs.records import Number, Picture
from keras_see.runs.tensorboard import TensorBoard

SHADES = (10, 120, 250)


def write(folder, tags=("see/grad_cam",)):
    file = TensorBoard(folder)
    for step, shade in enumerate(SHADES):
        picture = Picture(Image.new("RGB", (20, 10 + step), (shade, shade, shade)))
        file.write(step, dict.fromkeys(tags, picture) | {"see/grad_cam/peak": Number(1.0)})


def shades(path):
    with Image.open(path) as film:
        return [frame.convert("RGB").getpixel((5, 5))[0] for frame in ImageSequence.Iterator(film)]


@pytest.mark.parametrize("ending", ["gif", "webp", "png"])
def test_a_film_shows_the_pictures_in_the_order_of_steps(tmp_path, ending):
    write(tmp_path)
    save_film(tmp_path, tmp_path / f"film.{ending}")
    np.testing.assert_allclose(shades(tmp_path / f"film.{ending}"), SHADES, atol=3)


def test_a_film_can_be_saved_from_what_read_returned_or_from_a_list(tmp_path):
    write(tmp_path, ("see/grad_cam", "see/cam"))
    log = read(tmp_path)
    save_film(log, tmp_path / "a.gif", tag="see/cam")
    save_film(log["see/cam"][:2], tmp_path / "b.gif")
    np.testing.assert_allclose(shades(tmp_path / "a.gif"), SHADES, atol=3)
    np.testing.assert_allclose(shades(tmp_path / "b.gif"), SHADES[:2], atol=3)


def test_an_unknown_tag_is_refused_with_the_known_ones(tmp_path):
    write(tmp_path, ("see/grad_cam", "see/cam"))
    for tag in (None, "see/saliency"):
        with pytest.raises(ValueError, match="see/cam, see/grad_cam"):
            save_film(tmp_path, tmp_path / "film.gif", tag=tag)
    with pytest.raises(ValueError, match=r"see/cam, see/grad_cam\. Got .see/grad_cam/peak"):
        save_film(tmp_path, tmp_path / "film.gif", tag="see/grad_cam/peak")
    with pytest.raises(ValueError, match=r"end in \.gif"):
        save_film(tmp_path, tmp_path / "film.mp4", tag="see/cam")


def test_the_last_step_is_shown_four_times_as_long(tmp_path):
    save_film([(step, np.full((8, 8, 3), shade, "uint8")) for step, shade in enumerate(SHADES)], tmp_path / "a.gif")
    with Image.open(tmp_path / "a.gif") as film:
        assert [frame.info["duration"] for frame in ImageSequence.Iterator(film)] == [400, 400, 1600]


def test_an_existing_film_is_overwritten(tmp_path):
    for count in (3, 2):
        pictures = [(step, np.full((8, 8, 3), shade, "uint8")) for step, shade in enumerate(SHADES[:count])]
        save_film(pictures, str(tmp_path / "film.webp"))
    np.testing.assert_allclose(shades(tmp_path / "film.webp"), SHADES[:2], atol=3)
    assert [path.name for path in tmp_path.iterdir()] == ["film.webp"]


def test_smaller_pictures_lie_at_the_top_left_on_white(tmp_path):
    save_film([(0, np.zeros((8, 8, 3), "uint8")), (1, np.zeros((12, 16, 3), "uint8"))], tmp_path / "film.png")
    with Image.open(tmp_path / "film.png") as film:
        first = np.asarray(film.convert("RGB"))
    assert first.shape == (12, 16, 3)
    assert (first[:8, :8] == 0).all()
    assert (first[8:] == 255).all()
    assert (first[:, 8:] == 255).all()


@pytest.mark.parametrize("tag", ["see/grad_cam", None])
def test_each_picture_is_decoded_once(tmp_path, monkeypatch, tag):
    write(tmp_path)
    opened, open_ = [], Image.open
    monkeypatch.setattr(Image, "open", lambda file: opened.append(file) or open_(file))
    save_film(tmp_path, tmp_path / "film.gif", tag=tag)
    assert len(opened) == len(SHADES)
