"""Remote folders, such as "s3://bucket/run": event files as objects, written by a thread that may wait.

Objects cannot be appended to, so that each flush is an object. TensorBoard and `read` show them as one run, in the
order of their names.
"""

import fnmatch
import io
import logging
import threading
import time
from typing import Any, NamedTuple

from keras_see._validation import shown
from keras_see.runs.event_files import next_name

_LOGGER = logging.getLogger("keras_see")

# What may wait while the network fails, in bytes: some hundred sheets.
MOST_WAITING = 100_000_000

# Bytes from which a value is a picture, which is dropped before numbers and texts are.
LARGE = 1000

# Seconds between tries, doubled up to the longest; and how long the end of a training waits for the network.
FIRST_PAUSE, LONGEST_PAUSE, LAST_WAIT = 0.5, 15.0, 60.0


class RemoteFile(NamedTuple):
    """An event file in a remote folder."""

    system: Any
    path: str

    def open(self, mode):
        """Return its bytes as an open file."""
        return io.BytesIO(self.system.cat_file(self.path))


class RemoteFolder:
    """A remote folder.

    Args:
        address: Its address.
        name: Of the argument, for messages.

    Raises:
        ValueError: If fsspec, or what it needs for this kind of address, is not installed.
    """

    def __init__(self, address, name="`log_dir`"):
        self.address = checked_address(name, address)
        import fsspec

        self._system, path = fsspec.core.url_to_fs(self.address)
        self._path = path.rstrip("/")

    def event_files(self, pattern, below):
        """Return the event files as pairs of the path of their folder, "." for this one, and a `RemoteFile`."""
        self._system.invalidate_cache()
        found = {path.removeprefix(f"{self._path}/"): path for path in self._system.find(self._path)}
        parts = [(*name.rpartition("/")[::2], path) for name, path in sorted(found.items())]
        files = [(run, path) for run, name, path in parts if fnmatch.fnmatchcase(name, pattern) and (below or not run)]
        return [(run or ".", RemoteFile(self._system, path)) for run, path in files]

    def put(self, name, data):
        """Write an object, or replace it."""
        self._system.pipe_file(f"{self._path}/{name}", data)

    def check_writable(self):
        """Raise ValueError unless objects can be written here."""
        try:
            self.put("keras_see.test", b"")
            self._system.rm_file(f"{self._path}/keras_see.test")
        except Exception as error:  # each store has its own
            raise ValueError(
                f"`log_dir` must be a folder that can be written to. {self.address!r} cannot: {error}. "
                "Choose another folder, or mend its permissions."
            ) from error


def checked_address(name, address):
    """Return an address as a text that fsspec can open, or raise ValueError.

    Args:
        name: Of the argument, for messages.
        address: The address. `pathlib.Path` makes one slash of two.
    """
    text = str(address)
    if "://" not in text and "::" not in text:
        text = text.replace(":/", "://", 1)
    try:
        import fsspec

        fsspec.core.url_to_fs(text)
    except Exception as error:  # each store has its own
        missing = isinstance(error, ModuleNotFoundError) and error.name == "fsspec"
        why = "fsspec is not installed. Run pip install fsspec" if missing else f"{str(error).rstrip('.')}. See to that"
        raise ValueError(
            f"{name} must be a local folder, or an address that fsspec can open. Got {shown(text)}: {why}, "
            "or pass a folder such as 'logs/run1'."
        ) from error
    return text


class RemoteRun:
    """Writes events into a remote folder on a thread that lives while some wait.

    While the network fails events wait, up to a size; then pictures are dropped, the oldest first.

    Args:
        address: Of the folder.
        framed: Returns the bytes of an event in its file.
        first: The event that begins a file.
    """

    def __init__(self, address, framed, first):
        self._folder, self._framed, self._first = RemoteFolder(address), framed, first
        self._lock, self._hurry, self._thread = threading.Lock(), threading.Event(), None
        self._waiting, self._names, self._lost, self._has_failed = [], None, set(), False

    def add(self, event):
        """Have an event written, and return how many bytes that takes."""
        with self._lock:
            self._waiting.append(event)
            self._drop_to(MOST_WAITING)
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="keras_see_upload", daemon=True)
                self._thread.start()
        return event.ByteSize()

    def flush(self):
        """Wait until all is written, or for so long, and say what is lost."""
        thread = self._thread
        if thread is not None:
            self._hurry.set()
            thread.join(LAST_WAIT)
        with self._lock:
            self._lost |= {event.step for event in self._waiting}
            self._waiting = []
            lost, self._lost, self._has_failed = sorted(self._lost), set(), False
        self._hurry.clear()
        if lost:
            steps = ", ".join(map(str, lost[:20])) + (", ..." if len(lost) > 20 else "")
            _LOGGER.error(
                "Pictures of %d steps could not be written to %r: %s.", len(lost), self._folder.address, steps
            )

    def _work(self):
        name, pause = None, FIRST_PAUSE
        while batch := self._next_batch():
            try:
                name = name or self._next_name()
                self._folder.put(name, b"".join(map(self._framed, [self._first(), *batch])))
            except Exception as error:  # each store has its own
                self._tell(error)
                if not self._hurry.wait(pause):
                    pause = min(2 * pause, LONGEST_PAUSE)
                else:
                    time.sleep(FIRST_PAUSE)
                continue
            with self._lock:
                self._waiting = [event for event in self._waiting if not any(event is each for each in batch)]
            self._names, name, pause = [name], None, FIRST_PAUSE

    def _next_batch(self):
        with self._lock:
            if not self._waiting:
                self._thread = None
            return list(self._waiting)

    def _next_name(self):
        """Return a name after those of all objects in the folder; they are listed once."""
        if self._names is None:
            files = self._folder.event_files("*tfevents*", below=False)
            self._names = [file.path.rpartition("/")[2] for _, file in files]
        return next_name(self._names)

    def _tell(self, error):
        if not self._has_failed:
            most = MOST_WAITING // 10**6
            text = "%r cannot be written to now: %s. Up to %d MB wait for it; then the oldest pictures are dropped."
            _LOGGER.warning(text, self._folder.address, error, most)
        self._has_failed = True

    def _drop_to(self, most):
        """Drop pictures, the oldest first, until no more than so many bytes wait; numbers take next to nothing."""
        excess = sum(event.ByteSize() for event in self._waiting) - most
        for place, event in enumerate(self._waiting[:-1] if excess > 0 else []):
            small = type(event)(wall_time=event.wall_time, step=event.step)
            small.summary.value.extend(value for value in event.summary.value if value.ByteSize() < LARGE)
            if excess > 0 and small.ByteSize() < event.ByteSize():
                self._lost.add(event.step)
                excess -= event.ByteSize() - small.ByteSize()
                self._waiting[place] = small
