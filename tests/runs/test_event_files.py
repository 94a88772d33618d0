"""Event files: their names, and what is odd, damaged or hostile: read to the damage, and never the end of a `fit`."""

import contextlib
import io
import logging
import os
import re
import socket
import struct
import time

import keras
import numpy as np
import pytest
from PIL import Image
from tensorboard.backend.event_processing.directory_watcher import DirectoryWatcher
from tensorboard.backend.event_processing.event_file_loader import EventFileLoader
from tensorboard.compat.proto import event_pb2, summary_pb2, tensor_pb2, types_pb2

import keras_see
from keras_see.callbacks import Saliency
from keras_see.runs.event_files import event_files, next_name
from keras_see.runs.records import Number, Picture
from keras_see.runs.run_writer import run_writer_at
from keras_see.runs.tensorboard import TensorBoard, events

ODD = "events.out.tfevents.1700000000.odd.keras_see"


def crc32c(data):
    """CRC32C by its definition, bit by bit."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def masked(data):
    crc = crc32c(data)
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)


def framed(data, length=None):
    header = struct.pack("<Q", len(data) if length is None else length)
    return header + masked(header) + data + masked(data)


def event(tag, step, **value):
    summary = summary_pb2.Summary(value=[summary_pb2.Summary.Value(tag=tag, **value)])
    return framed(event_pb2.Event(step=step, summary=summary).SerializeToString())


def strings(*values):
    return tensor_pb2.TensorProto(dtype=types_pb2.DT_STRING, string_val=values)


def png(width, height):
    buffer = io.BytesIO()
    Image.new("1", (width, height)).save(buffer, "PNG")
    return buffer.getvalue()


def fit(folder, *others, epochs=3):
    model = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Flatten(), keras.layers.Dense(2)])
    model.compile("sgd", "mse")
    x = np.random.default_rng(0).random((4, 8, 8, 3)).astype("float32")
    callback = Saliency(folder, x[:2])
    model.fit(x, np.zeros((4, 2)), epochs=epochs, callbacks=[*others, callback], verbose=0)
    return callback


def ours(caplog):
    return [record.getMessage() for record in caplog.records if record.name == "keras_see"]


def steps(folder):
    return [step for step, _ in keras_see.read(folder)["see/saliency"]]


def test_a_name_has_whole_seconds_and_the_machine_as_trackers_expect(tmp_path):
    before = int(time.time())
    TensorBoard(tmp_path).write(0, {"a": Number(1.0)})
    (path,) = tmp_path.iterdir()
    found = re.match(rf"events\.out\.tfevents\.(\d+)\.{re.escape(socket.gethostname())}\.{os.getpid()}\.\d", path.name)
    assert before <= int(found[1]) <= time.time()


def test_names_follow_each_other_in_one_moment_and_after_the_clock_was_set_back(tmp_path, monkeypatch):
    names = []
    for moment in (1700000000.5, 1700000000.5, 1700000000.9, 1600000000.0, 1600000000.0, 1700000009.0):
        monkeypatch.setattr(time, "time", lambda moment=moment: moment)
        names.append(next_name(names))
    assert names == sorted(names)
    assert len({*names}) == len(names)
    assert names[0].startswith("events.out.tfevents.1700000000.")
    assert names[-1].startswith("events.out.tfevents.1700000009.")


def test_tensorboard_reads_what_was_written_after_the_clock_was_set_back_last(tmp_path, monkeypatch):
    now = time.time()
    for step, moment in enumerate((now, now - 3600, now - 7200)):
        monkeypatch.setattr(time, "time", lambda moment=moment: moment)
        TensorBoard(tmp_path).write(step, {"a": Number(step)})
    read = DirectoryWatcher(str(tmp_path), EventFileLoader).Load()
    assert [event.step for event in read if event.summary.value] == [0, 1, 2]


def test_a_time_that_no_name_can_follow_is_passed_over():
    assert next_name(["events.out.tfevents.99999999999999999999.x", "events.out.tfevents", "zzz"])


DAMAGE = {
    "a false length": framed(b"x", length=2**40),
    "a length beyond 63 bits": framed(b"x", length=2**64 - 1),
    "a whole record that is no event": framed(b"\xff\xff\xff\xff"),
    "a header alone": framed(b"xyz")[:12],
    "half a header": b"\x07" * 7,
    "zeros": bytes(64),
    "text": b"these are notes about events\n" * 3,
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_file_is_read_to_its_damage(tmp_path, damage):
    path = tmp_path / ODD
    path.write_bytes(event("see/saliency/peak", 3, simple_value=0.5) + DAMAGE[damage] + event("b", 4, simple_value=1.0))
    assert [each.step for each in events(path)] == [3]
    assert dict(keras_see.read(tmp_path)) == {"see/saliency/peak": [(3, 0.5)]}
    assert TensorBoard(tmp_path).last_step("see/") == 3


def make_pipe(path):
    if not hasattr(os, "mkfifo"):
        pytest.skip("this system has no named pipes")
    os.mkfifo(path)


def make_loop(path):
    path.symlink_to(path)


ODD_FILES = {
    "a folder": lambda path: path.mkdir(),
    "a pipe": make_pipe,
    "a link to itself": make_loop,
    "an empty file": lambda path: path.touch(),
    "false length": lambda path: path.write_bytes(framed(b"x", length=2**40)),
    "no event": lambda path: path.write_bytes(framed(b"\xff\xff\xff\xff")),
    "a range that is text": lambda path: path.write_bytes(event("see/saliency/range", -5, tensor=strings(b"wide"))),
    "a range below zero": lambda path: path.write_bytes(event("see/saliency/range", -5, simple_value=-1.0)),
    "a range that is not finite": lambda path: path.write_bytes(event("see/saliency/range", -5, simple_value=np.inf)),
    "a step beyond all others": lambda path: path.write_bytes(event("see/saliency", 2**62, simple_value=1.0)),
}


@pytest.mark.parametrize("kind", ODD_FILES)
def test_an_odd_file_in_the_folder_stops_neither_a_training_nor_the_reading(tmp_path, kind):
    ODD_FILES[kind](tmp_path / ODD)
    callback = fit(tmp_path, epochs=2)
    assert not callback.failures
    assert [step for step in steps(tmp_path) if 0 <= step < 2**40] == [0, 1]


def test_only_what_can_be_read_to_an_end_is_an_event_file(tmp_path):
    for name, make in list(ODD_FILES.items())[:4]:
        make(tmp_path / f"events.tfevents.{name}")
    assert [path.name for path in event_files(tmp_path)] == ["events.tfevents.an empty file"]


@pytest.mark.parametrize("picture", [png(13000, 13000), png(20000, 20000), b"no picture", png(3, 2)[:40]])
def test_a_picture_that_is_too_large_or_damaged_is_left_out_and_told(tmp_path, caplog, picture):
    pictures = [png(3, 2), picture, png(3, 2)]
    data = b"".join(event("a", step, tensor=strings(b"3", b"2", each)) for step, each in enumerate(pictures))
    (tmp_path / ODD).write_bytes(data)
    assert [(step, value.shape) for step, value in keras_see.read(tmp_path)["a"]] == [(0, (2, 3, 3)), (2, (2, 3, 3))]
    (line,) = ours(caplog)
    assert line.startswith("a at step 1 cannot be read")


def test_a_number_of_broken_length_is_left_out(tmp_path):
    tensor = tensor_pb2.TensorProto(dtype=types_pb2.DT_FLOAT, tensor_content=b"abc")
    (tmp_path / ODD).write_bytes(event("a", 0, tensor=tensor) + event("a", 1, simple_value=2.0))
    assert keras_see.read(tmp_path)["a"] == [(1, 2.0)]


class Between(keras.callbacks.Callback):
    """Does something to the folder before the third epoch, once all before it is written."""

    def __init__(self, folder, harm):
        super().__init__()
        self.folder, self.harm, self.writer = folder, harm, run_writer_at(folder)

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 2:
            self.writer.drain()
            self.harm(self.folder)


def cut(folder):
    (path,) = folder.glob("*tfevents*")
    os.truncate(path, path.stat().st_size - 30)


def remove(folder):
    for path in folder.iterdir():
        path.unlink()
    with contextlib.suppress(OSError):
        folder.rmdir()


@pytest.mark.parametrize(("harm", "left", "told"), [(cut, [-1, 0], "was cut off"), (remove, [], "was removed")])
def test_a_file_harmed_from_outside_costs_what_it_held_and_is_told_in_one_line(tmp_path, caplog, harm, left, told):
    with caplog.at_level(logging.WARNING):
        callback = fit(tmp_path / "logs", Between(tmp_path / "logs", harm), epochs=5)
    assert not callback.failures
    assert steps(tmp_path / "logs") == [*left, 2, 3, 4]
    assert [told in line for line in ours(caplog)] == [True]


def test_what_others_appended_is_cut_off_and_the_file_goes_on(tmp_path):
    writer = TensorBoard(tmp_path)
    writer.write(0, {"a": Picture(Image.new("RGB", (4, 4)))})
    (path,) = tmp_path.iterdir()
    path.write_bytes(path.read_bytes() + b"noise")
    writer.write(1, {"a": Picture(Image.new("RGB", (4, 4)))})
    assert [step for step, _ in keras_see.read(tmp_path)["a"]] == [0, 1]
    assert list(tmp_path.iterdir()) == [path]
