"""TensorBoard: write and read its event files, without TensorFlow, and serve a folder of them."""

from __future__ import annotations

import contextlib
import io
import logging
import math
import os
import struct
import time
import warnings
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import google_crc32c
import numpy as np
from google.protobuf.message import DecodeError
from PIL import Image
from tensorboard.compat.proto import event_pb2, summary_pb2, tensor_pb2, types_pb2
from tensorboard.plugins.image import metadata as image_metadata
from tensorboard.plugins.scalar import metadata as scalar_metadata
from tensorboard.plugins.text import metadata as text_metadata

from keras_see._validation import shown
from keras_see.runs.event_files import SUFFIX, event_files, is_address, next_name
from keras_see.runs.records import Number, Picture, Record
from keras_see.runs.remote import RemoteFolder, RemoteRun

if TYPE_CHECKING:  # `keras-see board` imports this file and no framework
    from keras_see._types import PathLike

_LOGGER = logging.getLogger("keras_see")

# The most bytes of one record that are read: a step with all its sheets has a few MB.
LONGEST_RECORD = 2**30

# Steps beyond are taken for damage. Epochs and batches stay far below.
HIGHEST_STEP = 2**48


class TensorBoard:
    """Writes a run's records into one event file of a folder that TensorBoard shows.

    The file is made by the first record, is open only while it is written to, and can be read to its last whole record
    at any time; what a full disk left of a record is cut off by the next.

    `tensorboard`'s own writer would import TensorFlow wherever that is installed, and count checksums in Python.

    Args:
        log_dir: The folder; or the address of a remote one, into which each flush is a file of its own.
    """

    def __init__(self, log_dir: PathLike) -> None:
        self.folder = Path(log_dir)
        self._name, self._length = None, 0
        self._remote = RemoteRun(log_dir, _framed, _first_event) if is_address(log_dir) else None

    def write(self, step: int, records: Mapping[str, Record]) -> int:
        """Write the records of one step, tag -> record, and return how many bytes that took."""
        if self._remote is None and (self._name is None or self._is_damaged()):
            self._start()
        values = [_summary(tag, record) for tag, record in records.items()]
        event = event_pb2.Event(wall_time=time.time(), step=step, summary=summary_pb2.Summary(value=values))
        return self._append(event) if self._remote is None else self._remote.add(event)

    def last_step(self, prefix: str) -> int | None:
        """Return the last step that keras_see wrote in this folder under tags with this prefix, or None."""
        return max((step for tag, step in self.last_steps().items() if tag.startswith(prefix)), default=None)

    def last_steps(self) -> dict[str, int]:
        """Return each tag that keras_see wrote in this folder, with its last step."""
        steps: dict[str, int] = {}
        for _, file in _files(self.folder, f"*tfevents*{SUFFIX}", below=False):
            for event in events(file):
                for value in event.summary.value if abs(event.step) < HIGHEST_STEP else ():
                    steps[value.tag] = max(event.step, steps.get(value.tag, event.step))
        return steps

    def last_number(self, tag: str) -> float | None:
        """Return the number last written in this folder under a tag, or None."""
        values = read(self.folder, tag).get(tag, ())
        numbers = [value for _, value in values if isinstance(value, float) and math.isfinite(value)]
        return numbers[-1] if numbers else None

    def flush(self) -> None:
        """Wait until what a slow network holds up is written."""
        if self._remote is not None:
            self._remote.flush()

    def close(self) -> None:
        """Finish writing."""
        self.flush()

    def _start(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        self._name, self._length = next_name([path.name for path in self.folder.glob("*tfevents*")]), 0
        self._append(_first_event())

    def _is_damaged(self):
        """Return whether the file is gone or shorter than what was written; that is told, and a new one goes on."""
        path = self.folder / self._name
        try:
            length = path.stat().st_size
        except FileNotFoundError:
            length = None
        if length is not None and length >= self._length:
            return False
        what = "was removed" if length is None else "was cut off by another program"
        _LOGGER.warning("The event file %r %s: earlier steps are lost, and a new file is begun.", str(path), what)
        return True

    def _append(self, event):
        record = _framed(event)
        with (self.folder / self._name).open("ab") as file:
            file.truncate(self._length)  # what a full disk left of an event
            file.write(record)
        self._length += len(record)
        return len(record)


def _first_event():
    return event_pb2.Event(wall_time=time.time(), file_version="brain.Event:2")


def _framed(event):
    """Return the bytes of an event in its file: its length and itself, each with a checksum."""
    data = event.SerializeToString()
    length = struct.pack("<Q", len(data))
    return length + _checksum(length) + data + _checksum(data)


def _files(folder, pattern="*tfevents*", below=True):
    """Return the event files of a local or remote folder as pairs: the path of its run, and what opens it."""
    if is_address(folder):
        return RemoteFolder(folder).event_files(pattern, below)
    paths = event_files(folder, pattern, below)
    return [(path.parent.relative_to(folder).as_posix(), path) for path in paths]


def events(path):
    """Yield the events of a file up to its end or to the first that is cut off or damaged."""
    with path.open("rb") as file:
        left = file.seek(0, os.SEEK_END)
        file.seek(0)
        while len(header := file.read(12)) == 12 and _checksum(header[:8]) == header[8:]:
            length = struct.unpack("<Q", header[:8])[0]
            left -= length + 16
            if left < 0 or length > LONGEST_RECORD:
                return
            data = file.read(length)
            if _checksum(data) != file.read(4):
                return
            try:
                yield event_pb2.Event.FromString(data)
            except DecodeError:
                return


def read(log_dir: PathLike, tags: str | Collection[str] | None = None) -> Mapping[str, list[tuple[int, Any]]]:
    """Read what a training run wrote for TensorBoard: pictures, numbers and texts, without a viewer.

    All event files in the folder and below are read, those of other writers too; a file that is cut off or damaged
    gives what comes before. Where a step was written more than once, the last counts. A picture that cannot be decoded,
    or has more pixels than Pillow's `Image.MAX_IMAGE_PIXELS`, is left out with a warning.

    Args:
        log_dir: The folder; or the address of a remote one, such as `"s3://bucket/run"`, with fsspec.
        tags: A tag or a collection of tags to keep; all by default.

    Returns:
        A mapping from tags to lists of `(step, value)` in the order of steps. A value is a picture, uint8
        `(height, width, 3)` (a tuple of pictures where the summary holds several), a float or a str, decoded on access.
        Tags of a sub-folder are prefixed with its path: `"train/epoch_loss"`.

    Raises:
        FileNotFoundError: If there is no such folder.

    Example:
        >>> read("logs")["see/grad_cam"][-1]  # doctest: +SKIP
        (19, array([[[...]]], dtype=uint8))
    """
    if not isinstance(log_dir, str | os.PathLike):
        raise TypeError(
            f"`log_dir` must be the path of a folder. Got {shown(log_dir)}. "
            "Pass the folder that the callback was given."
        )
    if not is_address(log_dir) and not Path(log_dir).is_dir():
        raise FileNotFoundError(
            f"`log_dir` must be a folder with event files. There is no folder {str(log_dir)!r}. "
            "Pass the folder that the callback was given."
        )
    wanted = {tags} if isinstance(tags, str) else tags
    if wanted is not None and not (isinstance(wanted, Collection) and all(isinstance(tag, str) for tag in wanted)):
        raise TypeError(f"`tags` must be a tag or a list of tags. Got {shown(tags)}. Leave it out for all.")
    found: dict = {}
    for run, file in _files(log_dir):
        for event in events(file):
            for value in event.summary.value:
                tag = value.tag if run == "." else f"{run}/{value.tag}"
                if (wanted is None or tag in wanted) and _is_readable(value):
                    found.setdefault(tag, {})[event.step] = value
    return _Log(found)


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


class _Log(Mapping):
    """Tags to `(step, value)` lists; values are decoded when a tag is looked up."""

    def __init__(self, found):
        self._found = found

    def __getitem__(self, tag):
        if tag not in self._found:
            tags = ", ".join(self) or "none"
            raise KeyError(f"`tag` must be one that was written. Got {shown(tag)}. There are: {tags}.")
        decoded = [(step, _decoded_or_none(tag, step, value)) for step, value in sorted(self._found[tag].items())]
        return [(step, value) for step, value in decoded if value is not None]

    def __contains__(self, tag):
        return tag in self._found

    def __iter__(self):
        return iter(sorted(self._found))

    def __len__(self):
        return len(self._found)

    def __repr__(self):
        found = sorted(self._found.items())
        lines = (f"{tag}: {len(steps)} steps, {min(steps)} to {max(steps)}" for tag, steps in found)
        return "\n".join(lines) or "no tags"


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


def _is_readable(value):
    if value.WhichOneof("value") in ("simple_value", "image"):
        return True
    return value.HasField("tensor") and value.tensor.dtype in (types_pb2.DT_STRING, types_pb2.DT_FLOAT)


def _decoded_or_none(tag, step, value):
    """Return the value of a summary, or None where it is damaged, which is told."""
    try:
        return _decoded(value)
    except Exception as error:  # each kind of damage has its own
        _LOGGER.warning("%s at step %d cannot be read: %s: %s", tag, step, type(error).__name__, error)
        return None


def _decoded(value):
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
    with warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        return np.asarray(Image.open(io.BytesIO(encoded)).convert("RGB"))


def _checksum(data):
    """Return the masked CRC32C of the TFRecord format: rotated right by 15 bits plus a constant."""
    crc = google_crc32c.value(data)
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)
