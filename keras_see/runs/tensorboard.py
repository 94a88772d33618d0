"""TensorBoard: write and read its event files, without TensorFlow, and serve a folder of them."""

from __future__ import annotations

import contextlib
import io
import itertools
import os
import socket
import struct
import time
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import google_crc32c
import numpy as np
from PIL import Image
from tensorboard.compat.proto import event_pb2, summary_pb2, tensor_pb2, types_pb2
from tensorboard.plugins.image import metadata as image_metadata
from tensorboard.plugins.scalar import metadata as scalar_metadata
from tensorboard.plugins.text import metadata as text_metadata

from keras_see._validation import shown
from keras_see.runs.map_encoding import decoded, encoded
from keras_see.runs.records import Maps, Number, Picture, Record, Tiles

if TYPE_CHECKING:  # `keras-see board` imports this file and no framework
    from keras_see._types import PathLike

SUFFIX = ".keras_see"

# Text in a sheet is sharp enough at this quality, and 200 steps of a run stay below 60 MB. The maps themselves are kept
# beside it.
JPEG_QUALITY = 60

# The name of the viewer among TensorBoard's plugins: records under it are raw maps and single pictures.
VIEWER = "see"

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
        steps: dict[str, int] = {}
        for path in self.folder.glob(f"*tfevents*{SUFFIX}"):
            for event in events(path):
                for value in event.summary.value:
                    steps[value.tag] = max(event.step, steps.get(value.tag, event.step))
        return steps

    def last_number(self, tag: str) -> float | None:
        """Return the number last written in this folder under a tag, or None."""
        numbers = read(self.folder, tag).get(tag)
        return numbers[-1][1] if numbers else None

    def close(self) -> None:
        """Do nothing: the file is closed after each step."""

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


def read(log_dir: PathLike, tags: str | Collection[str] | None = None) -> Mapping[str, list[tuple[int, Any]]]:
    """Read what a training run wrote for TensorBoard: pictures, numbers and texts, without a viewer.

    All event files in the folder and below are read, those of other writers too; a file cut off in the middle gives
    what was whole. Where a step was written more than once, the last counts.

    Args:
        log_dir: The folder.
        tags: A tag or a collection of tags to keep; all by default.

    Returns:
        A mapping from tags to lists of `(step, value)` in the order of steps. A value is a picture, uint8
        `(height, width, 3)` (a tuple of pictures where the summary holds several), a float or a str, decoded on access.
        Raw maps, `"see/<method>/maps"`, are float32 `(n, rows, columns)`: their attribute `about` is a dict with what
        belongs to them, and `about["error"]` says how exact they are.
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
    folder = Path(log_dir)
    if not folder.is_dir():
        raise FileNotFoundError(
            f"`log_dir` must be a folder with event files. There is no folder {str(folder)!r}. "
            "Pass the folder that the callback was given."
        )
    wanted = {tags} if isinstance(tags, str) else tags
    if wanted is not None and not (isinstance(wanted, Collection) and all(isinstance(tag, str) for tag in wanted)):
        raise TypeError(f"`tags` must be a tag or a list of tags. Got {shown(tags)}. Leave it out for all.")
    found: dict = {}
    for path in sorted(folder.rglob("*tfevents*")):
        run = path.parent.relative_to(folder).as_posix()
        for event in events(path):
            for value in event.summary.value:
                tag = value.tag if run == "." else f"{run}/{value.tag}"
                if (wanted is None or tag in wanted) and _is_readable(value):
                    found.setdefault(tag, {})[event.step] = value
    return _Log(found)


def to_jpeg(image):
    """Return the bytes of an image as JPEG: of photographs a fifth of a PNG, encoded 30 times as fast."""
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=JPEG_QUALITY, progressive=True)
    return buffer.getvalue()


class ServingError(Exception):
    """TensorBoard does not start; the message says why."""


def serve(folders, port=None, host=None, plugins=()):
    """Start TensorBoard in this process, on another thread, and return its address.

    Args:
        folders: Name -> folder; a single one may have the name "".
        port: The port to use, or None for the first free one from 6006.
        host: The address to listen at; None for this machine alone.
        plugins: Loaders of plugins besides those that are installed.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorBoard imports TensorFlow where that is installed
    with contextlib.redirect_stderr(io.StringIO()):
        from tensorboard import default, program

        installed = default.get_plugins()
        more = [plugin for plugin in plugins if plugin not in installed]
        board = program.TensorBoard(installed + more)
        named = ",".join(f"{name}:{folder}" for name, folder in folders.items())
        which = {"logdir": str(folders[""])} if "" in folders else {"logdir_spec": named}
        # TensorBoard keeps ten images per tag, chosen at random, unless told otherwise.
        board.configure(**which, port=port, host=host, samples_per_plugin={"images": 1000, VIEWER: 10_000})
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
        return [(step, _decoded(value)) for step, value in sorted(self._found[tag].items())]

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
    if isinstance(record, Maps | Tiles):
        return _raw(tag, record)
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


def _raw(tag, record):
    """Return raw maps or single pictures as a summary that TensorBoard keeps for the viewer: one blob."""
    plugin = summary_pb2.SummaryMetadata.PluginData(plugin_name=VIEWER)
    metadata = summary_pb2.SummaryMetadata(plugin_data=plugin, data_class=summary_pb2.DATA_CLASS_BLOB_SEQUENCE)
    return summary_pb2.Summary.Value(tag=tag, tensor=_strings([encoded(record)]), metadata=metadata)


def _strings(values, shape=None):
    sizes = {} if shape == () else {"dim": [{"size": len(values)}]}
    return tensor_pb2.TensorProto(dtype=types_pb2.DT_STRING, string_val=values, tensor_shape=sizes)


def _is_readable(value):
    if value.WhichOneof("value") in ("simple_value", "image"):
        return True
    return value.HasField("tensor") and value.tensor.dtype in (types_pb2.DT_STRING, types_pb2.DT_FLOAT)


def _decoded(value):
    if value.HasField("simple_value"):
        return value.simple_value
    if value.HasField("image"):
        return _picture(value.image.encoded_image_string)
    tensor = value.tensor
    if tensor.dtype == types_pb2.DT_FLOAT:
        numbers = np.frombuffer(tensor.tensor_content, "<f4") if tensor.tensor_content else np.array(tensor.float_val)
        return float(numbers[0]) if numbers.size == 1 else numbers
    if value.metadata.plugin_data.plugin_name == VIEWER:
        return decoded(tensor.string_val[0])
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
