"""The writer protocol, and the writers that a user's `trackers` mean."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

from keras_see._validation import shown
from keras_see.runs.folder import Folder
from keras_see.runs.records import Record


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
        """Finish writing."""


# What `trackers` may be.
Trackers = str | Writer | Sequence[str | Writer]

# The writers that have a word: word -> what makes one for a run's folder.
WORDS: dict[str, Callable[[Path | str], Writer]] = {"folder": lambda log_dir: Folder(f"{log_dir}/pictures")}


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
