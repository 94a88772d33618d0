"""The writer protocol, and the writers that a user's `trackers` mean."""

import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

from keras_see._validation import shown
from keras_see.runs.folder import Folder
from keras_see.runs.records import Record

_LOGGER = logging.getLogger("keras_see")


@runtime_checkable
class Writer(Protocol):
    """Writes the records of a run, step by step, and tells what it wrote before."""

    def write(self, step: int, records: Mapping[str, Record]) -> int:
        """Write the records of one step, tag -> record, and return how many bytes that took."""

    def last_step(self, prefix: str) -> int | None:
        """Return the last step written under tags with this prefix, or None."""

    def last_number(self, tag: str) -> float | None:
        """Return the number last written under a tag, or None."""

    def close(self) -> None:
        """Finish writing, at the end of a training. Another training may write again."""


class Guarded:
    """Several writers that disturb nobody: where one fails, that is logged once, and the others go on.

    Args:
        writers: The writers.
    """

    def __init__(self, writers):
        self._writers, self._failed = writers, []

    @classmethod
    def of(cls, writers):
        """Return the guarded writers, or None if there are none."""
        return cls(writers) if writers else None

    def write(self, step, records):
        """Write the records of one step with each."""
        for writer in self._writers:
            self._run(writer, writer.write, step, records)

    def close(self):
        """Close each."""
        for writer in self._writers:
            self._run(writer, writer.close)

    def _run(self, writer, function, *args):
        try:
            function(*args)
        except Exception as error:
            if writer not in self._failed:
                self._failed.append(writer)
                _LOGGER.error("%s cannot be written to: %s", type(writer).__name__, error)


# What `trackers` may be.
Trackers = str | Writer | Sequence[str | Writer]

# The writers that have a word: word -> what makes one for a run's folder.
WORDS: dict[str, Callable[[Path], Writer]] = {"folder": lambda log_dir: Folder(log_dir / "pictures")}


def writers_for(trackers, log_dir):
    """Return the writers that a user's `trackers` mean, for a run in this folder."""
    listed = list(trackers) if isinstance(trackers, list | tuple) else [trackers]
    return [_writer(each, log_dir) for place, each in enumerate(listed) if each not in listed[:place]]


def _writer(tracker, log_dir):
    if isinstance(tracker, str) and tracker in WORDS:
        return WORDS[tracker](log_dir)
    if isinstance(tracker, Writer) and not isinstance(tracker, type):
        return tracker
    raise ValueError(
        f"`trackers` must be a list of words ({', '.join(WORDS)}) or of writers, such as those in keras_see.writers. "
        f"Got {shown(tracker)}. Leave it out for the event file alone."
    )
