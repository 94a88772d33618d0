"""A job of several processes writes once; trainings in several threads do not mix."""

import logging
import threading

import jobs
import keras
import numpy as np
import pytest

import keras_see
from keras_see.callbacks import Saliency
from keras_see.training.processes import RANKS

X = np.random.default_rng(0).random((4, 8, 8, 3)).astype("float32")


def fit(*callbacks, epochs=2):
    model = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Flatten(), keras.layers.Dense(2)])
    model.compile("sgd", "mse")
    model.fit(X, np.zeros((4, 2)), epochs=epochs, callbacks=[*callbacks], verbose=0)


def ours(caplog):
    return [record.getMessage() for record in caplog.records if record.name == "keras_see"]


def steps(folder, tag="see/saliency"):
    return [step for step, _ in keras_see.read(folder)[tag]]


@pytest.mark.backends("torch")
def test_of_two_processes_of_pytorch_the_first_writes(tmp_path):
    both = jobs.run("torch", tmp_path, count=2)
    assert [said and said["failures"] for _, said, _ in both] == [0, 0], both
    jobs.assert_is_one_run(tmp_path)


@pytest.mark.parametrize("name", RANKS)
def test_a_process_that_its_starter_calls_the_second_checks_all_writes_nothing_and_says_so(
    tmp_path, monkeypatch, caplog, name
):
    monkeypatch.setenv(name, "1")
    fit(Saliency(tmp_path / "logs", X[:2], trackers="folder"))
    assert not (tmp_path / "logs").exists()
    (line,) = ours(caplog)
    assert line.startswith(f"This is process 1 of a job ({name}), so that nothing is written here")
    with pytest.raises(ValueError, match="`targets`"):
        fit(Saliency(tmp_path, X[:2], targets=7))
    monkeypatch.setenv("RANK", "0")  # as the line advises
    fit(Saliency(tmp_path / "logs", X[:2]))
    assert steps(tmp_path / "logs") == [-1, 0, 1]


@pytest.mark.parametrize("value", ["0", "", "first"])
def test_other_values_of_a_rank_change_nothing(tmp_path, monkeypatch, caplog, value):
    monkeypatch.setenv("RANK", value)
    fit(Saliency(tmp_path, X[:2]))
    assert steps(tmp_path) == [-1, 0, 1]
    assert not ours(caplog)


class Meanwhile(keras.callbacks.Callback):
    """Runs a function in another thread, to its end, while a training is under way."""

    def __init__(self, function):
        super().__init__()
        self.function, self.raised = function, None

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 1:
            thread = threading.Thread(target=self._run)
            thread.start()
            thread.join()

    def _run(self):
        try:
            self.function()
        except ValueError as error:
            self.raised = error


def test_a_second_training_in_another_thread_is_refused_for_the_same_folder_and_name(tmp_path):
    meanwhile = Meanwhile(lambda: fit(Saliency(tmp_path, X[2:])))
    fit(Saliency(tmp_path, X[:2]), meanwhile)
    assert str(meanwhile.raised).startswith("`log_dir` must be a folder for one training at a time")
    assert steps(tmp_path) == [-1, 0, 1]


@pytest.mark.parametrize("place", [("a", None), ("b", "other")])
def test_a_second_training_in_another_thread_has_a_folder_or_a_name_of_its_own(tmp_path, place):
    folder, name = place
    meanwhile = Meanwhile(lambda: fit(Saliency(tmp_path / folder, X[2:], name=name)))
    fit(Saliency(tmp_path / "b", X[:2]), meanwhile)
    assert meanwhile.raised is None
    assert steps(tmp_path / "b") == [-1, 0, 1]
    assert steps(tmp_path / folder, f"see/{name}/saliency" if name else "see/saliency") == [-1, 0, 1]


def test_a_training_that_was_broken_off_in_a_thread_does_not_stand_in_the_way(tmp_path):
    class BreakOff(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            raise KeyboardInterrupt

    kept = Saliency(tmp_path, X[:2])

    def broken_off():
        with pytest.raises(KeyboardInterrupt):
            fit(kept, BreakOff())

    meanwhile = threading.Thread(target=broken_off)
    meanwhile.start()
    meanwhile.join()
    fit(Saliency(tmp_path, X[:2]))
    assert steps(tmp_path)[-2:] == [1, 2]


def test_a_framework_that_knows_of_one_process_says_nothing(tmp_path, caplog):
    with caplog.at_level(logging.INFO, logger="keras_see"):
        fit(Saliency(tmp_path, X[:2]))
    assert not ours(caplog)
