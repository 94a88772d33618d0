import logging
import threading
import time

import pytest

from keras_see.runs import run_writer
from keras_see.runs.records import Number
from keras_see.runs.run_writer import WAITING, run_writer_at


def workers():
    return [thread for thread in threading.enumerate() if thread.name == "keras_see"]


def test_one_folder_is_one_object_however_it_is_spelled(tmp_path):
    assert run_writer_at(tmp_path / "a") is run_writer_at(str(tmp_path / "b" / ".." / "a"))
    assert run_writer_at(tmp_path / "a") is not run_writer_at(tmp_path / "b")


def test_jobs_run_in_order_and_are_done_when_drained(tmp_path):
    folder, done = run_writer_at(tmp_path), []
    for number in range(20):
        folder.submit(lambda number=number: done.append(number))
    folder.drain()
    assert done == list(range(20))
    assert not workers()


def test_training_waits_when_too_many_jobs_are_waiting(tmp_path):
    folder, gate, begun = run_writer_at(tmp_path), threading.Event(), threading.Event()
    folder.submit(lambda: (begun.set(), gate.wait()))
    begun.wait()
    for _ in range(WAITING):
        folder.submit(lambda: None)
    waiting = threading.Thread(target=folder.submit, args=(lambda: None,))
    waiting.start()
    waiting.join(0.05)
    assert waiting.is_alive()
    gate.set()
    waiting.join()
    folder.drain()


@pytest.mark.parametrize(
    "error",
    [MemoryError("full"), UnicodeError("odd"), KeyboardInterrupt(), SystemExit(1)],
    ids=lambda error: type(error).__name__,
)
def test_a_job_that_raises_never_ends_the_worker_and_is_logged(tmp_path, caplog, error):
    folder, done = run_writer_at(tmp_path), []

    def fail():
        raise error

    for number in range(2 * WAITING):
        folder.submit(fail)
        folder.submit(lambda number=number: done.append(number))
    folder.drain()
    assert done == list(range(2 * WAITING))
    assert caplog.text.count(f"A picture is lost: {type(error).__name__}") == 2 * WAITING


def test_a_handler_of_the_log_that_raises_never_ends_the_worker(tmp_path, monkeypatch):
    class Broken(logging.Handler):
        def emit(self, record):
            raise ValueError("a handler of the user's")

    monkeypatch.setattr(logging.getLogger("keras_see"), "handlers", [Broken()])
    folder, done = run_writer_at(tmp_path), []
    folder.submit(lambda: 1 / 0)
    folder.submit(lambda: done.append(1))
    folder.drain()
    assert done == [1]


def test_where_no_thread_can_be_started_jobs_run_at_once(tmp_path, monkeypatch, caplog):
    def start(thread):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", start)
    folder, done = run_writer_at(tmp_path), []
    folder.submit(lambda: 1 / 0)
    folder.submit(lambda: done.append(threading.current_thread()))
    folder.drain()
    assert done == [threading.main_thread()]
    assert "no thread can be started: can't start new thread" in caplog.text
    assert "A picture is lost: ZeroDivisionError" in caplog.text


def test_no_job_is_lost_when_another_callback_drains_meanwhile(tmp_path):
    folder, done = run_writer_at(tmp_path), []

    def drain():
        for _ in range(300):
            folder.drain()

    draining = threading.Thread(target=drain)
    draining.start()
    for number in range(300):
        folder.submit(lambda number=number: done.append(number))
    draining.join()
    folder.drain()
    assert done == list(range(300))


def test_after_an_interrupted_drain_all_jobs_are_still_done_in_order(tmp_path):
    folder, gate, done = run_writer_at(tmp_path), threading.Event(), []
    folder.submit(lambda: gate.wait())
    folder.submit(lambda: done.append("before"))
    worker, join = folder._worker, folder._worker.join

    def interrupted():
        worker.join = join
        raise KeyboardInterrupt

    worker.join = interrupted
    with pytest.raises(KeyboardInterrupt):
        folder.drain()
    for number in range(2 * WAITING):
        if number == WAITING:
            gate.set()
        folder.submit(lambda number=number: done.append(number))
    folder.drain()
    assert done == ["before", *range(2 * WAITING)]
    assert not workers()


def test_a_thread_that_nobody_ends_ends_by_itself_and_later_jobs_are_done(tmp_path, monkeypatch):
    monkeypatch.setattr(run_writer, "IDLE", 0.01)
    folder, done = run_writer_at(tmp_path), []
    for number in range(3):
        folder.submit(lambda number=number: done.append(number))
        worker = folder._worker
        if worker is not None:
            worker.join(20)
            assert not worker.is_alive()
    for number in range(3, 200):
        folder.submit(lambda number=number: done.append(number))
        time.sleep(0.02 * (number % 20 == 0))
    folder.drain()
    assert done == list(range(200))
    assert not workers()


def test_numbers_and_steps_of_an_earlier_run_are_found(tmp_path):
    folder = run_writer_at(tmp_path)
    assert folder.last_number("see/a/range") is None
    folder.submit(lambda: folder.write(4, {"see/a/range": Number(0.25)}))
    assert folder.last_number("see/a/range") == 0.25


def test_a_folder_that_cannot_be_made_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match="Choose another folder, or mend its permissions"):
        run_writer_at(tmp_path / "file")
