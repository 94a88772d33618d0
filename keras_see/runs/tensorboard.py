"""TensorBoard: write and read its event files, without TensorFlow, and serve a folder of them."""

from __future__ import annotations

import contextlib
import io
import itertools
import os
import socket
import struct
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import google_crc32c
import numpy as np
from PIL import Image
from tensorboard.compat.proto import event_pb2, summary_pb2, tensor_pb2, types_pb2
from tensorboard.plugins.image import metadata as image_metadata
from tensorboard.plugins.scalar import metadata as scalar_metadata
from tensorboard.plugins.text import metadata as text_metadata

from keras_see.runs.records import Number, Picture, Record

if TYPE_CHECKING:  # `keras-see board` imports this file and no framework
    from keras_see._types import PathLike

SUFFIX = ".keras_see"

_NUMBERS = itertools.count()


class TensorBoard:
    """Writes a run's records into one event file of a folder that TensorBoard shows.

    The file is made by the first record, is open only while it is written to, and can be read to its last whole record
    at any time; what a full disk left of a record is cut off by the next.

    `tensorboard`'s own writer would import TensorFlow wherever that is installed, and count checksums in Python.

    Args:
        log_dir: The folder.
    """

    def __init__(self, log_dir: PathLike) -> None:
        self.folder = Path(log_dir)
        self._name, self._length = None, 0
        self._found: dict = {}  # path -> its size when it was read, and what was found

    def write(self, step: int, records: Mapping[str, Record]) -> int:
        """Write the records of one step, tag -> record, and return how many bytes that took."""
        if self._name is None or not (self.folder / self._name).exists():
            self._start()
        values = [_summary(tag, record) for tag, record in records.items()]
        event = event_pb2.Event(wall_time=time.time(), step=step, summary=summary_pb2.Summary(value=values))
        return self._append(event)

    def last_step(self, prefix: str) -> int | None:
        """Return the last step that keras_see wrote in this folder under tags with this prefix, or None."""
        return max((step for tag, step in self.last_steps().items() if tag.startswith(prefix)), default=None)

    def last_steps(self) -> dict[str, int]:
        """Return each tag that keras_see wrote in this folder, with its last step."""
        return {tag: step for tag, (step, _) in self._last().items()}

    def last_number(self, tag: str) -> float | None:
        """Return the number last written in this folder under a tag, or None."""
        _, number = self._last().get(tag, (None, None))
        return number

    def close(self) -> None:
        """Do nothing: the file is closed after each step."""

    def _last(self):
        """Return tag -> `(step, number)` of what was written last; the number is None where that is none."""
        last: dict = {}
        for path in sorted(self.folder.glob(f"*tfevents*{SUFFIX}")):
            for tag, (step, number) in self._last_in(path).items():
                if step >= last.get(tag, (step, None))[0]:
                    last[tag] = step, number
        return last

    def _last_in(self, path):
        """Return the like of one file, which is read only if it has grown since."""
        size = path.stat().st_size
        if self._found.get(path, (None, None))[0] != size:
            last: dict = {}
            for event in events(path):
                for value in event.summary.value:
                    if event.step >= last.get(value.tag, (event.step, None))[0]:
                        last[value.tag] = event.step, _number(value)
            self._found[path] = size, last
        return self._found[path][1]

    def _start(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        # TensorBoard reads the files of a folder in the order of their names.
        moment, host = f"{time.time():.6f}".replace(".", ""), socket.gethostname()
        name = f"events.out.tfevents.{moment[:10]}.{moment[10:]}.{host}.{os.getpid()}.{next(_NUMBERS)}{SUFFIX}"
        self._name, self._length = name, 0
        self._append(event_pb2.Event(wall_time=time.time(), file_version="brain.Event:2"))

    def _append(self, event):
        data = event.SerializeToString()
        length = struct.pack("<Q", len(data))
        record = length + _checksum(length) + data + _checksum(data)
        with (self.folder / self._name).open("ab") as file:
            file.truncate(self._length)  # what a full disk left of an event
            file.write(record)
        self._length += len(record)
        return len(record)


def events(path):
    """Yield the events of a file up to its end or to the first that is cut off or damaged."""
    with Path(path).open("rb") as file:
        while len(header := file.read(12)) == 12 and _checksum(header[:8]) == header[8:]:
            data = file.read(struct.unpack("<Q", header[:8])[0])
            if _checksum(data) != file.read(4):
                return
            yield event_pb2.Event.FromString(data)


def to_jpeg(image):
    """Return the bytes of an image as JPEG: of photographs a fifth of a PNG, encoded 30 times as fast."""
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=80)
    return buffer.getvalue()


class ServingError(Exception):
    """TensorBoard does not start; the message says why."""


def serve(log_dir, port=None):
    """Start TensorBoard in this process, on another thread, and return its address.

    Args:
        log_dir: The folder to show.
        port: The port to use, or None for the first free one from 6006.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorBoard imports TensorFlow where that is installed
    with contextlib.redirect_stderr(io.StringIO()):
        from tensorboard import program

        board = program.TensorBoard()
        # TensorBoard keeps ten images per tag, chosen at random, unless told otherwise.
        board.configure(logdir=log_dir, port=port, samples_per_plugin={"images": 1000})
        try:
            return board.launch()
        except program.TensorBoardServerException as error:
            raise ServingError(error.msg) from error


def _summary(tag, record):
    """Return a record as a summary of TensorBoard's."""
    if isinstance(record, Picture):
        size = [str(side).encode() for side in record.image.size]
        metadata = image_metadata.create_summary_metadata(display_name=None, description=record.description)
        return summary_pb2.Summary.Value(tag=tag, tensor=_strings([*size, to_jpeg(record.image)]), metadata=metadata)
    if isinstance(record, Number):
        metadata = scalar_metadata.create_summary_metadata(display_name=None, description=record.description)
        if not record.is_curve:
            metadata.plugin_data.plugin_name = "keras_see"  # no plugin of TensorBoard displays it
        tensor = tensor_pb2.TensorProto(dtype=types_pb2.DT_FLOAT, float_val=[record.value], tensor_shape={})
        return summary_pb2.Summary.Value(tag=tag, tensor=tensor, metadata=metadata)
    metadata = text_metadata.create_summary_metadata(display_name=None, description="")
    text = record.markdown.encode("utf-8", "replace")  # what an error says may hold half of a surrogate pair
    return summary_pb2.Summary.Value(tag=tag, tensor=_strings([text], ()), metadata=metadata)


def _strings(values, shape=None):
    sizes = {} if shape == () else {"dim": [{"size": len(values)}]}
    return tensor_pb2.TensorProto(dtype=types_pb2.DT_STRING, string_val=values, tensor_shape=sizes)


def _number(value):
    """Return a summary's number, or None if it is none."""
    if value.HasField("tensor") and value.tensor.dtype == types_pb2.DT_FLOAT:
        return decoded(value)
    return None


def is_readable(value):
    """Return whether a summary is a picture, a number or a text."""
    if value.WhichOneof("value") in ("simple_value", "image"):
        return True
    return value.HasField("tensor") and value.tensor.dtype in (types_pb2.DT_STRING, types_pb2.DT_FLOAT)


def decoded(value):
    """Return a summary's picture (a tuple where it holds several), number or text."""
    if value.HasField("simple_value"):
        return value.simple_value
    if value.HasField("image"):
        return _picture(value.image.encoded_image_string)
    tensor = value.tensor
    if tensor.dtype == types_pb2.DT_FLOAT:
        numbers = np.frombuffer(tensor.tensor_content, "<f4") if tensor.tensor_content else np.array(tensor.float_val)
        return float(numbers[0]) if numbers.size == 1 else numbers
    if len(tensor.string_val) > 2 and tensor.string_val[0].isdigit() and tensor.string_val[1].isdigit():
        pictures = tuple(_picture(encoded) for encoded in tensor.string_val[2:])
        return pictures[0] if len(pictures) == 1 else pictures
    return "\n".join(string.decode("utf-8", "replace") for string in tensor.string_val)


def _picture(encoded):
    return np.asarray(Image.open(io.BytesIO(encoded)).convert("RGB"))


def _checksum(data):
    """Return the masked CRC32C of the TFRecord format: rotated right by 15 bits plus a constant."""
    crc = google_crc32c.value(data)
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)
