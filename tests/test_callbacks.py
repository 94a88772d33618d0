import copy
import functools
import gc
import logging
import pickle
import shutil
import weakref
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers
from PIL import Image

import keras_see
from keras_see.attribution import gradient_pass
from keras_see.callbacks import CAM, GradCAM, Saliency
from keras_see.model import cache
from keras_see.runs.run_writer import run_writer_at
from keras_see.training import epoch_callback
from keras_see.visualization.display import to_pictures
from keras_see.visualization.sheets import MARGIN, TILE, Column, sheet_of

BACKEND = keras.backend.backend()
RNG = np.random.default_rng(7)
X, Y = RNG.random((24, 16, 16, 3)).astype("float32"), np.arange(24) % 3


def classifier(head="dense", dtype=None, **compiled):
    inputs = keras.Input((16, 16, 3))
    features = layers.Conv2D(4, 3, activation="relu", name="conv", dtype=dtype)(inputs)
    if head == "dense":
        outputs = layers.Dense(3, "softmax", name="dense")(layers.GlobalAveragePooling2D(name="gap")(features))
    else:
        outputs = layers.Dense(3, "softmax")(layers.Flatten()(features))
    model = keras.Model(inputs, outputs)
    model.compile(**{"optimizer": "adam", "loss": "sparse_categorical_crossentropy", **compiled})
    return model


def fit(model, *callbacks, epochs=3, **options):
    return model.fit(X, Y, epochs=epochs, batch_size=8, verbose=0, callbacks=list(callbacks), **options)


def steps(folder, tag):
    return [step for step, _ in keras_see.read(folder)[tag]]


class Weights(keras.callbacks.Callback):
    """Keeps the weights of each epoch's end."""

    def on_train_begin(self, logs=None):
        self.kept = {-1: self.model.get_weights()}

    def on_epoch_end(self, epoch, logs=None):
        self.kept[epoch] = self.model.get_weights()


def test_each_method_has_a_sheet_for_the_state_before_training_and_for_every_epoch(tmp_path):
    fit(classifier(), keras_see.Watch(tmp_path, (X[:4], Y[:4])))
    found = keras_see.read(tmp_path)
    for word in ("saliency", "grad_cam", "overview"):
        assert steps(tmp_path, f"see/{word}") == [-1, 0, 1, 2]
        assert all(picture.dtype == np.uint8 and picture.shape[2] == 3 for _, picture in found[f"see/{word}"])


def test_every_epoch_shows_the_weights_of_that_epoch(tmp_path):
    model, weights, methods = classifier(), Weights(), ["saliency", "grad_cam", "cam"]
    fit(model, weights, keras_see.Watch(tmp_path, (X[:4], Y[:4]), methods=methods))
    written = keras_see.read(tmp_path)
    for step, kept in weights.kept.items():
        model.set_weights(kept)
        maps = keras_see.maps(model, X[:4], Y[:4], methods)
        for word in methods:
            peak = maps[word].max(axis=(1, 2)).mean()
            np.testing.assert_allclose(dict(written[f"see/{word}/peak"])[step], peak, rtol=1e-4)


def test_the_picture_is_the_overlay_of_the_map_in_the_range_that_it_states(tmp_path):
    model, smooth = classifier(), np.linspace(0, 1, 16 * 16 * 3).reshape(1, 16, 16, 3).astype("float32")
    fit(model, GradCAM(tmp_path, smooth, "predicted"), epochs=1)
    written = keras_see.read(tmp_path)
    upper = dict(written["see/grad_cam/range"])[0]
    picture = dict(written["see/grad_cam"])[0]
    maps = keras_see.grad_cam_maps(model, smooth)
    assert maps.max() > 0
    enlarged = smooth.repeat(10, axis=1).repeat(10, axis=2)
    expected = keras_see.overlay(enlarged, maps, scale=upper)[0].astype(int)
    places = [(top, left) for top in range(40, 80) for left in range(170, 185)]
    near, far = (
        min(np.abs(picture[t : t + TILE, left : left + TILE] - other).mean() for t, left in places)
        for other in (expected, enlarged[0] * 255)
    )
    assert near < 10  # of 255; the sheet may be a JPEG
    assert far > 2 * near


@pytest.mark.backends("tensorflow", "jax")
def test_a_whole_run_is_traced_once(tmp_path):
    model = classifier()
    fit(model, keras_see.Watch(tmp_path, X[:4]), epochs=6)
    fit(model, keras_see.Watch(tmp_path, X[4:8]), epochs=2)
    kept = [thing for thing in cache._ENTRIES[model].values() if isinstance(thing, gradient_pass.GradientPass)]
    assert [thing.traces for thing in kept] == [1]


def test_several_layers_give_a_sheet_each_and_only_named_layers_are_in_the_tags(tmp_path):
    model = classifier()
    fit(model, GradCAM(tmp_path / "a", X[:2], layer=["conv"]), GradCAM(tmp_path / "b", X[:2]), epochs=1)
    assert "see/grad_cam@conv" in keras_see.read(tmp_path / "a")
    assert "see/grad_cam" in keras_see.read(tmp_path / "b")


def test_watch_leaves_out_what_the_model_does_not_allow(tmp_path):
    fit(classifier(head="flat"), keras_see.Watch(tmp_path, X[:2]), epochs=1)
    assert {tag for tag in keras_see.read(tmp_path) if tag.count("/") == 1} == {
        "see/saliency",
        "see/grad_cam",
        "see/overview",
    }


def test_a_second_fit_continues_after_the_last_step_and_logs_that_once(tmp_path, caplog):
    model, callback = classifier(), Saliency(tmp_path, X[:2])
    fit(model, callback, epochs=2)
    with caplog.at_level(logging.WARNING, "keras_see"):
        fit(model, callback, epochs=3)
    assert steps(tmp_path, "see/saliency") == [-1, 0, 1, 2, 3, 4]
    assert len(caplog.records) == 1


def test_a_resumed_fit_keeps_its_steps_and_its_range(tmp_path, caplog):
    model = classifier()
    fit(model, Saliency(tmp_path, X[:2]), epochs=2)
    before = dict(keras_see.read(tmp_path)["see/saliency/range"])[1]
    fit(model, Saliency(tmp_path, X[:2]), epochs=4, initial_epoch=2)
    assert steps(tmp_path, "see/saliency") == [-1, 0, 1, 2, 3]
    after = dict(keras_see.read(tmp_path)["see/saliency/range"])[2]
    assert np.log2(after / before) == pytest.approx(round(np.log2(after / before)))
    assert after >= before
    assert not caplog.records


def test_unfreezing_between_two_fits_works(tmp_path):
    model = classifier()
    model.get_layer("conv").trainable = False
    model.compile("adam", "sparse_categorical_crossentropy")
    callback = keras_see.Watch(tmp_path, X[:2])
    fit(model, callback, epochs=1)
    model.get_layer("conv").trainable = True
    model.compile("adam", "sparse_categorical_crossentropy")
    fit(model, callback, epochs=2, initial_epoch=1)
    assert steps(tmp_path, "see/overview") == [-1, 0, 1]
    assert not callback.failures


def test_folds_with_names_line_up_in_one_folder(tmp_path):
    for fold in range(3):
        fit(classifier(), Saliency(tmp_path, X[:2], name=f"fold{fold}"), epochs=2)
    for fold in range(3):
        assert steps(tmp_path, f"see/fold{fold}/saliency") == [-1, 0, 1]


def test_two_callbacks_share_the_one_file_of_the_folder(tmp_path):
    fit(
        classifier(), Saliency(tmp_path, X[:2]), GradCAM(tmp_path, X[:2]), Saliency(tmp_path, X[:2], name="b"), epochs=1
    )
    assert len(list(tmp_path.iterdir())) == 1
    assert steps(tmp_path, "see/grad_cam") == steps(tmp_path, "see/b/saliency") == [-1, 0]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"every": 2}, [-1, 0, 2, 4]),
        ({"every": 3}, [-1, 0, 3, 4]),
        ({"every": 9, "before_training": False}, [0, 4]),
        ({"epochs": [1, 3]}, [-1, 1, 3]),
        ({"epochs": range(0, 99, 2), "before_training": False}, [0, 2, 4]),
    ],
)
def test_the_schedule_decides_which_epochs_are_logged(tmp_path, options, expected):
    fit(classifier(), Saliency(tmp_path, X[:2], **options), epochs=5)
    assert steps(tmp_path, "see/saliency") == expected


def test_callbacks_of_one_fit_whose_tags_are_equal_are_told_apart_by_their_kind(tmp_path, caplog):
    model = classifier()

    def kinds():
        return keras_see.Watch(tmp_path, X[:2]), GradCAM(tmp_path, X[2:4]), GradCAM(tmp_path, X[4:6])

    fit(model, *kinds(), epochs=1)
    fit(model, *kinds(), epochs=2, initial_epoch=1)
    log = keras_see.read(tmp_path)
    for prefix, images in (("see", X[:2]), ("see/GradCAM", X[2:4]), ("see/GradCAM-2", X[4:6])):
        assert steps(tmp_path, f"{prefix}/grad_cam") == [-1, 0, 1]
        peak = keras_see.grad_cam_maps(model, images).max(axis=(1, 2)).mean()
        assert dict(log[f"{prefix}/grad_cam/peak"])[1] == pytest.approx(peak, rel=1e-4)
    assert "see/saliency" in log
    assert "see/GradCAM/saliency" not in log
    said = [record.getMessage() for record in caplog.records]
    assert len(said) == 4
    assert said[:2] == said[2:]
    assert said[0].startswith("GradCAM writes 'see/GradCAM/...', since Watch of the same fit writes 'see/grad_cam'.")
    assert said[1].startswith("GradCAM writes 'see/GradCAM-2/...', since GradCAM of the same fit writes")


def test_callbacks_of_one_name_are_told_apart_below_it(tmp_path):
    fit(classifier(), *(Saliency(tmp_path, X[:2], name="val") for _ in range(2)), epochs=1)
    assert steps(tmp_path, "see/val/saliency") == steps(tmp_path, "see/val/Saliency/saliency") == [-1, 0]


def test_a_callback_has_its_own_tags_again_where_it_is_alone(tmp_path):
    model, second = classifier(), Saliency(tmp_path, X[:2])
    fit(model, Saliency(tmp_path, X[:2]), second, epochs=1)
    fit(model, second, epochs=2, initial_epoch=1)
    assert steps(tmp_path, "see/saliency") == [-1, 0, 1]
    assert steps(tmp_path, "see/Saliency/saliency") == [-1, 0]


def test_without_strict_two_late_callbacks_are_told_apart_too(tmp_path):
    model = keras.Sequential([layers.Conv2D(4, 3), layers.GlobalAveragePooling2D(), layers.Dense(3, "softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy")
    fit(model, *(Saliency(tmp_path, X[:2], strict=False) for _ in range(2)), epochs=1)
    assert steps(tmp_path, "see/saliency")[-1:] == steps(tmp_path, "see/Saliency/saliency")[-1:] == [0]


def test_one_callback_that_is_there_twice_is_refused(tmp_path):
    callback, model = Saliency(tmp_path, X[:2]), classifier()
    with pytest.raises(ValueError, match=r"This Saliency is there twice\. Leave one out, or make another"):
        fit(model, callback, callback)
    fit(model, callback, epochs=1)
    assert steps(tmp_path, "see/saliency") == [-1, 0]


def blank_sheet(notes):
    """Return a sheet of two black images with a map each, and these notes below it."""
    pictures = np.zeros((2, TILE, TILE, 3), "uint8")
    return sheet_of(pictures, [Column("map", pictures)], footer=["; ".join(filter(None, notes))])


def bottom(image):
    """Return the pixels of the last line of a sheet."""
    return image.convert("RGB").crop((0, image.height - 30 - MARGIN, *image.size)).tobytes()


def test_a_softmax_that_is_no_layer_is_noted_in_the_sheet_and_logged_by_functions(tmp_path, caplog):
    class Hidden(keras.Model):
        def __init__(self):
            super().__init__()
            self.conv, self.gap, self.dense = layers.Conv2D(4, 3), layers.GlobalAveragePooling2D(), layers.Dense(3)

        def call(self, images):
            return keras.ops.softmax(self.dense(self.gap(self.conv(images))))

    model = Hidden()
    model.compile("sgd", "sparse_categorical_crossentropy")
    fit(model, Saliency(tmp_path, X[:2], trackers=["folder"]), epochs=1)
    last_line = bottom(Image.open(tmp_path / "pictures" / "see" / "saliency" / "00000.png"))
    notes = ["epoch 1/1 (step 0)", "colours: one range since step 0", to_pictures(X[:2], None)[1]]
    warning = "saturated: the softmax is no layer, so probabilities are explained"
    assert last_line == bottom(blank_sheet([*notes, warning]))
    assert last_line != bottom(blank_sheet(notes))
    keras_see.saliency_maps(model, X[:2])
    assert "no layer of it is their softmax" in caplog.text
    assert not keras_see.saliency_maps(classifier(), X[:2]).min() < 0
    assert caplog.text.count("no layer of it") == 1


def test_a_budget_makes_evaluations_rarer_and_that_is_logged_once(tmp_path, caplog):
    callback = Saliency(tmp_path, X[:2], budget=1e-6)
    with caplog.at_level(logging.WARNING, "keras_see"):
        fit(classifier(), callback, epochs=6)
    assert steps(tmp_path, "see/saliency") == [-1, 0, 5]
    said = [record for record in caplog.records if "now evaluates every" in record.message]
    assert len([record for record in said if record.levelno == logging.WARNING]) == 1
    assert "compiling" in said[0].message


def test_a_size_limit_is_kept(tmp_path):
    fit(classifier(), Saliency(tmp_path / "free", X[:2]), epochs=12)
    free = sum(path.stat().st_size for path in (tmp_path / "free").iterdir())
    fit(classifier(), Saliency(tmp_path / "kept", X[:2], max_megabytes=0.6 * free / 1e6), epochs=12)
    assert sum(path.stat().st_size for path in (tmp_path / "kept").iterdir()) <= 0.6 * free
    assert steps(tmp_path / "kept", "see/saliency")[-1] == 11


def test_a_run_stopped_early_logs_its_last_epoch(tmp_path):
    class Stop(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.model.stop_training = epoch == 1

    fit(classifier(), Saliency(tmp_path, X[:2], every=5), Stop(), epochs=9)
    assert steps(tmp_path, "see/saliency") == [-1, 0, 1]


def test_averaged_weights_are_shown_when_they_are_what_the_user_keeps(tmp_path):
    model = classifier(optimizer=keras.optimizers.Adam(0.1, use_ema=True))
    fit(model, Saliency(tmp_path, X[:2]), epochs=2)
    written = dict(keras_see.read(tmp_path)["see/saliency/peak"])
    peak = keras_see.saliency_maps(model, X[:2]).max(axis=(1, 2)).mean()
    assert written[2] == pytest.approx(peak, rel=1e-4)
    assert written[1] != pytest.approx(peak, rel=1e-4)


def test_a_resumed_training_with_averaged_weights_keeps_its_steps(tmp_path, caplog):
    first, model = (classifier(optimizer=keras.optimizers.Adam(0.01, use_ema=True)) for _ in range(2))
    fit(first, Saliency(tmp_path, X[:2]), epochs=2)
    model.set_weights(first.get_weights())  # another model, as in another process: on JAX Keras cannot fit one twice
    fit(model, Saliency(tmp_path, X[:2]), epochs=4, initial_epoch=2)
    assert steps(tmp_path, "see/saliency") == [-1, 0, 1, 2, 3, 4]
    peak = keras_see.saliency_maps(model, X[:2]).max(axis=(1, 2)).mean()
    assert dict(keras_see.read(tmp_path)["see/saliency/peak"])[4] == pytest.approx(peak, rel=1e-4)
    assert "becomes step" not in caplog.text


def test_an_unbuilt_model_is_built_and_trains_as_without_the_callback(tmp_path):
    def train(*callbacks):
        keras.utils.set_random_seed(3)
        model = keras.Sequential(
            [layers.Conv2D(4, 3), layers.Dropout(0.5), layers.GlobalAveragePooling2D(), layers.Dense(3, "softmax")]
        )
        model.compile("adam", "sparse_categorical_crossentropy")
        fit(model, *callbacks)
        return model.get_weights()

    for plain, watched in zip(train(), train(keras_see.Watch(tmp_path, X[:2])), strict=True):
        np.testing.assert_array_equal(plain, watched)


def test_without_strict_an_unbuilt_model_is_built_by_its_training(tmp_path, caplog):
    def train(images, folder):
        model = keras.Sequential([layers.Conv2D(4, 3, activation="relu"), layers.Flatten(), layers.Dense(3)])
        model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
        fit(model, keras_see.Watch(folder, images, strict=False), epochs=2)

    train(np.zeros((2, 20, 20, 3), "float32"), tmp_path / "other")
    assert "Watch is switched off: `images` must fit" in caplog.text
    train(X[:2], tmp_path / "same")
    assert [step for step, _ in keras_see.read(tmp_path / "same")["see/overview"]][-2:] == [0, 1]


def test_epochs_outside_the_training_are_logged_as_a_warning(tmp_path, caplog):
    fit(classifier(), Saliency(tmp_path, X[:2], epochs=[100]), epochs=2)
    assert "0 to 1: none is shown" in caplog.text
    caplog.clear()
    fit(classifier(), Saliency(tmp_path, X[:2], epochs=[1, 100], name="b"), epochs=2)
    assert "none is shown" not in caplog.text


def test_labels_predictions_and_callables_can_be_explained(tmp_path):
    model = classifier()
    targets = {"label": Y[:4], "predicted": None, "one": 2}
    for name in targets:
        given = 2 if name == "one" else name
        fit(model, Saliency(tmp_path, (X[:4], Y[:4]), given, name=name), epochs=1)
        peak = keras_see.saliency_maps(model, X[:4], targets[name]).max(axis=(1, 2)).mean()
        assert dict(keras_see.read(tmp_path)[f"see/{name}/saliency/peak"])[0] == pytest.approx(peak, rel=1e-4)


def test_the_output_of_a_regression_is_explained_whatever_its_labels(tmp_path):
    inputs = keras.Input((16, 16, 3))
    ages = layers.Dense(1)(layers.GlobalAveragePooling2D()(layers.Conv2D(4, 3)(inputs)))
    model = keras.Model(inputs, ages)
    model.compile("sgd", "mse")
    callback = Saliency(tmp_path, (X[:4], np.array([20.0, 31.0, 44.0, 5.0])))
    model.fit(X, np.ones(24), verbose=0, callbacks=[callback])
    assert steps(tmp_path, "see/saliency") == [-1, 0]
    peak = keras_see.saliency_maps(model, X[:4]).max(axis=(1, 2)).mean()
    assert dict(keras_see.read(tmp_path)["see/saliency/peak"])[0] == pytest.approx(peak, rel=1e-4)


class Scorer:
    """Holds a model, and scores its first class."""

    def __init__(self, model):
        self.model = model

    def score(self, outputs):
        return outputs[:, 0] * len(self.model.layers)


def partly(model, outputs):
    return outputs[:, 0] * len(model.layers)


def closure_over(model):
    return lambda outputs: outputs[:, 0] * len(model.layers)


def reference_after_training(folder, targets_of):
    """Train a model with a callback, keep neither, and return a weak reference to the model."""
    model = classifier()
    fit(model, keras_see.Watch(folder, X[:2], targets_of(model)), epochs=2)
    assert steps(folder, "see/saliency") == [-1, 0, 1]
    return weakref.ref(model)


@pytest.mark.parametrize(
    "targets_of",
    [
        lambda model: None,
        closure_over,
        lambda model: Scorer(model).score,
        lambda model: functools.partial(partly, model),
    ],
    ids=["none", "closure", "bound method", "partial"],
)
def test_targets_that_hold_the_model_do_not_keep_it_alive(tmp_path, targets_of):
    reference = reference_after_training(tmp_path, targets_of)
    gc.collect()
    assert reference() is None


def test_preprocess_makes_what_the_model_takes_and_leaves_the_images_alone(tmp_path):
    model, images = classifier(), (X[:2] * 255).astype("uint8")

    def preprocess(images):
        images = images.astype("float32")
        images /= 255
        return images

    before = images.copy()
    fit(model, Saliency(tmp_path, images, 0, preprocess=preprocess), epochs=1)
    np.testing.assert_array_equal(images, before)
    peak = keras_see.saliency_maps(model, images / np.float32(255), 0).max(axis=(1, 2)).mean()
    assert dict(keras_see.read(tmp_path)["see/saliency/peak"])[0] == pytest.approx(peak, rel=1e-4)


def test_regions_give_the_curve_of_the_energy_inside(tmp_path):
    model, boxes = classifier(), [(0, 0, 8, 16), (0, 0, 16, 4)]
    fit(model, CAM(tmp_path, X[:2], 1, regions=boxes), epochs=1)
    maps = keras_see.class_activation_maps(model, X[:2], 1)
    share = np.nanmean(keras_see.metrics.energy_inside(maps, boxes, size=(16, 16)))
    assert dict(keras_see.read(tmp_path)["see/cam/energy_inside"])[0] == pytest.approx(share, rel=1e-4)


def test_training_continues_when_the_folder_is_lost_and_pictures_come_back_with_it(tmp_path, caplog):
    folder = tmp_path / "logs"
    shared = run_writer_at(folder)

    class Thief(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            shared.drain()
            if epoch == 1:
                shutil.move(folder, tmp_path / "stolen")
                folder.write_text("a file in its place")
            if epoch == 2:
                folder.unlink()

    callback = Saliency(folder, X[:2])
    with caplog.at_level(logging.ERROR, "keras_see"):
        history = fit(classifier(), Thief(), callback, epochs=4)
    assert len(history.history["loss"]) == 4
    assert steps(tmp_path / "stolen", "see/saliency")[0] == -1
    assert steps(folder, "see/saliency")[-1] == 3
    assert callback.failures
    assert len([record for record in caplog.records if "No picture" in record.message]) == len(callback.failures)


def break_at(epochs, model):
    """A callback that makes the model fail, when it is traced, from one epoch's end to another's."""
    layer, call = model.get_layer("conv"), model.get_layer("conv").call

    class Break(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            def broken(*args, **kwargs):
                raise RuntimeError("the layer is broken")

            object.__setattr__(layer, "call", broken if epoch in epochs else call)
            cache._ENTRIES.clear()

        def on_epoch_begin(self, epoch, logs=None):
            object.__setattr__(layer, "call", call)

    return Break()


def test_a_failure_is_logged_and_shown_once_and_the_next_epoch_is_tried_again(tmp_path, caplog):
    model, callback = classifier(run_eagerly=BACKEND == "tensorflow"), Saliency(tmp_path, X[:2])
    history = fit(model, break_at({1}, model), callback, epochs=4)
    assert len(history.history["loss"]) == 4
    assert steps(tmp_path, "see/saliency") == [-1, 0, 2, 3]
    assert len(callback.failures) == 1
    assert "the layer is broken" in callback.failures[0]
    ((step, text),) = keras_see.read(tmp_path)["see/status"]
    assert step == 1
    assert "the layer is broken" in text


def test_after_three_failures_in_a_row_a_callback_rests_until_the_next_fit(tmp_path):
    model, callback = classifier(), Saliency(tmp_path, X[:2])
    fit(model, break_at({1, 2, 3}, model), callback, epochs=7)
    assert len(callback.failures) == 3
    assert steps(tmp_path, "see/saliency") == [-1, 0]
    fit(model, callback, epochs=8, initial_epoch=7)
    assert steps(tmp_path, "see/saliency") == [-1, 0, 7]


def test_weights_that_are_not_finite_give_a_picture_that_says_so(tmp_path):
    model = classifier()
    model.get_layer("conv").kernel.assign(np.full((3, 3, 3, 4), np.nan))
    callback = keras_see.Watch(tmp_path, X[:2])
    fit(model, callback, epochs=1)
    assert not callback.failures
    assert steps(tmp_path, "see/overview") == [-1, 0]


def test_an_interrupted_fit_leaves_its_pictures_and_can_be_followed_by_another(tmp_path):
    class Interrupt(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 2:
                raise KeyboardInterrupt

    model, callback = classifier(), Saliency(tmp_path, X[:2])
    with pytest.raises(KeyboardInterrupt):
        fit(model, Interrupt(), callback, epochs=9)
    fit(model, callback, epochs=4, initial_epoch=2)
    assert steps(tmp_path, "see/saliency") == [-1, 0, 1, 2, 3]


class InterruptFirst(keras.callbacks.Callback):
    """Ends a training in its first epoch, as Ctrl+C does."""

    def on_train_batch_end(self, batch, logs=None):
        raise KeyboardInterrupt


def test_the_sheet_before_training_of_an_interrupted_first_epoch_is_written_by_the_next_fit(tmp_path):
    model, callback = classifier(), Saliency(tmp_path, X[:2])
    before = keras_see.saliency_maps(model, X[:2]).max(axis=(1, 2)).mean()
    with pytest.raises(KeyboardInterrupt):
        fit(model, InterruptFirst(), callback)
    fit(model, callback, epochs=1)
    assert dict(keras_see.read(tmp_path)["see/saliency/peak"])[-1] == pytest.approx(before, rel=1e-4)
    assert steps(tmp_path, "see/saliency") == [-1, 0]


def test_what_an_interrupted_training_holds_is_written_when_the_program_ends(tmp_path):
    callback = Saliency(tmp_path, X[:2])
    with pytest.raises(KeyboardInterrupt):
        fit(classifier(), InterruptFirst(), callback)
    assert not list(tmp_path.glob("*tfevents*"))
    epoch_callback._write_what_was_broken_off()
    assert steps(tmp_path, "see/saliency") == [-1]
    epoch_callback._write_what_was_broken_off()
    assert steps(tmp_path, "see/saliency") == [-1]


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda callback: pickle.loads(pickle.dumps(callback))])
def test_a_callback_can_be_copied_before_training(tmp_path, copied):
    fit(classifier(), copied(keras_see.Watch(tmp_path, X[:2])), epochs=1)
    assert steps(tmp_path, "see/saliency") == [-1, 0]


def test_with_strict_off_a_wrong_argument_only_switches_the_callback_off(tmp_path, caplog):
    wrong_now = Saliency(tmp_path, X[:2], every=0, strict=False)
    wrong_later = GradCAM(tmp_path, X[:2], layer="nothing", strict=False)
    history = fit(classifier(), wrong_now, wrong_later, epochs=2)
    assert len(history.history["loss"]) == 2
    messages = [record.message for record in caplog.records if record.name == "keras_see"]  # TensorFlow warns too
    assert len(messages) == 2, messages
    assert all("switched off" in message for message in messages)
    assert not list(tmp_path.glob("*tfevents*"))


REFUSED_AT_ONCE = (
    ("log_dir", {"log_dir": 3}, TypeError, "Pass the folder"),
    ("grey images", {"images": X[..., 0]}, ValueError, r"If these are grey images, pass images\[\.\.\., None\]"),
    ("no images", {"images": X[:0]}, ValueError, "one image at least"),
    ("nan", {"images": np.full((2, 16, 16, 3), np.nan)}, ValueError, r"index \[0, 1\] hold NaN"),
    ("many", {"images": np.zeros((5000, 16, 16, 3), "uint8")}, ValueError, r"Got 5000. Pass images\[:8\] or n=8"),
    ("a generator", {"images": (image for image in X)}, TypeError, "tf.data.Dataset"),
    ("a number", {"images": 3}, ValueError, "one image at least"),
    ("too few labels", {"images": (X[:4], Y[:3])}, ValueError, r"`labels` must hold one label per image, 4"),
    ("n", {"n": 0}, ValueError, "`n` must be a whole number from 1. Got 0"),
    ("every", {"every": 0}, ValueError, "`every` must be a whole number from 1"),
    ("every as a share", {"every": 0.5}, ValueError, "Got 0.5"),
    ("epochs as a number", {"epochs": 20}, TypeError, "must be a collection .* use every=20"),
    ("epochs below 0", {"epochs": [-1]}, ValueError, "whole numbers from 0"),
    ("epochs and every", {"epochs": [1], "every": 2}, ValueError, "excludes `every` and `budget`"),
    ("epochs and budget", {"epochs": [1], "budget": 0.1}, ValueError, "excludes `every` and `budget`"),
    ("budget", {"budget": 5}, ValueError, "`budget` must be None or a number above 0"),
    ("max_megabytes", {"max_megabytes": 0}, ValueError, "`max_megabytes` must be None or a number above 0"),
    ("name", {"name": "my run!"}, ValueError, "`name` must be made of letters"),
    ("scale", {"scale": "epoch"}, ValueError, '`scale` must be "run"'),
    ("scale of 0", {"scale": 0}, ValueError, "Got 0"),
    ("display", {"display": lambda images: images[0]}, ValueError, "`display` must be None, "),
    ("display of other images", {"display": np.zeros((3, 16, 16, 3), "uint8")}, ValueError, "one picture per image"),
    ("preprocess", {"preprocess": "caffe"}, TypeError, "`preprocess` must be a function"),
    ("regions", {"regions": [(0, 0, 4, 4)]}, ValueError, "one entry per image"),
    ("a region outside", {"regions": [(90, 90, 99, 99)] * 2}, ValueError, "none of their pixels"),
    ("batch_size", {"batch_size": 0}, ValueError, "`batch_size` must be a whole number from 1"),
    ("names as one", {"class_names": "abc"}, TypeError, "`class_names` must be a list"),
    ("names as a set", {"class_names": {"a", "b", "c"}}, TypeError, "must be a list of names"),
    ("names as a dict", {"class_names": {"a": 0, "b": 1, "c": 2}}, TypeError, "Got {'a': 0"),
    ("an unknown option", {"evry": 2}, TypeError, "evry"),
)


@pytest.mark.parametrize(
    ("options", "error", "message"), [row[1:] for row in REFUSED_AT_ONCE], ids=[row[0] for row in REFUSED_AT_ONCE]
)
def test_a_wrong_argument_is_refused_when_the_callback_is_made(tmp_path, options, error, message):
    with pytest.raises(error, match=message):
        keras_see.Watch(**{"log_dir": tmp_path, "images": X[:2], **options})


AGAINST_THE_MODEL = (
    ("unknown layer", {"methods": {"grad_cam": {"layer": "conw"}}}, "Did you mean 'conv'"),
    ("layer without places", {"methods": {"grad_cam": {"layer": "gap"}}}, r"\(batch, rows, columns, channels\)"),
    (
        "unknown method",
        {"methods": ["gradcam"]},
        "among saliency, grad_cam, cam, neurons, content. Got 'gradcam'",
    ),
    ("no method", {"methods": []}, "at least"),
    ("unknown option", {"methods": {"grad_cam": {"layers": "conv"}}}, "'layers'"),
    ("class out of range", {"targets": 3}, "classes are 0 to 2; got 3"),
    ("too many targets", {"targets": [0, 1, 2]}, "one class number per image"),
    ("no labels", {"targets": "label"}, "none came with the images"),
    ("a callable of the wrong shape", {"targets": lambda outputs: outputs}, "one score per image"),
    ("a callable that fails", {"targets": lambda outputs: outputs["a"]}, "It failed on outputs"),
    ("images of another size", {"images": X[:2, :8]}, r"fit the model's input, \(n, 16, 16, 3\)"),
    ("too few names", {"class_names": ["a", "b"]}, "a name for each of the model's 3 classes. Got 2"),
)


@pytest.mark.parametrize(("options", "message"), [row[1:] for row in AGAINST_THE_MODEL], ids=lambda row: "")
def test_what_does_not_fit_the_model_is_refused_before_the_first_batch(tmp_path, options, message):
    begun = []
    first_batch = keras.callbacks.LambdaCallback(on_train_batch_begin=lambda batch, logs: begun.append(batch))
    callback = keras_see.Watch(**{"log_dir": tmp_path, "images": X[:2], **options})
    with pytest.raises(ValueError, match=message):
        fit(classifier(), callback, first_batch)
    assert not begun


def test_cam_without_a_gap_head_says_what_would_make_one(tmp_path):
    with pytest.raises(ValueError, match=r"keras_see\.gap_classifier"):
        fit(classifier(head="flat"), CAM(tmp_path, X[:2]))


def test_a_folder_that_cannot_be_written_to_is_refused_before_the_first_batch(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match="`log_dir` must be a folder that can be written to"):
        fit(classifier(), Saliency(tmp_path / "file" / "logs", X[:2]))


def test_the_event_file_is_in_the_folder_itself(tmp_path):
    fit(classifier(), Saliency(tmp_path / "new" / "run", X[:2]), epochs=1)
    (file,) = Path(tmp_path / "new" / "run").iterdir()
    assert "tfevents" in file.name
    assert file.name.endswith(".keras_see")
