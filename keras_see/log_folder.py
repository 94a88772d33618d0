"""The folder that a run writes to: one file per process, one worker that draws and writes beside training."""

import atexit
import os
import queue
import tempfile
import threading
import weakref
from pathlib import Path

from keras_see.tensorboard import EventFile, last_step, read

# Jobs that may wait. Each holds the maps of one picture; when the worker cannot keep up, training waits for it.
WAITING = 4

_FOLDERS = {}
_LOCK = threading.Lock()


class LogFolder:
    """A folder of a TensorBoard run, shared by all callbacks of this process that write to it.

    Jobs run one after the other on a thread that exists only between `submit` and `drain`.
    """

    def __init__(self, path):
        self.path = path
        self._file = EventFile(path)
        self._queue, self._worker, self._before = None, None, None
        self._claims = {}
        self._lock, self._writing = threading.Lock(), threading.Lock()

    def write(self, step, values):
        """Append summaries of one step to the event file."""
        with self._writing:
            self._file.write(step, values)

    def claim(self, tags, callback):
        """Raise if another callback of the same run is about to write these tags too."""
        for tag in tags:
            other = self._claims.get(tag, lambda: None)()
            if other not in (None, callback) and other.waits_for_its_start:
                raise ValueError(
                    f"Callbacks of one folder must write different tags. Two write {tag!r} in {str(self.path)!r}. "
                    'Give one of them a name, such as name="val".'
                )
            self._claims[tag] = weakref.ref(callback)

    def last_step(self, prefix):
        """Return the last step that keras_see wrote here under tags with this prefix, or None."""
        self.drain()
        return last_step(self.path, prefix)

    def last_number(self, tag):
        """Return the number last written here under a tag, or None."""
        self.drain()
        numbers = read(self.path, tag).get(tag)
        return numbers[-1][1] if numbers else None

    def submit(self, job):
        """Run `job()` on the worker; wait first if too many are waiting. A job deals with its own errors."""
        with self._lock:
            if self._worker is None:
                self._queue = queue.Queue(WAITING)
                work = (self._queue, self._before)
                self._worker = threading.Thread(target=self._work, args=work, name="keras_see", daemon=True)
                self._worker.start()
        self._queue.put(job)

    def drain(self):
        """Wait until all jobs are done, and end the worker."""
        with self._lock:
            if self._worker is not None:
                self._queue.put(None)
                self._before, self._worker = self._worker, None
            if self._before is not None:
                self._before.join()  # an interrupt may end this; who comes next waits for the jobs all the same
                self._before = None

    @staticmethod
    def _work(jobs, before):
        if before is not None:
            before.join()
        while (job := jobs.get()) is not None:
            job()
            del job  # it holds the maps of a picture


def folder_at(log_dir):
    """Return this process's `LogFolder` at a path, sure that it can be written to."""
    path = Path(log_dir).expanduser()
    try:
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            pass
    except OSError as error:
        raise ValueError(
            f"`log_dir` must be a folder that can be written to. {str(path)!r} cannot: {error.strerror}. "
            "Choose another folder, or mend its permissions."
        ) from error
    with _LOCK:
        return _FOLDERS.setdefault((os.getpid(), path.resolve()), LogFolder(path))


@atexit.register
def _drain_all():
    """Write what is still waiting when a run was broken off before its end."""
    for (process, _), folder in list(_FOLDERS.items()):
        if process == os.getpid():
            folder.drain()
