"""A cached pass is used again only while nothing has changed that it depends on, and keeps nothing alive."""

import copy
import gc
import weakref

import keras
import numpy as np
import pytest
from keras import layers
from tiny_models import filled, flat, outputs_of, photos

from keras_see import grad_cam_maps, maps, saliency_maps
from keras_see.model.cache import _ENTRIES, ENTRIES_KEPT, cached, fingerprint, forget, layer_calls_of


def small(*middle, **first):
    """Return a linear model of one output around the given layers: its saliency follows from one more forward pass."""
    first = {"activation": None} | first
    parts = [layers.Conv2D(4, 3, padding="same", name="conv", **first), *middle]
    head = [layers.GlobalAveragePooling2D(), layers.Dense(1, name="head")]
    return filled(keras.Sequential([keras.Input((8, 6, 3)), *parts, *head]))


def numeric_saliency(model, image, step=1e-2):
    """Return the saliency of one image by central differences of the model itself, never of a cached pass."""
    moves = np.eye(image.size, dtype="float32").reshape(-1, *image.shape) * step
    up, down = outputs_of(model, image + moves), outputs_of(model, image - moves)
    return np.abs((up - down)[:, 0].reshape(image.shape) / (2 * step)).max(axis=-1)


def assert_live(model, image):
    found, truth = saliency_maps(model, image[None], targets=1)[0], numeric_saliency(model, image)
    np.testing.assert_allclose(found, truth, atol=2e-2 * truth.max())


class Fade(layers.Layer):
    """Fades features in by a plain attribute that is in no config."""

    alpha = 0.0

    def call(self, x):
        return x * (1.0 + self.alpha)


class Configured(layers.Layer):
    """Scales by a private attribute that its config names."""

    def __init__(self, factor=1.0, **options):
        super().__init__(**options)
        self._settings = {"factor": factor}

    def call(self, x):
        return x * self._settings["factor"]

    def get_config(self):
        return super().get_config() | self._settings


def test_activations_that_are_exchanged_are_seen_each_time():
    model, image = small(), photos(1)[0]
    for factor in range(1, 7):
        model.get_layer("conv").activation = lambda x, factor=factor: x * float(factor)
        gc.collect()  # so that the old function's id is free
        assert_live(model, image)


CHANGES = {
    "slope": (layers.LeakyReLU(0.1, name="middle"), "negative_slope", 0.9),
    "scale": (layers.Rescaling(2.0, name="middle"), "scale", 5.0),
    "scale per channel": (layers.Rescaling([1.0, 2.0, 3.0, 4.0], name="middle"), "scale", [4.0, 3.0, 2.0, 1.0]),
    "epsilon": (layers.BatchNormalization(name="middle"), "epsilon", 3.0),
    "pooling window": (layers.AveragePooling2D(2, strides=1, name="middle"), "strides", (2, 2)),
    "the user's own attribute": (Fade(name="middle"), "alpha", 1.0),
    "the user's own config": (Configured(name="middle"), "_settings", {"factor": 3.0}),
    "a NumPy scalar": (layers.LeakyReLU(0.1, name="middle"), "negative_slope", np.float32(0.9)),
    "nested tuples": (layers.Cropping2D(((2, 0), (2, 0)), name="middle"), "cropping", ((0, 2), (0, 2))),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_layer_s_settings_are_seen_when_they_change(name):
    layer, attribute, value = CHANGES[name]
    layer = type(layer).from_config(layer.get_config())
    model, image = small(layer), photos(1)[0]
    before = saliency_maps(model, image[None], targets=1)[0]
    assert_live(model, image)
    setattr(layer, attribute, value)
    assert_live(model, image)
    assert not np.allclose(saliency_maps(model, image[None], targets=1)[0], before, rtol=1e-2)


def test_a_flag_of_a_subclassed_model_is_seen_when_it_changes():
    class Flagged(keras.Model):
        def __init__(self):
            super().__init__()
            self.doubled = False
            self.flatten, self.head = layers.Flatten(), layers.Dense(1)

        def call(self, images):
            outputs = self.head(self.flatten(images))
            return outputs * 2.0 if self.doubled else outputs

    model, image = Flagged(), photos(1)
    outputs_of(model, image)
    before = saliency_maps(model, image, targets=1)
    model.doubled = True
    np.testing.assert_allclose(saliency_maps(model, image, targets=1), 2 * before, rtol=1e-5)


def test_the_type_policy_and_the_trainable_split_belong_to_the_fingerprint():
    model = small()
    before = fingerprint(model)
    assert fingerprint(model) == before
    model.get_layer("conv").trainable = False
    assert fingerprint(model) != before
    model.get_layer("conv").trainable = True
    assert fingerprint(model) == before
    model.get_layer("conv").dtype_policy = keras.DTypePolicy("mixed_float16")
    assert fingerprint(model) != before


def test_lora_is_seen_when_it_is_switched_on():
    model, image = small(), photos(1)[0]
    saliency_maps(model, image[None], targets=1)
    head = model.get_layer("head")
    head.enable_lora(1)
    filled(model, seed=3)
    assert_live(model, image)


def test_weights_and_training_change_no_fingerprint():
    model = small()
    model.compile("sgd", "mse")
    before = fingerprint(model)
    filled(model, seed=4)
    model.fit(photos(4), np.zeros((4, 1)), verbose=0)
    assert fingerprint(model) == before


def test_an_unchanged_model_is_traced_once():
    model, made = small(), []
    for _ in range(3):
        assert cached(model, ("a",), lambda: made.append(0) or len(made)) == 1
    assert cached(model, ("b",), lambda: 7) == 7
    forget(model)
    assert cached(model, ("a",), lambda: 2) == 2


def test_a_layer_that_counts_how_often_it_is_traced_is_traced_once():
    class Counting(layers.Layer):
        count = 0

        def call(self, x):
            self.count += 1
            return x

    model = small(Counting(name="middle"))
    before = model.get_layer("middle").count
    saliency_maps(model, photos(1), targets=1)
    traced = layer_calls_of(model, photos(1))
    saliency_maps(model, photos(1), targets=1)
    assert layer_calls_of(model, photos(1)) is traced
    assert model.get_layer("middle").count == before


def test_only_the_latest_entries_are_kept():
    model = small()
    for number in range(2 * ENTRIES_KEPT):
        cached(model, (number,), lambda number=number: number)
    assert len(_ENTRIES[model]) == ENTRIES_KEPT


class Owner:
    """Holds a model, and a method that explains it."""

    def __init__(self):
        self.model = flat()

    def target(self, outputs):
        return outputs[:, 0] * float(len(self.model.layers))


def gone(thing):
    gc.collect()
    return thing() is None


def test_a_bound_method_as_target_is_found_again_and_keeps_no_model_alive():
    owner = Owner()
    for _ in range(3):
        saliency_maps(owner.model, photos(1), targets=owner.target)
    entries = [key for key in _ENTRIES[owner.model] if key[0] == "pass"]
    assert len(entries) == 1
    model = weakref.ref(owner.model)
    del owner, entries
    assert gone(model)


def test_a_function_over_its_model_keeps_no_model_alive():
    def explained():
        model = flat()
        maps(model, photos(1), lambda outputs: outputs[:, 0] * float(len(model.layers)), None)
        return weakref.ref(model)

    assert gone(explained())


def test_a_layer_that_holds_its_model_keeps_no_model_alive():
    def explained():
        model = flat()
        object.__setattr__(model.get_layer("b"), "parent", model)
        grad_cam_maps(model, photos(1), layer=model.get_layer("b"))
        return weakref.ref(model)

    assert gone(explained())


def test_few_images_are_filled_up_to_a_power_of_two():
    model = flat()
    truth = saliency_maps(model, photos(8), batch_size=8)
    for count in range(1, 9):
        found = saliency_maps(model, photos(8)[:count], batch_size=8)
        np.testing.assert_allclose(found, truth[:count], rtol=1e-4, atol=1e-6)
    assert len([key for key in _ENTRIES[model] if key[0] == "pass"]) == 4  # of 1, 2, 4 and 8


def test_statistics_that_are_tensors_are_seen_when_they_change():
    normalization = layers.Normalization(name="middle")
    model, images = small(normalization), photos(4)
    normalization.adapt(np.random.default_rng(0).random((8, *normalization.input.shape[1:])))
    for scale in (1.0, 5.0):
        normalization.adapt(scale * np.random.default_rng(0).random((8, *normalization.input.shape[1:])))
        assert_live(model, images[0])


def test_the_order_of_layers_in_a_list_is_seen_when_it_changes():
    class Chain(keras.Model):
        def __init__(self):
            super().__init__()
            self.blocks = [layers.Rescaling(3.0), layers.Activation("tanh")]
            self.flatten, self.head = layers.Flatten(), layers.Dense(1)

        def call(self, images):
            for block in self.blocks:
                images = block(images)
            return self.head(self.flatten(images))

    model, image = Chain(), photos(1)[0]
    model(image[None])
    assert_live(model, image)
    model.blocks.reverse()
    assert_live(model, image)


def test_values_that_a_target_reads_are_seen_when_they_change():
    model, images = small(), photos(2)
    factor = 1.0

    def closure(outputs):
        return outputs[:, 0] * factor

    class Chosen:
        factor = 1.0

        def score(self, outputs):
            return outputs[:, 0] * self.factor

    chosen, plain = Chosen(), saliency_maps(model, images, targets=1)
    for factor in (1.0, 3.0):
        chosen.factor = factor
        right = plain * factor
        np.testing.assert_allclose(saliency_maps(model, images, targets=closure), right, rtol=1e-5)
        np.testing.assert_allclose(saliency_maps(model, images, targets=chosen.score), right, rtol=1e-5)


@pytest.mark.parametrize(
    "value", [np.float32(2), {1, 2}, slice(0, 1), float("nan"), object()], ids=lambda value: type(value).__name__
)
def test_a_config_of_any_values_is_equal_to_itself(value):
    class Odd(layers.Layer):
        def call(self, images):
            return images

        def get_config(self):
            return super().get_config() | {"value": copy.copy(value)}

    model = small(Odd(name="middle"))
    assert fingerprint(model) == fingerprint(model)


def test_an_object_with_slots_as_target_keeps_no_model_alive():
    class Slotted:
        __slots__ = ("model",)

        def __init__(self, model):
            self.model = model

        def __call__(self, outputs):
            return outputs[:, 0]

    model = small()
    alive = weakref.ref(model)
    saliency_maps(model, photos(1), targets=Slotted(model))
    del model
    gc.collect()
    assert alive() is None
