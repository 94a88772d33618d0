import json

import numpy as np
import pytest
from PIL import Image

from keras_see.cli.image_files import check_output
from keras_see.visualization import animation
from keras_see.visualization.animation import write_picture


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
