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

from keras_see.runs.tensorboard import TensorBoard

# Seconds without a job after which the thread ends: of a training that was broken off nobody else ends it.
IDLE = 5.0

# Jobs that may wait. Each holds the maps of one step; when the worker cannot keep up, training waits for it.
WAITING = 4

_LOGGER = logging.getLogger("keras_see")

_RUN_WRITERS: weakref.WeakValueDictionary = weakref.WeakValueDictionary()  # (process, path) -> `RunWriter`
_LOCK = threading.Lock()


class RunWriter:
    """Writes the records of one folder's run, for all callbacks of this process that write there.

    Jobs (draw and write one step) run one after the other on a thread that exists only between `submit` and `drain`. It
    ends by itself too, after some seconds without a job.

    Args:
        path: The folder.
    """

    def __init__(self, path):
        self.path = path
        self._writer = TensorBoard(path)
        self._queue, self._worker, self._before = None, None, None
        self._claims = {}
        self._steps_before = weakref.WeakKeyDictionary()  # callback -> {tag: last step before its training}
        self._lock, self._writing = threading.Lock(), threading.Lock()
        self._has_told = False

    def write(self, step, records):
        """Write the records of one step, and return how many bytes that took."""
        with self._writing:
            return self._writer.write(step, records)

    def claim(self, tags, callback):
        """Give tags to a callback, unless another of its training has one: then return that tag and its callback."""
        for tag in tags:
            other = self._claims.get(tag, lambda: None)()
            if other not in (None, callback) and other.writes_beside(callback):
                return tag, other
        self._claims |= dict.fromkeys(tags, weakref.ref(callback))
        return None

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

    def last_step(self, is_mine):
        """Return the last step written here under the tags for which `is_mine(tag)` is true, or None."""
        self.drain()
        return max((step for tag, step in self._writer.last_steps().items() if is_mine(tag)), default=None)

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

    def close(self):
        """Wait until all jobs are done, and finish writing until the next `write`."""
        self.drain()
        with self._writing:
            self._writer.close()

    def _start(self):
        """Start the worker; return whether that was possible: a process may have as many threads as it is allowed."""
        jobs = queue.Queue(WAITING)
        worker = threading.Thread(target=self._work, args=(jobs, self._before), name="keras_see", daemon=True)
        try:
            worker.start()
        except RuntimeError as error:
            if not self._has_told:
                _log_safely("Pictures are drawn while training waits, because no thread can be started: %s", error)
            self._has_told = True
            return False
        self._queue, self._worker = jobs, worker
        return True

    def _work(self, jobs, before):
        if before is not None:
            before.join()
        while True:
            try:
                job = jobs.get(timeout=IDLE)
            except queue.Empty:
                if self._ends_idle(jobs):
                    return
                continue
            if job is None:
                return
            _run(job)
            del job  # it holds the maps of a picture

    def _ends_idle(self, jobs):
        """Return whether the worker may end: nobody is about to give it a job or waits for its end."""
        if not self._lock.acquire(blocking=False):
            return False
        try:
            if not jobs.empty() or self._queue is not jobs or self._worker is None:
                return False
            self._worker, self._before = None, self._worker
            return True
        finally:
            self._lock.release()


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


def run_writer_at(log_dir):
    """Return this process's `RunWriter` of a folder; raise if the folder cannot be written to."""
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
        return _RUN_WRITERS.setdefault((os.getpid(), path.resolve()), RunWriter(path))


@atexit.register
def _drain_all():
    """Write what is still waiting when a run was broken off before its end."""
    for (process, _), writer in list(_RUN_WRITERS.items()):
        if process == os.getpid():
            writer.drain()
