"""The run writer: one per folder and process, with a thread that draws and writes beside training."""

import atexit
import contextlib
import logging
import os
import queue
import tempfile
import threading
import weakref
from pathlib import Path

from keras_see.runs.event_files import is_address
from keras_see.runs.remote import RemoteFolder
from keras_see.runs.tensorboard import TensorBoard

# Jobs that may wait. Each holds the maps of one step; when the worker cannot keep up, training waits for it.
WAITING = 4

_LOGGER = logging.getLogger("keras_see")

_RUN_WRITERS: weakref.WeakValueDictionary = weakref.WeakValueDictionary()  # (process, path, writes)
_LOCK = threading.Lock()


class RunWriter:
    """Writes the records of one folder's run, for all callbacks of this process that write there.

    Jobs (draw and write one step) run one after the other on a thread that exists only between `submit` and `drain`.

    Args:
        path: The folder.
    """

    writes = True

    def __init__(self, path):
        self.path = path
        self._writer = TensorBoard(path)
        self._queue, self._worker, self._before = None, None, None
        self._claims = {}
        self._trainings = weakref.WeakKeyDictionary()  # callback -> (thread of its training, prefix of its tags)
        self._steps_before = weakref.WeakKeyDictionary()  # callback -> {tag: last step before its training}
        self._lock, self._writing = threading.Lock(), threading.Lock()
        self._has_told = False

    def write(self, step, records):
        """Write the records of one step, and return how many bytes that took."""
        with self._writing:
            return self._writer.write(step, records)

    def enter(self, callback, prefix):
        """Raise if a training in another thread writes here under the same prefix of tags."""
        for other, (thread, its_prefix) in list(self._trainings.items()):
            is_elsewhere = thread is not threading.current_thread() and thread.is_alive()
            if other is not callback and is_elsewhere and its_prefix == prefix and other.is_training:
                raise ValueError(
                    "`log_dir` must be a folder for one training at a time, unless `name` tells them apart. "
                    f"Another thread is training with {type(other).__name__} in {str(self.path)!r}. "
                    "Give each training a folder of its own."
                )
        self._trainings[callback] = threading.current_thread(), prefix

    def claim(self, tags, callback):
        """Raise if another callback of the same fit is about to write these tags too."""
        for tag in tags:
            other = self._claims.get(tag, lambda: None)()
            if other not in (None, callback) and other.waits_for_start_with(callback):
                raise ValueError(
                    f"Callbacks of one folder must write different tags. Two write {tag!r} in {str(self.path)!r}. "
                    'Give one of them a name, such as name="val".'
                )
            self._claims[tag] = weakref.ref(callback)

    def last_step_before(self, callback, is_mine):
        """Return the last step written here under some tags before the training of a callback began, or None.

        Args:
            callback: The callback; others of the same training may have written already.
            is_mine: A function from a tag to whether it counts.
        """
        others = [other for other in self._steps_before if other is not callback]
        peer = next((other for other in others if other.shares_training_with(callback)), None)
        if peer is None:
            self.drain()
        steps = self._writer.last_steps() if peer is None else self._steps_before[peer]
        self._steps_before[callback] = steps
        return max((step for tag, step in steps.items() if is_mine(tag)), default=None)

    def last_number(self, tag):
        """Return the number last written here under a tag, or None."""
        self.drain()
        return self._writer.last_number(tag)

    def submit(self, job):
        """Run `job()` on the worker, or here where no thread can be started; wait first if too many are waiting."""
        with self._lock:
            if self._worker is not None or self._start():
                self._queue.put(job)
                return
        _run(job)

    def drain(self):
        """Wait until all jobs are done, and end the worker."""
        with self._lock:
            if self._worker is not None:
                self._queue.put(None)
                self._before, self._worker = self._worker, None
            if self._before is not None:
                self._before.join()  # an interrupt may end this; who comes next waits for the jobs all the same
                self._before = None
            self._writer.flush()

    def _start(self):
        """Start the worker; return whether that was possible: a process may have as many threads as it is allowed."""
        jobs = queue.Queue(WAITING)
        worker = threading.Thread(target=_work, args=(jobs, self._before), name="keras_see", daemon=True)
        try:
            worker.start()
        except RuntimeError as error:
            if not self._has_told:
                _log_safely("Pictures are drawn while training waits, because no thread can be started: %s", error)
            self._has_told = True
            return False
        self._queue, self._worker = jobs, worker
        return True


class SilentRunWriter(RunWriter):
    """Takes the place of the run writer where another process of the job writes: the folder may be missing here."""

    writes = False

    def write(self, step, records):
        """Write nothing."""
        return 0

    def last_step_before(self, callback, is_mine):
        """Know of no step: the process that writes does."""

    def last_number(self, tag):
        """Know of no number: the process that writes does."""


def _work(jobs, before):
    if before is not None:
        before.join()
    while (job := jobs.get()) is not None:
        _run(job)
        del job  # it holds the maps of a picture


def _run(job):
    """Run a job; nothing that it raises may end the thread, or training would wait for it for ever."""
    try:
        job()
    except BaseException as error:
        _log_safely("A picture is lost: %s: %s", type(error).__name__, error)


def _log_safely(message, *args):
    """Log an error, even where a handler of the user's raises."""
    with contextlib.suppress(Exception):
        _LOGGER.error(message, *args)


def run_writer_at(log_dir, writes=True):
    """Return this process's `RunWriter` of a folder; raise if the folder cannot be written to.

    Args:
        log_dir: The folder.
        writes: Whether this process writes, and not another of the same job: then the folder may be missing here.
    """
    remote = is_address(log_dir)
    path = log_dir if remote else Path(log_dir).expanduser()
    if writes:
        _check_writable(path)
    made = (RunWriter if writes else SilentRunWriter)(path)
    with _LOCK:
        return _RUN_WRITERS.setdefault((os.getpid(), path if remote else path.resolve(), writes), made)


def _check_writable(path):
    if is_address(path):
        RemoteFolder(path).check_writable()
        return
    try:
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            pass
    except OSError as error:
        raise ValueError(
            f"`log_dir` must be a folder that can be written to. {str(path)!r} cannot: {error.strerror}. "
            "Choose another folder, or mend its permissions."
        ) from error


@atexit.register
def _drain_all():
    """Write what is still waiting when a run was broken off before its end."""
    for (process, *_), writer in list(_RUN_WRITERS.items()):
        if process == os.getpid():
            writer.drain()
