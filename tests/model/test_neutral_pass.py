"""A pass changes nothing: neither the model nor what random numbers come next."""

import random

import keras
import numpy as np
import pytest
from keras import ops
from tiny_models import SAME_FUNCTION, augmented, outputs_of, photos

import keras_see
from keras_see import saliency_maps
from keras_see.model.inference import operations_of


def everything(model):
    return {
        "weights": [ops.convert_to_numpy(variable).tobytes() for variable in model.variables],
        "identities": [id(variable) for variable in model.variables],
        "attributes": [
            {name: id(value) for name, value in vars(thing).items()} for thing in (model, *operations_of(model))
        ],
        "flags": [(layer.trainable, layer.built, layer.dtype_policy.name) for layer in model._flatten_layers()],
        "losses": len(model.losses),
    }


def random_numbers():
    """Draw from every stream that a training run draws from."""
    return [
        random.random(),
        float(np.random.random()),
        ops.convert_to_numpy(keras.random.uniform((3,))).tolist(),
        *backend_numbers(),
    ]


def backend_numbers():
    if keras.backend.backend() == "torch":
        import torch

        return [torch.rand(2).tolist()]
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        return [tf.random.uniform((2,)).numpy().tolist()]
    return []


def explain_all(model):
    keras_see.layers(model, (8, 6))
    keras_see.maps(model, photos(3), methods=None, batch_size=2)
    keras_see.saliency_maps(model, photos(3), targets=lambda outputs: outputs[:, 0])


@pytest.mark.parametrize("make", [augmented, *SAME_FUNCTION.values()], ids=["augmented", *SAME_FUNCTION])
def test_a_pass_leaves_the_model_bit_for_bit_as_it_was(make):
    model = make()
    outputs_of(model, photos(3))
    before = everything(model)
    explain_all(model)
    assert everything(model) == before


def test_a_layer_that_writes_down_something_at_each_call_writes_nothing_in_a_pass():
    class Counter(keras.layers.Layer):
        def __init__(self):
            super().__init__()
            self.calls = self.add_weight(shape=(), initializer="zeros", trainable=False)

        def call(self, images):
            self.calls.assign(self.calls + 1.0)
            return images

    counter = Counter()
    model = keras.Sequential([keras.Input((8, 6, 3)), counter, *augmented().layers])
    outputs_of(model, photos(3))
    before = everything(model)
    explain_all(model)
    assert everything(model) == before
    outputs_of(model, photos(3))
    assert everything(model)["weights"] != before["weights"]


def test_a_failing_pass_leaves_the_model_bit_for_bit_as_it_was():
    model = augmented()
    outputs_of(model, photos(3))
    before = everything(model)
    calls = []

    def failing(outputs):
        calls.append(outputs)
        if len(calls) > 1:  # the first is the check on symbols
            raise LookupError("in the middle of the pass")
        return outputs[:, 0]

    with pytest.raises(LookupError, match="in the middle"):
        keras_see.maps(model, photos(1), failing)
    assert everything(model) == before


def test_a_pass_draws_no_random_numbers():
    def numbers(explained):
        keras.utils.set_random_seed(5)
        model = augmented()
        if explained:
            explain_all(model)
        noisy = ops.convert_to_numpy(model(photos(3), training=True)).tolist()
        return noisy, random_numbers()

    assert numbers(explained=True) == numbers(explained=False)


def test_a_pass_leaves_the_names_that_keras_gives_next_alone():
    model = augmented()

    def number():
        return int(keras.layers.Conv2D(1, 1).name.rpartition("_")[2])

    keras.layers.Conv2D(1, 1)  # the first of a process has no number
    before = number()
    explain_all(model)
    assert number() == before + 1


def test_training_goes_on_as_if_nothing_had_been_looked_at():
    images, labels = photos(8), np.arange(8) % 3

    def trained(explained):
        keras.utils.set_random_seed(1)
        model = augmented()
        model.compile("adam", "sparse_categorical_crossentropy")
        losses = []
        for _ in range(2):
            if explained:
                explain_all(model)
            losses += model.fit(images, labels, batch_size=4, epochs=1, verbose=0).history["loss"]
        variables = [*model.variables, *model.optimizer.variables]
        return losses, [ops.convert_to_numpy(variable).tobytes() for variable in variables]

    assert trained(explained=True) == trained(explained=False)


def test_losses_and_tensors_that_layers_keep_stay_those_of_the_user_s_own_call():
    class Keeping(keras.layers.Layer):
        def call(self, images):
            self.last = images * 2
            return images

    layers = [keras.layers.Conv2D(3, 3, activity_regularizer="l2"), Keeping(), keras.layers.GlobalAveragePooling2D()]
    model = keras.Sequential([keras.Input((8, 8, 3)), *layers])
    images = np.random.default_rng(0).random((2, 8, 8, 3), "float32")
    model(images)
    losses, last, names = list(model.losses), layers[1].last, set(vars(layers[1]))
    assert losses
    saliency_maps(model, images)
    assert all(one is other for one, other in zip(losses, model.losses, strict=True))
    assert layers[1].last is last
    assert set(vars(layers[1])) == names


def test_numbers_that_another_thread_draws_meanwhile_are_not_drawn_again():
    model = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Flatten(), keras.layers.Dense(3)])
    np.random.seed(0)
    before = np.random.get_state()[1].copy()

    def target(outputs):
        np.random.random(700)  # as another thread would, between the begin and the end of the run
        return outputs[:, 0]

    saliency_maps(model, np.zeros((2, 8, 8, 3), "float32"), targets=target)
    assert not np.array_equal(np.random.get_state()[1], before)
