"""A film that is drawn from raw maps: one range for the whole run."""

import dataclasses

import numpy as np
from PIL import Image, ImageSequence

import keras_see
from keras_see.runs.map_encoding import encoded_pictures
from keras_see.runs.map_films import film_of_maps, map_tags
from keras_see.runs.records import Maps, Tiles
from keras_see.runs.tensorboard import TensorBoard
from keras_see.visualization.map_drawing import HEAT
from keras_see.visualization.sheets import tile_size

STRENGTHS = {-1: 9.0, 0: 1.0, 1: 2.0, 2: 4.0}  # the network before training sets no range


def write(folder):
    writer = TensorBoard(folder)
    for step, strength in STRENGTHS.items():
        about = {
            "title": "Saliency", "style": dataclasses.asdict(HEAT), "order": 0, "sample_images": 5, "limit": strength,
            "when": f"epoch {step + 1}/3" if step >= 0 else "before training",
            "images": [{"lines": [["true: a", None], ["90 % a", True]], "explained": ["for a"]}],
        }  # fmt: skip
        records = {"see/saliency/maps": Maps(np.full((1, 8, 8), strength), about)}
        if step == -1:
            records["see/sample_images/000005"] = Tiles(
                encoded_pictures([np.zeros((8, 8, 3), "uint8")]), {"fingerprint": 5}
            )
        writer.write(step, records)


def brightness(picture):
    """Return the mean of the tile of the map, at the right of a sheet of one image."""
    height, width = tile_size((8, 8))
    return picture[60 : height - 10, -width:].mean()


def test_equal_values_have_equal_colours_in_all_frames(tmp_path):
    write(tmp_path)
    log = keras_see.read(tmp_path)
    frames = dict(film_of_maps(log, map_tags(log)))
    assert list(frames) == list(STRENGTHS)
    seen = {step: brightness(picture) for step, picture in frames.items()}
    assert seen[0] < seen[1] < seen[2] == seen[-1]  # 4 ends the range, and 9 is no brighter


def test_a_run_without_sheets_still_gives_a_film(tmp_path):
    write(tmp_path)
    for name, options in {"a.gif": {}, "b.gif": {"tag": "see/saliency"}}.items():
        keras_see.save_film(tmp_path, tmp_path / name, **options)
        with Image.open(tmp_path / name) as film:
            assert len(list(ImageSequence.Iterator(film))) == len(STRENGTHS)
