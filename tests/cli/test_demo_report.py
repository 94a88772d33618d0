import keras
import numpy as np
import pytest

from keras_see import _progress
from keras_see.cli.demo_report import EpochProgress, most_by_luck, say_whether_by_luck


@pytest.mark.parametrize(("classes", "count"), [(2, 40), (5, 36), (5, 736), (10, 1000)])
def test_guesses_seldom_reach_more_than_luck_and_a_little_less_often_enough(classes, count):
    labels = np.arange(count) % classes
    guesses = np.random.default_rng(0).integers(classes, size=(20_000, count))
    accuracy = (guesses == labels).mean(axis=1)
    assert (accuracy > most_by_luck(labels)).mean() < 0.05
    assert (accuracy > most_by_luck(labels) - 0.5 * accuracy.std()).mean() > 0.02


def test_naming_the_most_frequent_class_always_is_no_more_than_luck():
    assert most_by_luck(np.array([0] * 90 + [1] * 10)) > 0.9


def test_an_accuracy_within_luck_is_called_so_and_a_higher_one_is_not(capsys):
    labels = np.arange(36) % 5
    say_whether_by_luck(0.3, labels)
    assert "by luck, on 36 photographs" in capsys.readouterr().out
    say_whether_by_luck(0.5, labels)
    assert capsys.readouterr().out == ""


def test_progress_within_an_epoch_is_plain_lines(capsys, monkeypatch):
    monkeypatch.setattr(_progress, "PAUSE", 0.0)
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    model.fit(np.zeros((4, 2)), np.zeros((4, 1)), batch_size=2, epochs=2, verbose=0, callbacks=[EpochProgress()])
    assert capsys.readouterr().out == "epoch 1, 50 %\nepoch 1, 100 %\nepoch 2, 50 %\nepoch 2, 100 %\n"
