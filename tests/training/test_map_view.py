"""What a view of maps says of each step."""

import dataclasses
import tempfile

import keras
import numpy as np
from keras import layers
from tiny_models import flat, photos

import keras_see
from keras_see.attribution.grad_cam import GRAD_CAM
from keras_see.attribution.registry import METHODS
from keras_see.training.map_view import MapView
from keras_see.training.sample_images import sample


class Ranges:
    """Stands for a run without earlier numbers."""

    def last_number(self, tag):
        return None


def test_the_range_in_the_records_grows_with_the_maps_that_are_drawn():
    model = flat()
    view = MapView(
        sample((photos(4), np.array([0, 1, 2, 0]))),
        "saliency",
        None,
        class_names=None,
        display=None,
        scale="run",
        regions=None,
        batch_size=8,
    )
    view.prepare(model, Ranges(), "see/")
    ranges, *others, kernel, bias = [], *model.get_weights()
    for step, factor in enumerate((1, 10, 1)):
        model.set_weights([*others, kernel * factor, bias])
        findings = view.evaluate(model)
        view.settle(findings, step)
        records = view.draw(findings, "epoch", "see/", step)
        ranges.append(records["see/saliency/range"].value)
    assert ranges[1] / ranges[0] in (8.0, 16.0)  # the least doubling that holds ten times as much
    assert ranges[2] == ranges[1]


class Scaled(keras.callbacks.Callback):
    """Sets the weights before and in each epoch, so that the maps are as strong as these factors."""

    def __init__(self, factors):
        super().__init__()
        self.factors = factors

    def on_epoch_end(self, epoch, logs=None):
        *others, kernel, bias = self.weights
        self.model.set_weights([*others, kernel * self.factors[epoch + 1], bias])

    def on_train_begin(self, logs=None):
        self.weights = self.model.get_weights()
        self.on_epoch_end(-1)


def trained(folder, factors, **options):
    """Return what a run leaves behind whose maps are as strong as the factors, the first of them before training."""
    model = flat()
    model.compile(keras.optimizers.SGD(0.0), "sparse_categorical_crossentropy")
    watch = keras_see.Watch(folder, photos(2), 1, "saliency", trackers="folder", **options)
    images, labels = photos(2), np.array([0, 1])
    model.fit(images, labels, epochs=len(factors) - 1, verbose=0, callbacks=[Scaled(factors), watch])
    assert watch.failures == []
    return keras_see.read(folder)


def test_the_network_before_training_sets_no_range(tmp_path):
    for name, before in {"weak": 1e-3, "strong": 1e3}.items():
        log = trained(tmp_path / name, [before, 1, 1])
        ranges = dict(log["see/saliency/range"])
        assert ranges[-1] == ranges[0] == ranges[1]
        assert sorted(dict(log["see/saliency"])) == [-1, 0, 1]
    weak, full = (dict(keras_see.read(tmp_path / "weak")["see/saliency"])[step] for step in (-1, 0))
    strong = dict(keras_see.read(tmp_path / "strong")["see/saliency"])[-1]
    brightness = [sheet[80:200].mean() for sheet in (weak, full, strong)]
    assert brightness[0] < brightness[1] < brightness[2]


def test_a_training_that_ends_before_its_first_evaluation_shows_the_network_before_training(tmp_path):
    model = flat()
    watch = keras_see.Watch(tmp_path, photos(2), 1, "saliency")
    watch.set_model(model)
    watch.on_train_begin()
    watch.on_epoch_begin(0)
    watch.on_train_end()
    assert [step for step, _ in keras_see.read(tmp_path)["see/saliency"]] == [-1]


def test_maps_below_the_rounding_error_of_their_score_are_drawn_as_nothing_and_told(tmp_path, caplog):
    parts = [layers.Conv2D(4, 3), layers.GlobalAveragePooling2D(), layers.Dense(3, activation="softmax", name="head")]
    model = keras.Sequential([keras.Input((16, 16, 3)), *parts])
    kernel, bias = model.get_layer("head").get_weights()
    model.get_layer("head").set_weights([kernel * 1e-14, bias])
    model.compile(keras.optimizers.SGD(0.0), "sparse_categorical_crossentropy")
    images = np.random.default_rng(0).random((2, 16, 16, 3), "float32")
    watch = keras_see.Watch(tmp_path, images, methods="saliency")
    model.fit(images, np.array([0, 1]), epochs=2, verbose=0, callbacks=[watch])
    log = keras_see.read(tmp_path)
    assert [value for _, value in log["see/saliency/peak"]] == [0.0, 0.0, 0.0]
    (told,) = [text for _, text in log["see/status"]]
    assert "the outputs are equal for all images" in told
    assert "2 of 2 maps lie below the rounding error of their score" in told
    assert caplog.text.count("equal for all images") == 1


class Shuffled(keras.utils.PyDataset):
    """Images in another order each time that they are read."""

    def __init__(self, images, labels):
        super().__init__()
        self.images, self.labels = images, labels

    def __len__(self):
        return 1

    def __getitem__(self, number):
        order = np.random.default_rng().permutation(len(self.images))
        return self.images[order], self.labels[order]


def test_callbacks_that_are_given_one_shuffled_dataset_show_the_same_images():
    dataset = Shuffled(photos(40), np.arange(40) % 3)
    one, other, fewer = (sample(dataset, n=count) for count in (8, 8, 5))
    np.testing.assert_array_equal(one.images, other.images)
    np.testing.assert_array_equal(one.images[:5], fewer.images)
    np.testing.assert_array_equal(one.labels[0][:5], fewer.labels[0])


def test_a_resumed_run_with_other_images_says_so(tmp_path, caplog):
    model, images, labels = flat(), photos(4), np.array([0, 1, 2, 0])
    model.compile(keras.optimizers.SGD(0.0), "sparse_categorical_crossentropy")
    for shown in (images[:2], images[:2], images[2:]):
        assert "other images" not in caplog.text
        watch = keras_see.Watch(tmp_path, shown, methods="saliency")
        model.fit(images, labels, epochs=1, verbose=0, callbacks=[watch])
    assert caplog.text.count("other images than in earlier steps of this run") == 1
    ((step, told),) = keras_see.read(tmp_path)["see/status"]
    assert step == 2
    assert "other images" in told


def test_a_note_with_other_numbers_is_told_once(tmp_path, caplog):
    model = flat()
    model.compile(keras.optimizers.SGD(0.0), "sparse_categorical_crossentropy")
    *others, kernel, bias = model.get_weights()
    silent = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: model.set_weights([*others, kernel * [1e-15, 1e-13][epoch % 2], bias])
    )
    watch = keras_see.Watch(tmp_path, photos(4), 1, "saliency")
    model.fit(photos(4), np.array([0, 1, 2, 0]), epochs=5, verbose=0, callbacks=[silent, watch])
    assert caplog.text.count("below the rounding error") == 1


def test_a_training_that_is_stopped_early_shows_its_last_epoch_and_no_weights_that_are_restored(tmp_path):
    model = flat()
    model.compile(keras.optimizers.SGD(0.0), "sparse_categorical_crossentropy")
    stop = keras.callbacks.EarlyStopping("loss", patience=1, restore_best_weights=True, start_from_epoch=0)
    watch = keras_see.Watch(tmp_path, photos(2), 1, "saliency", every=100)
    scaled = Scaled([1, 1, 5, 25, 125])
    model.fit(photos(2), np.array([0, 1]), epochs=4, verbose=0, callbacks=[scaled, stop, watch])
    peaks = dict(keras_see.read(tmp_path)["see/saliency/peak"])
    last = max(peaks)
    assert last == stop.stopped_epoch
    assert peaks[last] > 2 * peaks[0]  # of the restored weights it would be that of epoch 0


def test_the_picture_that_image_names_is_shown_and_explained():
    inputs = {"left": keras.Input((8, 8, 3), name="left"), "right": keras.Input((8, 8, 3), name="right")}
    kernel = keras.layers.Conv2D(2, 3, name="eye")
    gap = keras.layers.GlobalAveragePooling2D()
    model = keras.Model(inputs, keras.layers.Dense(2)(gap(kernel(inputs["left"]))) + 0 * gap(inputs["right"])[:, :2])
    model.compile("sgd", "mse")
    images = {"left": np.zeros((2, 8, 8, 3), "float32"), "right": np.ones((2, 8, 8, 3), "float32")}
    images["left"][:, 2:5, 1:4] = 1.0
    with tempfile.TemporaryDirectory() as folder:
        for image in ("left", "right"):
            watch = keras_see.Watch(f"{folder}/{image}", images, 0, "saliency", image=image, before_training=False)
            model.fit(images, np.zeros((2, 2)), epochs=1, callbacks=[watch], verbose=0)
            assert watch.failures == []
        left, right = (keras_see.read(f"{folder}/{image}") for image in ("left", "right"))
        tags = {tag for tag in left if tag.endswith("peak")}
        assert tags == {"see/saliency/peak"}
        assert left["see/saliency/peak"][-1][1] > 0
        assert right["see/saliency/peak"][-1][1] == 0
        shown = [np.asarray(each["see/saliency"][-1][1], "float32")[60:200, 20:150] for each in (left, right)]
        assert shown[0].min() < 50  # a dark picture with a spot
        assert shown[1].mean() > shown[0].mean() + 50


def test_a_method_that_fails_is_left_out_and_named_and_the_others_are_shown(monkeypatch, caplog, tmp_path):
    def fails(values, gradients):
        raise RuntimeError("no such formula")

    broken = dataclasses.replace(GRAD_CAM, word="broken", title="Broken", formula=fails)
    monkeypatch.setitem(METHODS, "broken", broken)
    model = flat()
    model.compile("sgd", "sparse_categorical_crossentropy")
    watch = keras_see.Watch(tmp_path, photos(2), methods=["saliency", "broken"], before_training=False)
    model.fit(photos(4), np.arange(4) % 3, epochs=2, callbacks=[watch], verbose=0)
    assert watch.failures == []
    assert [step for step, _ in keras_see.read(tmp_path)["see/saliency"]] == [0, 1]
    assert caplog.text.count("broken is left out: no such formula") == 1


def test_an_own_loop_logs_what_it_wants_when_it_wants(tmp_path):
    model = flat()
    watch = keras_see.Watch(tmp_path, photos(2), methods="grad_cam")
    for step in (3, 7):
        watch.log(model, step)
        assert [found for found, _ in keras_see.read(tmp_path)["see/grad_cam"]][-1] == step
    assert watch.failures == []
