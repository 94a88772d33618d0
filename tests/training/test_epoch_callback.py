"""When and how an epoch callback evaluates and writes, whatever its training does."""

import gc
import logging
import sys
import threading
import weakref
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers
from PIL import Image
from tiny_models import flat, outputs_of, photos

import keras_see
from keras_see.callbacks import GradCAM, Saliency
from keras_see.runs import run_writer
from keras_see.writers import Folder

X, Y = photos(8), np.arange(8) % 3
PACKAGE = Path(keras_see.__file__).parent


def compiled(model=None, **options):
    model = flat() if model is None else model
    model.compile("sgd", "sparse_categorical_crossentropy", **options)
    return model


def fit(model, *callbacks, epochs=2, **options):
    return model.fit(X, Y, epochs=epochs, verbose=0, callbacks=list(callbacks), **options)


def steps(folder, tag="see/saliency"):
    return [step for step, _ in keras_see.read(folder)[tag]]


def last_peak(folder):
    return keras_see.read(folder)["see/saliency/peak"][-1][1]


def begun(callback, model, epochs=3):
    callback.set_model(model)
    callback.set_params({"epochs": epochs})
    return callback


def test_an_own_loop_may_call_all_hooks(tmp_path):
    callback = begun(Saliency(tmp_path, X[:2]), compiled())
    callback.on_train_begin()
    for epoch in range(3):
        callback.on_epoch_begin(epoch)
        callback.on_epoch_end(epoch)
    callback.on_train_end()
    assert steps(tmp_path) == [-1, 0, 1, 2]


@pytest.mark.parametrize("hooks", [["on_train_begin"], [], ["on_epoch_begin"]])
def test_an_own_loop_may_leave_hooks_out(tmp_path, hooks):
    budget = None if "on_epoch_begin" in hooks else 1e-6  # how long an epoch took cannot be known then
    callback = begun(Saliency(tmp_path, X[:2], budget=budget), compiled())
    if "on_train_begin" in hooks:
        callback.on_train_begin()
    for epoch in range(3):
        if "on_epoch_begin" in hooks:
            callback.on_epoch_begin(epoch)
        callback.on_epoch_end(epoch)
    callback.on_train_end()
    assert not callback.failures
    assert steps(tmp_path) == [*([-1] if "on_epoch_begin" in hooks else []), 0, 1, 2]


def test_an_own_loop_without_any_parameters_is_shown_too(tmp_path):
    callback = Saliency(tmp_path, X[:2])
    callback.set_model(compiled())
    callback.on_epoch_end(4)
    callback.on_train_end()
    assert steps(tmp_path) == [4]


def test_a_folder_given_as_a_relative_path_is_that_of_when_the_callback_was_made(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    callback = Saliency("logs", X[:2])
    (tmp_path / "elsewhere").mkdir()

    class Moving(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            monkeypatch.chdir(tmp_path / "elsewhere")

    fit(compiled(), Moving(), callback)
    assert steps(tmp_path / "logs") == [-1, 0, 1]
    assert not list((tmp_path / "elsewhere").iterdir())


class Fade(layers.Layer):
    """Scales by an object's attribute, which no fingerprint of the model shows."""

    def __init__(self):
        super().__init__(name="fade")
        object.__setattr__(self, "held", type("Held", (), {"alpha": 1.0})())

    def call(self, x):
        return x * self.held.alpha


def faded():
    return compiled(keras.Sequential([keras.Input((8, 6, 3)), Fade(), layers.Flatten(), layers.Dense(3)]))


def weight_peak(model, factor):
    """Return the mean peak of the saliency of a linear model: of the largest weight of the class that it prefers."""
    kernel = keras.ops.convert_to_numpy(model.layers[-1].kernel)
    classes = outputs_of(model, X[:2]).argmax(axis=-1)
    return factor * np.mean([np.abs(kernel[:, number]).max() for number in classes])


def test_every_fit_begins_with_fresh_passes(tmp_path):
    model, callback = faded(), Saliency(tmp_path, X[:2], "predicted")
    fit(model, callback, epochs=1)
    model.get_layer("fade").held.alpha = 3.0
    compiled(model)
    fit(model, callback, epochs=1)
    assert last_peak(tmp_path) == pytest.approx(weight_peak(model, 3.0), rel=1e-4)


def test_a_training_that_runs_eagerly_is_shown_with_every_change_of_its_layers(tmp_path):
    class Change(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            self.model.get_layer("fade").held.alpha = 1.0 + epoch

    model = compiled(faded(), run_eagerly=True)
    fit(model, Change(), Saliency(tmp_path, X[:2], "predicted"), epochs=3)
    assert last_peak(tmp_path) == pytest.approx(weight_peak(model, 3.0), rel=1e-4)


def test_trackers_get_the_records_too(tmp_path):
    callback = Saliency(tmp_path / "logs", X[:2], trackers=["folder", Folder(tmp_path / "own")])
    fit(compiled(), callback)
    for folder in (tmp_path / "logs" / "pictures", tmp_path / "own"):
        assert sorted(path.name for path in (folder / "see" / "saliency").iterdir()) == [
            "-0001.png",
            "00000.png",
            "00001.png",
        ]
        peaks = keras_see.read(tmp_path / "logs")["see/saliency/peak"]
        assert Folder(folder).last_number("see/saliency/peak") == pytest.approx(peaks[-1][1], rel=1e-6)
        assert Folder(folder).last_step("see/") == 1
    with Image.open(tmp_path / "own" / "see" / "saliency" / "00001.png") as exact:
        seen = keras_see.read(tmp_path / "logs")["see/saliency"][-1][1]
        assert np.abs(np.asarray(exact, int) - seen).mean() < 8  # the event file holds a JPEG


def test_a_tracker_that_fails_is_told_once_and_does_not_disturb_the_event_file(tmp_path, caplog):
    class Broken(Folder):
        def write(self, step, records):
            raise OSError("the disk is gone")

    callback = Saliency(tmp_path / "logs", X[:2], trackers=[Broken(tmp_path)])
    fit(compiled(), callback, epochs=3)
    assert steps(tmp_path / "logs") == [-1, 0, 1, 2]
    assert not callback.failures
    assert caplog.text.count("Broken cannot be written to: the disk is gone") == 1


@pytest.mark.parametrize("trackers", ["fodler", 3, [Folder], ["folder", None]])
def test_a_tracker_that_is_none_is_refused_before_training(tmp_path, trackers):
    with pytest.raises(ValueError, match=r"`trackers` must be a list of words \(folder\) or of writers"):
        Saliency(tmp_path, X[:2], trackers=trackers)


def test_an_error_whose_text_cannot_be_encoded_does_not_stop_training(tmp_path, monkeypatch):
    monkeypatch.setattr(logging.getLogger("keras_see"), "propagate", False)  # no report could be sent with it
    calls = []

    def target(outputs):
        calls.append(outputs)
        if len(calls) > 1:  # the first is the check before training
            raise ValueError("odd \ud800")
        return outputs[:, 0]

    callback = Saliency(tmp_path, X[:2], target)
    fit(compiled(), callback, epochs=2)
    assert len(callback.failures) == 3
    assert "odd ?" in keras_see.read(tmp_path)["see/status"][0][1]


def test_nothing_is_kept_of_a_folder_whose_callbacks_are_gone(tmp_path):
    fit(compiled(), Saliency(tmp_path, X[:2]))
    gc.collect()
    assert not [path for _, path in run_writer._RUN_WRITERS if path == tmp_path.resolve()]


@pytest.mark.parametrize("kind", ["method", "closure"])
def test_targets_that_name_their_model_keep_it_not_alive(tmp_path, kind):
    class Own:
        def __init__(self, model):
            self.model = model

        def target(self, outputs):
            return outputs[:, 0] * float(len(self.model.layers))

    def trained():
        model = compiled()
        target = Own(model).target if kind == "method" else lambda outputs: outputs[:, 0] * float(len(model.layers))
        fit(model, Saliency(tmp_path, X[:2], target), epochs=1)
        return weakref.ref(model)

    model = trained()
    keras.backend.clear_session()
    gc.collect()
    assert model() is None


def files_run(function):
    """Return the files of the package that a function runs, in this thread and in those that it starts."""
    found = set()

    def trace(frame, event, arg):
        path = Path(frame.f_code.co_filename)
        if PACKAGE in path.parents:
            found.add(path.relative_to(PACKAGE).as_posix())

    threading.settrace(trace)
    sys.settrace(trace)
    try:
        function()
    finally:
        sys.settrace(None)
        threading.settrace(None)
    return found


@pytest.mark.backends("tensorflow")
@pytest.mark.skipif(sys.gettrace() is not None, reason="a debugger or a coverage tool is tracing")
def test_a_steady_end_of_an_epoch_runs_few_files(tmp_path):
    callback = begun(keras_see.Watch(tmp_path, X[:4]), compiled(), epochs=9)
    callback.on_train_begin()
    for epoch in range(3):
        callback.on_epoch_begin(epoch)
        callback.on_epoch_end(epoch)
        callback._run_writer.drain()
    callback.on_epoch_begin(3)

    def end():
        callback.on_epoch_end(3)
        callback._run_writer.drain()

    found = files_run(end)
    assert steps(tmp_path, "see/overview")[-1] == 3
    assert {"training/epoch_callback.py", "attribution/gradient_pass.py", "runs/tensorboard.py"} <= found
    # Twelve, and the format of raw maps: it is read without any writer, and a writer without it.
    assert len(found - {"runs/map_encoding.py"}) <= 12, " ".join(sorted(found))


def test_two_callbacks_of_one_fit_share_one_file(tmp_path):
    fit(compiled(), Saliency(tmp_path, X[:2]), GradCAM(tmp_path, X[:2], layer="a"))
    assert len(list(tmp_path.glob("*tfevents*"))) == 1
    assert steps(tmp_path, "see/grad_cam@a") == steps(tmp_path) == [-1, 0, 1]


def steps_of(folder):
    return {tag: [step for step, _ in steps] for tag, steps in keras_see.read(folder).items() if tag.endswith("peak")}


def classifier(*, built=True):
    parts = [layers.Conv2D(4, 3, name="conv"), layers.GlobalAveragePooling2D(), layers.Dense(3, activation="softmax")]
    model = keras.Sequential([keras.Input((8, 6, 3)), *parts] if built else parts)
    model.compile("sgd", "sparse_categorical_crossentropy")
    return model


def test_callbacks_of_one_own_loop_have_the_same_steps(tmp_path):
    callbacks = [Saliency(tmp_path, photos(2)), GradCAM(tmp_path, photos(2)), Saliency(tmp_path, photos(2), name="b")]
    model = classifier()
    for callback in callbacks:
        callback.set_model(model)
    for epoch in range(3):
        for callback in callbacks:
            callback.on_epoch_end(epoch)
            run_writer.run_writer_at(tmp_path).drain()  # so that the next callback finds what this one wrote
    for callback in callbacks:
        callback.on_train_end()
    assert list(steps_of(tmp_path).values()) == [[0, 1, 2]] * 3


def test_callbacks_that_start_late_in_one_training_have_the_same_steps(tmp_path):
    callbacks = [Saliency(tmp_path, photos(2), strict=False), GradCAM(tmp_path, photos(2), strict=False)]
    classifier(built=False).fit(photos(2), np.array([0, 1]), epochs=3, verbose=0, callbacks=callbacks)
    one, other = steps_of(tmp_path).values()
    assert one == other
    assert one[-3:] == [0, 1, 2]


def test_a_training_that_failed_at_its_start_does_not_block_the_next(tmp_path):
    model, images, labels = classifier(), photos(2), np.array([0, 1])
    first = [Saliency(tmp_path, images), GradCAM(tmp_path, images, layer="wrong")]
    with pytest.raises(ValueError, match="wrong"):
        model.fit(images, labels, verbose=0, callbacks=first)
    model.fit(images, labels, verbose=0, callbacks=[Saliency(tmp_path, images), GradCAM(tmp_path, images)])
    assert list(steps_of(tmp_path).values()) == [[-1, 0]] * 2
    del first


def test_a_tracker_that_is_named_twice_is_written_to_once(tmp_path):
    callback = Saliency(tmp_path, photos(2), trackers=["folder", "folder"])
    classifier().fit(photos(2), np.array([0, 1]), verbose=0, callbacks=[callback])
    lines = (tmp_path / "pictures" / "records.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(lines) == len(set(lines))


def test_a_name_cannot_leave_the_folder(tmp_path):
    with pytest.raises(ValueError, match="no part"):
        Saliency(tmp_path, photos(2), name="../../elsewhere")
