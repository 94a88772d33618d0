import json

import numpy as np
import pytest
from PIL import Image

import keras_see
from keras_see.runs.records import Number, Picture, Text
from keras_see.writers import Folder


def records(step):
    picture = Picture(Image.new("RGB", (6, 4), (10 * step + 20, 0, 0)), "what it shows")
    return {"see/grad_cam": picture, "see/grad_cam/peak": Number(step / 2), "see/status": Text("*fine*")}


def lines(folder):
    return [json.loads(line) for line in (folder / "records.jsonl").read_text().splitlines()]


def test_pictures_are_png_files_in_the_order_of_steps_and_the_rest_are_lines(tmp_path):
    writer = Folder(tmp_path)
    for step in (-1, 0, 1):
        writer.write(step, records(step))
    files = sorted(path.name for path in (tmp_path / "see" / "grad_cam").iterdir())
    assert files == ["-0001.png", "00000.png", "00001.png"]
    with Image.open(tmp_path / "see" / "grad_cam" / "00001.png") as found:
        np.testing.assert_array_equal(np.asarray(found), np.full((4, 6, 3), (30, 0, 0), "uint8"))
    last = lines(tmp_path)[-3:]
    assert last[0] == {
        "step": 1,
        "tag": "see/grad_cam",
        "file": "see/grad_cam/00001.png",
        "description": "what it shows",
    }
    assert (last[1]["tag"], last[1]["value"]) == ("see/grad_cam/peak", 0.5)
    assert last[2] == {"step": 1, "tag": "see/status", "text": "*fine*"}


def test_the_last_step_and_number_are_found_again_by_another_writer(tmp_path):
    assert Folder(tmp_path).last_step("see/") is None
    assert Folder(tmp_path).last_number("see/grad_cam/peak") is None
    Folder(tmp_path).write(3, records(3))
    Folder(tmp_path).write(4, {"other": Number(1.0)})
    assert Folder(tmp_path).last_step("see/") == 3
    assert Folder(tmp_path).last_number("see/grad_cam/peak") == 1.5


def test_the_bytes_told_are_those_of_all_files(tmp_path):
    writer = Folder(tmp_path)
    told = sum(writer.write(step, records(step)) for step in range(3))
    assert told == sum(path.stat().st_size for path in tmp_path.rglob("*") if path.is_file())


def test_a_line_that_was_cut_off_costs_only_itself(tmp_path):
    writer = Folder(tmp_path)
    writer.write(0, records(0))
    whole = (tmp_path / "records.jsonl").read_bytes()
    (tmp_path / "records.jsonl").write_bytes(whole[:-9])
    assert writer.last_number("see/grad_cam/peak") == 0.0
    writer.write(1, {"see/grad_cam/peak": Number(0.25)})
    assert writer.last_number("see/grad_cam/peak") == 0.25
    assert writer.last_step("see/") == 1


def test_numbers_that_are_not_finite_are_null(tmp_path):
    Folder(tmp_path).write(0, {"a": Number(float("nan")), "b": Number(float("inf"))})
    assert [line["value"] for line in lines(tmp_path)] == [None, None]


def test_tags_with_layers_make_names_that_every_system_takes(tmp_path):
    Folder(tmp_path).write(0, {"see/grad_cam@conv#1": records(0)["see/grad_cam"]})
    assert (tmp_path / "see" / "grad_cam_at_conv_call_1" / "00000.png").is_file()


def test_something_else_than_a_path_is_refused():
    with pytest.raises(TypeError, match=r"`path` must be the path of a folder\. Got None\."):
        Folder(None)


def test_a_relative_folder_is_that_of_when_the_writer_was_made(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    writer = keras_see.writers.Folder("here")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    writer.write(0, {"a": Number(1.0)})
    assert (tmp_path / "here" / "records.jsonl").is_file()
