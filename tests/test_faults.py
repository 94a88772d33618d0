"""What can go wrong beside training: it must go on, and what was written must stay readable."""

import contextlib
import os
import signal

import keras
import numpy as np
import pytest
from keras import layers

import keras_see
from keras_see.callbacks import ContentImages, NeuronImages, Saliency
from keras_see.model import backend, cache
from keras_see.runs.records import Number
from keras_see.runs.run_writer import run_writer_at
from keras_see.training import map_view, optimized_image_views

X, Y = np.random.default_rng(0).random((8, 8, 8, 3)).astype("float32"), np.arange(8) % 2


def fit(callback, epochs=5, **options):
    inputs = keras.Input((8, 8, 3))
    features = layers.Conv2D(2, 3, name="conv")(inputs)
    model = keras.Model(inputs, layers.Dense(2, "softmax")(layers.GlobalAveragePooling2D()(features)))
    model.compile("sgd", "sparse_categorical_crossentropy")
    history = model.fit(X, Y, epochs=epochs, verbose=0, callbacks=callback, **options)
    assert len(history.history["loss"]) == epochs
    return model


def steps(folder):
    return [step for step, _ in keras_see.read(folder)["see/saliency"]]


def test_running_out_of_memory_in_a_pass_is_survived(tmp_path, monkeypatch):
    real, calls = backend.compiled, []

    def compiled(function):
        run = real(function)

        def sometimes(*args):
            calls.append(len(calls))
            if calls[-1] in (2, 3):
                raise MemoryError("the device has no memory left")
            return run(*args)

        return sometimes

    monkeypatch.setattr(backend, "compiled", compiled)
    callback = Saliency(tmp_path, X[:2])
    fit([callback])
    assert steps(tmp_path) == [-1, 0, 3, 4]
    assert len(callback.failures) == 2
    assert all("no memory left" in line for line in callback.failures)
    assert [step for step, _ in keras_see.read(tmp_path)["see/status"]] == [1, 2]


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_weights_that_are_not_finite_are_no_failure(tmp_path, value):
    class Spoil(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 1:
                self.model.get_layer("conv").kernel.assign(np.full((3, 3, 3, 2), value))

    callback = keras_see.Watch(tmp_path, X[:2], sheets="all")
    fit([Spoil(), callback], epochs=3)
    assert not callback.failures
    assert steps(tmp_path) == [-1, 0, 1, 2]


@pytest.mark.parametrize("kind", [NeuronImages, ContentImages])
def test_images_cannot_be_made_under_weights_that_are_not_finite_and_training_goes_on(tmp_path, kind):
    class Spoil(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 1:
                self.model.get_layer("conv").kernel.assign(np.full((3, 3, 3, 2), np.nan))

    name = {NeuronImages: "neurons", ContentImages: "content"}[kind]
    callback = kind(tmp_path, images=X[:1], steps=1, every=1)
    fit([Spoil(), callback], epochs=3)
    assert len(callback.failures) == 2
    assert all("finite" in line for line in callback.failures)
    assert [step for step, _ in keras_see.read(tmp_path)[f"see/{name}"]] == [-1, 0]


@pytest.mark.parametrize(("view", "kind"), [(map_view, keras_see.Watch), (optimized_image_views, NeuronImages)])
def test_an_error_in_drawing_costs_one_picture(tmp_path, monkeypatch, view, kind):
    real, calls = view.sheet_of, []

    def sometimes(*args, **options):
        calls.append(args)
        if len(calls) == 3:
            raise LookupError("the pen is broken")
        return real(*args, **options)

    monkeypatch.setattr(view, "sheet_of", sometimes)
    callback = kind(tmp_path, images=X[:2], **({"steps": 1} if kind is NeuronImages else {"methods": "saliency"}))
    fit([callback], epochs=3)
    (line,) = callback.failures
    assert line == "step 1: LookupError: the pen is broken"
    tag = "see/neurons" if kind is NeuronImages else "see/saliency"
    assert [step for step, _ in keras_see.read(tmp_path)[tag]] == [-1, 0, 2]


@contextlib.contextmanager
def full_disk():
    """Let no file grow beyond what it has, as a full disk does."""
    resource = pytest.importorskip("resource")
    handler, limits = signal.signal(signal.SIGXFSZ, signal.SIG_IGN), resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (3000, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)


@contextlib.contextmanager
def no_permission():
    """Be a user who may do nothing in folders of others."""
    user = os.geteuid()
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(user)


needs_root = pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can be another")


@pytest.mark.parametrize("trouble", [full_disk, pytest.param(no_permission, marks=needs_root)])
def test_what_cannot_be_written_for_a_while_is_lost_and_the_rest_is_readable(tmp_path, trouble):
    folder, troubled = run_writer_at(tmp_path / "logs"), contextlib.ExitStack()

    class Trouble(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            folder.drain()
            if epoch == 1:
                troubled.enter_context(trouble())
            if epoch == 3:
                troubled.close()

    callback = Saliency(tmp_path / "logs", X[:2])
    with troubled:
        fit([Trouble(), callback])
    assert steps(tmp_path / "logs") == [-1, 0, 3, 4]
    assert len(callback.failures) == 2
    assert len(list((tmp_path / "logs").iterdir())) == 1


@needs_root
def test_a_folder_without_permission_is_refused_before_training(tmp_path):
    with no_permission(), pytest.raises(ValueError, match=r"cannot: Permission denied\. Choose another folder"):
        fit([Saliency(tmp_path / "logs", X[:2])])


def test_a_folder_removed_in_training_is_made_again(tmp_path):
    folder = run_writer_at(tmp_path / "logs")

    class Remove(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            folder.drain()
            if epoch == 2:
                for path in (tmp_path / "logs").iterdir():
                    path.unlink()
                (tmp_path / "logs").rmdir()

    callback = Saliency(tmp_path / "logs", X[:2])
    fit([Remove(), callback])
    assert not callback.failures
    assert steps(tmp_path / "logs") == [2, 3, 4]


def test_a_temporary_folder_that_cannot_be_written_to_is_not_needed(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path / "nowhere"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "nowhere"))
    callback = Saliency(tmp_path / "logs", X[:2])
    fit([callback], epochs=2)
    assert steps(tmp_path / "logs") == [-1, 0, 1]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.backends("torch")
def test_a_forked_process_writes_a_file_of_its_own(tmp_path):
    writer = run_writer_at(tmp_path)
    writer.submit(lambda: writer.write(0, {"parent": Number(1.0)}))
    child = os.fork()
    if child == 0:
        try:
            mine = run_writer_at(tmp_path)
            mine.submit(lambda: mine.write(0, {"child": Number(2.0)}))
            mine.drain()
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    writer.drain()
    assert dict(keras_see.read(tmp_path)) == {"parent": [(0, 1.0)], "child": [(0, 2.0)]}


def test_a_pass_is_freed_with_its_model(tmp_path):
    import gc
    import weakref

    model = fit([Saliency(tmp_path, X[:2])], epochs=1)
    assert model in cache._ENTRIES
    gone = weakref.ref(model)
    del model
    gc.collect()
    keras.backend.clear_session()
    gc.collect()
    assert gone() is None
