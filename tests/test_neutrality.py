"""Training with callbacks is training without them, to the last bit of all that it leaves behind."""

import functools
import random
import re
import tempfile

import keras
import numpy as np
import pytest
from keras import layers, ops

import keras_see
from keras_see import callbacks

RNG = np.random.default_rng(7)
X, Y = RNG.random((12, 8, 8, 3)).astype("float32"), np.arange(12) % 3
EPOCHS, BREAKS = 3, 1

SINGLE = ("dropout", "normalization", "augmentation", "half precision", "averaging")
COMBINATIONS = {name: (name,) for name in SINGLE} | {"all together": SINGLE}

EACH = {
    "Saliency": callbacks.Saliency,
    "GradCAM": callbacks.GradCAM,
    "CAM": callbacks.CAM,
    "Watch": keras_see.Watch,
    "NeuronImages": functools.partial(callbacks.NeuronImages, layer="middle", channels=[1], steps=2),
    "ContentImages": functools.partial(callbacks.ContentImages, layers="middle", steps=2),
}


def built(parts):
    dtype = "mixed_float16" if "half precision" in parts else "float32"
    augmenting = [layers.RandomFlip(), layers.RandomBrightness(0.2, value_range=(0, 1))]
    model = keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            *(augmenting if "augmentation" in parts else []),
            layers.Conv2D(4, 3, dtype=dtype),
            *([layers.BatchNormalization(dtype=dtype)] if "normalization" in parts else []),
            layers.ReLU(name="middle", dtype=dtype),
            *([layers.Dropout(0.3, dtype=dtype)] if "dropout" in parts else []),
            layers.GlobalAveragePooling2D(dtype=dtype),
            layers.Dense(3, "softmax", dtype="float32"),
        ]
    )
    optimizer = keras.optimizers.SGD(0.1, momentum=0.9, use_ema="averaging" in parts)
    if "half precision" in parts:
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


class Break(keras.callbacks.Callback):
    """Makes the model fail in the middle for whoever runs it between one epoch and the next."""

    def on_epoch_end(self, epoch, logs=None):
        if epoch == BREAKS:
            object.__setattr__(self.model.get_layer("middle"), "call", self.broken)

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == BREAKS + 1:
            object.__delattr__(self.model.get_layer("middle"), "call")

    def broken(self, *args, **kwargs):
        raise LookupError("in the middle of the model")


def trained(parts, *watching):
    keras.utils.set_random_seed(11)
    model = built(parts)
    validation = (X[:4], Y[:4]) if parts == SINGLE else None
    options = {"validation_data": validation, "shuffle": True, "verbose": 0, "batch_size": 4, "epochs": EPOCHS}
    history = model.fit(X, Y, callbacks=list(watching), **options)
    return {
        "weights, slots, metrics, seeds": [
            ops.convert_to_numpy(variable.value).tobytes()
            for variable in (*model.variables, *model.optimizer.variables, *model.metrics_variables)
        ],
        "history": (history.history, history.epoch),
        "attributes": [attributes_of(thing) for thing in (*model._flatten_layers(), model.optimizer)],
        "random numbers": random_numbers(),
    }


def attributes_of(thing):
    return {name: told(value) for name, value in vars(thing).items()}


def told(value):
    """Return a plain value, and of anything else its type: two models share neither objects nor numbers in names."""
    if isinstance(value, tuple):
        return tuple(map(told, value))
    if isinstance(value, str):
        return re.sub(r"_\d+\b", "", value)
    return value if isinstance(value, bool | int | float | None) else type(value)


def random_numbers():
    """Say where every stream that a training run draws from has come to."""
    kept = [random.getstate(), str(np.random.get_state()), numbers(keras.random.uniform((3,)))]
    name = keras.backend.backend()
    if name == "torch":
        import torch

        kept.append(torch.get_rng_state().tolist())
    if name == "tensorflow":
        import tensorflow as tf

        kept.append(numbers(tf.random.uniform((3,))))
    return kept


def numbers(tensor):
    return ops.convert_to_numpy(tensor).tolist()


@functools.cache
def alone(parts):
    return trained(parts)


def assert_same(parts, found):
    expected = alone(parts)
    assert [what for what in expected if found[what] != expected[what]] == []


def all_of_them(folder, **options):
    return [kind(log_dir=folder, images=(X[:2], Y[:2]), name=name, **options) for name, kind in EACH.items()]


@pytest.mark.parametrize("name", COMBINATIONS)
def test_all_callbacks_at_once_change_no_bit_of(name, tmp_path):
    watching = all_of_them(tmp_path)
    found = trained(COMBINATIONS[name], *watching)
    assert not [callback.failures for callback in watching if callback.failures]
    assert {tag.split("/")[1] for tag in keras_see.read(tmp_path)} == EACH.keys()
    assert_same(COMBINATIONS[name], found)


@pytest.mark.parametrize("name", COMBINATIONS)
def test_callbacks_that_fail_half_way_change_no_bit_of(name, tmp_path):
    # The first look traces: it fails with all its taps in place.
    watching = all_of_them(tmp_path, before_training=False, epochs=[BREAKS, BREAKS + 1])
    found = trained(COMBINATIONS[name], Break(), *watching)
    for callback in watching:
        assert "in the middle of the model" in callback.failures[0]
    assert_same(COMBINATIONS[name], found)


def test_what_is_compared_tells_one_training_from_another():
    one, other = (trained(("dropout",), *extra) for extra in ([], [Draw()]))
    assert [what for what in one if one[what] != other[what]] == list(one)


class Draw(keras.callbacks.Callback):
    """Does what no callback of ours may do."""

    def on_epoch_end(self, epoch, logs=None):
        random.random()
        logs["drawn"] = self.model.layers[0].drawn = float(np.random.random())
        kernel = self.model.layers[0].kernel
        kernel.assign(np.nextafter(numbers(kernel.value), 9, dtype="float32"))


def test_making_callbacks_draws_no_random_numbers():
    keras.utils.set_random_seed(3)
    before = random_numbers()
    keras.utils.set_random_seed(3)
    all_of_them(tempfile.mkdtemp())
    assert random_numbers() == before
