"""The lines in which a step says that its maps or its images are not what they seem."""

import keras
import numpy as np
import pytest
from keras import layers
from tiny_models import SHAPE, conv, filled, flat, gap_conv, nested, one_unit, photos

import keras_see
from keras_see import Watch
from keras_see.attribution.cam import equals_grad_cam
from keras_see.model.cache import layer_calls_of

LABELS = np.array([0, 1, 2, 0])


def trained(folder, model, images, *data, epochs=1, **options):
    """Train with `Watch` without moving a weight, and return the texts of the run."""
    model.compile(keras.optimizers.SGD(0.0), "sparse_categorical_crossentropy")
    watch = Watch(folder, images, methods="saliency", **options)
    model.fit(*data, epochs=epochs, verbose=0, callbacks=[watch])
    assert watch.failures == []
    return "\n".join(text for _, text in keras_see.read(folder).get("see/status", []))


def shown(folder, model, images, methods=None):
    """Show a model once, and return the texts and the run."""
    watch = Watch(folder, images, methods=methods, before_training=False)
    watch.set_model(model)
    watch.on_epoch_end(0)
    watch.on_train_end()
    assert watch.failures == []
    log = keras_see.read(folder)
    return "\n".join(text for _, text in log.get("see/status", [])), log


class Batches(keras.utils.PyDataset):
    """Batches of images between 0 and 1; counts how often one is read."""

    def __init__(self):
        super().__init__()
        self.read = 0

    def __len__(self):
        return 1

    def __getitem__(self, number):
        self.read += 1
        return photos(4), LABELS


def test_images_in_another_range_than_the_training_are_told_once(tmp_path, caplog):
    images = (photos(4) * 255).astype("uint8")
    text = trained(tmp_path, flat(), images, photos(4), LABELS, epochs=2)
    line = f"images have values from {images.min()} to {images.max()}, training has "
    assert text.count(line) == 1
    assert caplog.text.count(line) == 1
    assert "`preprocess` can make them alike" in text
    assert trained(tmp_path / "alike", flat(), images, photos(4), LABELS, preprocess=lambda x: x / 255) == ""


def test_the_range_of_a_dataset_is_that_of_a_batch_and_none_is_read_for_it(tmp_path):
    counts = {}
    for name, images in {"alike": photos(4), "unlike": photos(4) * 255}.items():
        dataset = Batches()
        text = trained(tmp_path / name, flat(), images, dataset)
        counts[name] = dataset.read
        seen = name == "unlike" and keras.backend.backend() == "torch"  # elsewhere none is at hand
        assert ("training has" in text) == seen
    bare = Batches()
    model = flat()
    model.compile("sgd", "sparse_categorical_crossentropy")
    model.fit(bare, verbose=0)
    assert counts == {"alike": bare.read, "unlike": bare.read}


def test_channels_that_are_not_shown_are_told_in_the_log(tmp_path, caplog):
    steps = [conv(2, "a", "tanh"), layers.GlobalAveragePooling2D(), layers.Dense(3, "softmax")]
    model = keras.Sequential([keras.Input((8, 6, 5)), *steps])
    shown(tmp_path, model, photos(4, shape=(8, 6, 5)), "saliency")
    assert caplog.text.count("shown: channels 1 to 3 of 5") == 1


@pytest.mark.parametrize("make", [flat, one_unit])
def test_saturated_outputs_are_told_with_the_values_of_the_images(tmp_path, make):
    model, images = make(), np.linspace(0, 8, 4 * 8 * 6 * 3).reshape(4, 8, 6, 3).astype("float32")
    *others, kernel, bias = model.get_weights()
    assert shown(tmp_path / "not", model, images, "saliency")[0] == ""
    model.set_weights([*others, kernel * 1e4, bias])
    text, log = shown(tmp_path, model, images, "saliency")
    line = "the outputs are saturated: each probability is 0 or 1 to float precision"
    assert f"{line} (the images have values from 0 to 8)" in text
    assert log["see/saliency/peak"][-1][1] > 0  # the logit is explained


def rectified(closed=None):
    """Return a classifier with a rectifier after each of two convolutions; one of them may be closed everywhere."""
    steps = [conv(4, "a", "relu"), conv(5, "b", "relu"), layers.GlobalAveragePooling2D(name="gap")]
    model = filled(keras.Sequential([keras.Input(SHAPE), *steps, layers.Dense(3, "softmax", name="head")]))
    for name in ("a", "b"):
        kernel, bias = model.get_layer(name).get_weights()
        model.get_layer(name).set_weights([abs(kernel) / 30, bias * 0 + (-100 if name == closed else 0.5)])
    return model


@pytest.mark.parametrize(
    ("closed", "line"),
    [
        ("b", "dead: the features of b are zero for all images"),
        ("a", "dead: the score of no image has a gradient at the images"),
    ],
)
def test_a_dead_network_is_told_in_one_line_and_nothing_is_drawn(tmp_path, closed, line, caplog):
    text, log = shown(tmp_path, rectified(closed), photos(4), ["saliency", "grad_cam"])
    assert line in text
    assert len(text.splitlines()) == len(caplog.messages) == 1
    assert log["see/saliency/peak"][-1][1] == 0.0
    assert (log["see/grad_cam/peak"][-1][1] == 0.0) == (closed == "b")


@pytest.mark.parametrize("images", [photos(4), photos(4) * 0])
def test_a_network_is_not_dead_where_something_is_drawn_or_the_images_are_black(tmp_path, images):
    text, log = shown(tmp_path, rectified(), images, ["saliency", "grad_cam"])
    assert "dead" not in text
    assert log["see/saliency/peak"][-1][1] > 0


@pytest.mark.parametrize("make", [flat, gap_conv, nested])
def test_by_default_cam_is_left_out_where_grad_cam_is_its_positive_part(tmp_path, make):
    model, images = make(), photos(4)
    assert equals_grad_cam(layer_calls_of(model, images))
    found = keras_see.maps(model, images, LABELS, ["cam", "grad_cam"])
    places = np.prod(found["cam"].shape[1:])
    np.testing.assert_allclose(found["grad_cam"], found["cam"].clip(0) / places, rtol=1e-4, atol=1e-6)
    if make is flat:
        _, log = shown(tmp_path, model, images)
        assert {tag for tag in log if tag.count("/") == 1} == {"see/saliency", "see/grad_cam", "see/overview"}
        _, log = shown(tmp_path / "both", model, images, ["grad_cam", "cam"])
        assert {"see/cam", "see/grad_cam"} <= set(log)


def test_cam_is_not_left_out_where_the_default_layer_is_another():
    inputs = keras.Input(SHAPE)
    features = conv(4, "a", "tanh")(inputs)
    outputs = layers.Dense(3, "softmax")(layers.GlobalAveragePooling2D(name="gap")(features))
    other = layers.GlobalMaxPooling2D()(conv(5, "b", "tanh")(features))
    model = filled(keras.Model(inputs, [outputs, other]))
    assert not equals_grad_cam(layer_calls_of(model, photos(2)))
