import io
import struct

import keras
import numpy as np
import pytest
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.compat.tensorflow_stub.pywrap_tensorflow import PyRecordReader_New

import keras_see
from keras_see.runs import tensorboard
from keras_see.runs.records import Number, Picture, Text
from keras_see.runs.tensorboard import TensorBoard, events


def red(shade):
    return Image.new("RGB", (6, 4), (shade, 0, 0))


def records(step):
    picture = Picture(red(100 * (step + 1)), "**what** it shows")
    return {"see/saliency": picture, "see/saliency/peak": Number(step / 2), "see/status": Text("*fine*")}


def write(folder, steps=(-1, 0, 1)):
    file = TensorBoard(folder)
    for step in steps:
        file.write(step, records(step))
    return file


def decoded(image):
    return np.asarray(Image.open(io.BytesIO(image)).convert("RGB"), int)


def path_in(folder):
    (path,) = folder.glob("*tfevents*")
    return path


def test_tensorboard_itself_reads_tags_steps_pictures_and_descriptions(tmp_path):
    write(tmp_path)
    board = EventAccumulator(str(tmp_path), size_guidance={"tensors": 0}).Reload()
    assert set(board.Tags()["tensors"]) == {"see/saliency", "see/saliency/peak", "see/status"}
    assert [event.step for event in board.Tensors("see/saliency")] == [-1, 0, 1]
    width, height, image = board.Tensors("see/saliency")[2].tensor_proto.string_val
    assert (width, height) == (b"6", b"4")
    np.testing.assert_allclose(decoded(image), np.asarray(red(200)), atol=3)
    assert board.SummaryMetadata("see/saliency").summary_description == "**what** it shows"
    assert board.SummaryMetadata("see/saliency").plugin_data.plugin_name == "images"
    assert board.Tensors("see/saliency/peak")[2].tensor_proto.float_val == [0.5]


def test_checksums_are_those_that_tensorboard_counts(tmp_path):
    write(tmp_path)
    reader = PyRecordReader_New(str(path_in(tmp_path)))  # raises where a checksum is wrong
    for _ in range(4):
        reader.GetNext()


def test_read_gives_back_what_was_written(tmp_path):
    write(tmp_path)
    found = keras_see.read(tmp_path)
    assert list(found) == ["see/saliency", "see/saliency/peak", "see/status"]
    assert [step for step, _ in found["see/saliency"]] == [-1, 0, 1]
    assert found["see/saliency"][2][1].dtype == np.uint8
    np.testing.assert_allclose(found["see/saliency"][2][1].astype(int), np.asarray(red(200)), atol=3)
    assert found["see/saliency/peak"] == [(-1, -0.5), (0, 0.0), (1, 0.5)]
    assert found["see/status"][0] == (-1, "*fine*")
    assert "see/saliency: 3 steps, -1 to 1" in repr(found)


def test_read_keeps_to_the_tags_asked_for_and_refuses_no_folder(tmp_path):
    write(tmp_path)
    assert list(keras_see.read(tmp_path, "see/status")) == ["see/status"]
    assert list(keras_see.read(tmp_path, ["see/status", "other"])) == ["see/status"]
    with pytest.raises(FileNotFoundError, match="There is no folder"):
        keras_see.read(tmp_path / "none")


def test_sub_runs_are_prefixed_and_the_last_write_of_a_step_wins(tmp_path):
    TensorBoard(tmp_path / "train").write(0, {"epoch_loss": Number(1.0)})
    file = TensorBoard(tmp_path)
    for value in (1.0, 2.0):
        file.write(3, {"a": Number(value)})
    assert dict(keras_see.read(tmp_path)) == {"train/epoch_loss": [(0, 1.0)], "a": [(3, 2.0)]}


@pytest.mark.parametrize("cut", [1, 5, 20])
def test_a_file_cut_off_in_an_event_gives_what_was_whole(tmp_path, cut):
    write(tmp_path)
    data = path_in(tmp_path).read_bytes()
    path_in(tmp_path).write_bytes(data[:-cut])
    assert [step for step, _ in keras_see.read(tmp_path)["see/saliency"]] == [-1, 0]


def test_a_damaged_event_ends_the_reading(tmp_path):
    write(tmp_path)
    data = bytearray(path_in(tmp_path).read_bytes())
    data[len(data) // 2] ^= 255
    path_in(tmp_path).write_bytes(bytes(data))
    assert 1 <= len(list(events(path_in(tmp_path)))) < 4


def test_what_a_full_disk_left_of_an_event_is_cut_off_by_the_next(tmp_path):
    file = write(tmp_path)
    with path_in(tmp_path).open("ab") as handle:
        handle.write(struct.pack("<Q", 999) + b"half an ev")
    file.write(2, {"a": Number(1.0)})
    assert keras_see.read(tmp_path)["a"] == [(2, 1.0)]


def test_a_removed_file_is_begun_anew(tmp_path):
    file = write(tmp_path / "logs")
    path_in(tmp_path / "logs").unlink()
    (tmp_path / "logs").rmdir()
    file.write(5, {"a": Number(1.0)})
    assert keras_see.read(tmp_path / "logs")["a"] == [(5, 1.0)]


def test_the_last_step_is_that_of_our_own_files_and_of_the_prefix(tmp_path):
    assert TensorBoard(tmp_path).last_step("see/") is None
    write(tmp_path)
    TensorBoard(tmp_path / "train").write(9, {"see/a": Number(1.0)})
    assert TensorBoard(tmp_path).last_step("see/") == 1
    assert TensorBoard(tmp_path).last_step("see/b/") is None


def test_the_number_last_written_is_found_and_one_that_is_no_curve_belongs_to_no_plugin_of_tensorboard(tmp_path):
    file = TensorBoard(tmp_path)
    assert file.last_number("see/cam/range") is None
    for step, value in enumerate((0.5, 2.0)):
        file.write(step, {"see/cam/range": Number(value, is_curve=False), "see/cam/peak": Number(value)})
    assert file.last_number("see/cam/range") == 2.0
    board = EventAccumulator(str(tmp_path), size_guidance={"tensors": 0}).Reload()
    assert board.SummaryMetadata("see/cam/range").plugin_data.plugin_name == "keras_see"
    assert board.SummaryMetadata("see/cam/peak").plugin_data.plugin_name == "scalars"


def test_the_bytes_told_are_those_that_the_file_grows_by(tmp_path):
    file = TensorBoard(tmp_path)
    file.write(0, records(0))
    before = path_in(tmp_path).stat().st_size
    assert file.write(1, records(1)) == path_in(tmp_path).stat().st_size - before


def test_half_of_a_surrogate_pair_in_a_text_is_written_as_a_question_mark(tmp_path):
    TensorBoard(tmp_path).write(0, {"see/status": Text("odd \ud800")})
    assert keras_see.read(tmp_path)["see/status"] == [(0, "odd ?")]


@pytest.mark.backends("tensorflow")
def test_the_curves_of_keras_are_read_too(tmp_path):
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    board = keras.callbacks.TensorBoard(tmp_path)
    history = model.fit(np.ones((4, 2)), np.ones((4, 1)), epochs=2, callbacks=[board], verbose=0)
    curve = [value for _, value in keras_see.read(tmp_path)["train/epoch_loss"]]
    np.testing.assert_allclose(curve, history.history["loss"], rtol=1e-5)


def test_what_was_written_last_is_read_once_for_all_tags(tmp_path, monkeypatch):
    TensorBoard(tmp_path).write(
        0, {f"see/{number}": Number(number) for number in range(5)} | {"see/picture": Picture(red(9))}
    )
    TensorBoard(tmp_path).write(3, {"see/1": Number(11)})
    read_files, events = [], tensorboard.events
    monkeypatch.setattr(tensorboard, "events", lambda path: read_files.append(path) or events(path))
    writer = TensorBoard(tmp_path)
    assert [writer.last_number(f"see/{number}") for number in range(5)] == [0, 11, 2, 3, 4]
    assert writer.last_number("see/picture") is None
    assert writer.last_step("see/1") == 3
    assert len(read_files) == 2
    writer.write(4, {"see/1": Number(12)})
    assert (writer.last_number("see/1"), writer.last_step("see/")) == (12, 4)
    assert len(read_files) == 3
