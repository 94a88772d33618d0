import keras
import numpy as np
import pytest
from keras import layers

from keras_see.optimization.activation_maximization import neuron_ascent
from keras_see.optimization.batched_ascent import checked_seed, optimized_images

SHAPE = (10, 10, 3)


def model():
    return keras.Sequential([keras.Input(SHAPE), layers.Conv2D(5, 3, name="conv")])


def test_batches_give_the_same_images_as_one_batch():
    net = model()
    whole, parts = (neuron_ascent(net, "conv", batch_size=size) for size in (5, 2))
    images, history = optimized_images(whole, 6, 0, return_history=True)
    others, also = optimized_images(parts, 6, 0, return_history=True)
    assert images.shape == (5, *SHAPE)
    np.testing.assert_allclose(others, images, atol=2e-2)
    np.testing.assert_allclose(also, history, rtol=0.05, atol=1e-3)


def test_a_run_resumes_from_the_states_of_an_earlier_one():
    ascent = neuron_ascent(model(), "conv", [0, 1, 2], batch_size=2)
    states, _ = ascent.run(ascent.start(4), 3)
    states, _ = ascent.run(states, 5)
    at_once, _ = ascent.run(ascent.start(4), 8)
    np.testing.assert_allclose(ascent.images(states), ascent.images(at_once), atol=1e-4)
    assert ascent.conditions(states).tolist() == [0] * 3


@pytest.mark.parametrize("steps", [0, -3, 2.5, "many"])
def test_wrong_steps_are_refused(steps):
    with pytest.raises(ValueError, match="`steps` must be a whole number from 1"):
        optimized_images(neuron_ascent(model(), "conv", [0]), steps, 0)


@pytest.mark.parametrize("seed", [-1, 0.5, None, True])
def test_wrong_seeds_are_refused(seed):
    with pytest.raises(ValueError, match="`seed` must be a whole number from 0"):
        checked_seed(seed)


def test_weights_of_nan_are_an_error():
    net = model()
    net.set_weights([np.full_like(weight, np.nan) for weight in net.get_weights()])
    with pytest.raises(ValueError, match="finite numbers and gradients"):
        optimized_images(neuron_ascent(net, "conv", [0]), 3, 0)
