"""A writer that leaves a run as plain files: pictures as PNG, numbers and texts as lines of JSON."""

import json
import math
import os
from collections.abc import Mapping
from pathlib import Path

from keras_see._types import PathLike
from keras_see._validation import shown
from keras_see.runs.event_files import is_address
from keras_see.runs.records import Number, Picture, Record, Text

RECORDS = "records.jsonl"


class Folder:
    """Writes a run into a folder of its own, for programs and people without TensorBoard.

    A picture is `<path>/<tag>/<step>.png`, the step with five digits (`-0001` is the state before training). Every
    record is a line of `<path>/records.jsonl`: a JSON object with `step` and `tag`, and with `file`, `value` or `text`;
    a number that is not finite is null. A line is complete or missing, also after a crash.

    Args:
        path: The folder; made when the first record is written.

    Example:
        >>> import tempfile, keras_see
        >>> writer = keras_see.writers.Folder(tempfile.mkdtemp())
        >>> from keras_see.runs.records import Number
        >>> writer.write(3, {"see/grad_cam/peak": Number(0.5)}) > 0
        True
        >>> writer.last_number("see/grad_cam/peak"), writer.last_step("see/")
        (0.5, 3)
    """

    def __init__(self, path: PathLike) -> None:
        if not isinstance(path, str | os.PathLike) or not str(path):
            raise TypeError(
                f"`path` must be the path of a folder. Got {shown(path)}. Pass 'logs/pictures', for instance."
            )
        if is_address(path):
            raise ValueError(
                f"`path` must be a local folder. Got the address {shown(str(path))}. "
                "Pass a folder such as 'logs/pictures', or leave this writer out."
            )
        self.path = Path(path).expanduser().absolute()

    def write(self, step: int, records: Mapping[str, Record]) -> int:
        """Write the records of one step, tag -> record, and return how many bytes that took."""
        self.path.mkdir(parents=True, exist_ok=True)
        lines = [json.dumps({"step": step, "tag": tag} | self._entry(step, tag, each)) for tag, each in records.items()]
        text = "".join(f"{line}\n" for line in lines)
        with (self.path / RECORDS).open("ab") as file:
            if file.tell() and not self._ends_whole():
                file.write(b"\n")  # after a line that a full disk or a crash cut off
            file.write(text.encode())
        tags = [tag for tag, record in records.items() if isinstance(record, Picture)]
        return len(text) + sum(self._picture_path(step, tag).stat().st_size for tag in tags)

    def last_step(self, prefix: str) -> int | None:
        """Return the last step written under tags with this prefix, or None."""
        return max((entry["step"] for entry in self._entries() if entry["tag"].startswith(prefix)), default=None)

    def last_number(self, tag: str) -> float | None:
        """Return the number last written under a tag, or None."""
        numbers = [entry.get("value") for entry in self._entries() if entry["tag"] == tag]
        return numbers[-1] if numbers else None

    def close(self) -> None:
        """Do nothing: the files are closed after each step."""

    def _entry(self, step, tag, record):
        """Return what a line says of a record, and write its picture."""
        if isinstance(record, Picture):
            path = self._picture_path(step, tag)
            path.parent.mkdir(parents=True, exist_ok=True)
            record.image.save(path)
            return {"file": path.relative_to(self.path).as_posix(), "description": record.description}
        if isinstance(record, Number):
            return {"value": record.value if math.isfinite(record.value) else None, "description": record.description}
        if isinstance(record, Text):
            return {"text": record.markdown}
        raise TypeError(f"A record must be a Picture, a Number or a Text. Got {shown(record)} for {tag!r}.")

    def _picture_path(self, step, tag):
        return self.path / tag.replace("@", "_at_").replace("#", "_call_") / f"{step:05d}.png"

    def _entries(self):
        """Yield what the whole lines say."""
        path = self.path / RECORDS
        for line in path.read_bytes().splitlines() if path.is_file() else []:
            try:
                yield json.loads(line)
            except ValueError:  # a line that was cut off
                continue

    def _ends_whole(self):
        with (self.path / RECORDS).open("rb") as file:
            file.seek(-1, os.SEEK_END)
            return file.read() == b"\n"
