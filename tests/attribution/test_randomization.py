"""The randomization check against a second model whose weights were really changed; the first keeps its own."""

import keras
import numpy as np
import pytest
from tiny_models import OwnWeights, augmented, built, flat, photos
from truth import Flat

from keras_see import maps, metrics
from keras_see.attribution.randomization import layers_with_weights
from keras_see.model.cache import layer_calls_of
from keras_see.model.other_weights import other_weights, shuffled

CLASSES = [2, 0, 1]


@pytest.mark.parametrize("method", ["saliency", "grad_cam", {"grad_cam": {"layer": "a"}}])
def test_each_step_is_the_correlation_with_the_maps_of_a_model_of_those_weights(method):
    model, images = flat(), photos(3)
    weights = model.get_weights()
    found = metrics.randomization_check(model, images, method, CLASSES, seed=4)
    assert list(found) == ["head", "b", "a"]

    def truth(weights):
        seen = Flat(weights, images, np.eye(3)[CLASSES])
        if method == "saliency":
            return seen.saliency
        return seen.grad_cam("b" if method == "grad_cam" else "a")

    random = np.random.default_rng(4)
    for layer, places in {"head": (4, 5), "b": (2, 3), "a": (0, 1)}.items():
        for place in places:
            weights[place] = random.permutation(weights[place].ravel()).reshape(weights[place].shape)
        expected = metrics.stability(truth(model.get_weights()), truth(weights))
        np.testing.assert_allclose(found[layer], expected, atol=0.03)  # nearly equal values may change places


def test_the_model_keeps_its_weights_and_its_compiled_passes():
    model, images = augmented(), photos(2)
    before, maps_before = model.get_weights(), maps(model, images, 1)
    metrics.randomization_check(model, images, "saliency", 1)
    for one, other in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(maps(model, images, 1)["saliency"], maps_before["saliency"])


def test_a_method_of_the_user_s_sees_the_other_weights():
    model, images = flat(), photos(2)
    outputs = []

    def method(model, images, targets):
        outputs.append(keras.ops.convert_to_numpy(model(images, training=False)))
        return np.random.default_rng(0).random((2, 8, 6))

    found = metrics.randomization_check(model, images, method)
    np.testing.assert_allclose([each for part in found.values() for each in part], 1)
    assert len(outputs) == 4
    assert all(np.abs(one - outputs[0]).max() > 1e-3 for one in outputs[1:])


def test_weights_that_a_model_holds_by_itself_come_last():
    model = built(OwnWeights())
    pairs = layers_with_weights(layer_calls_of(model, photos(2)), model)
    assert [path for path, _ in pairs] == ["b", "a", model.name]
    assert [len(variables) for _, variables in pairs] == [2, 2, 2]


def test_other_weights_end_with_their_block_also_after_an_error():
    model, images = flat(), photos(2)
    before = maps(model, images, 1)
    values = [(each, shuffled(each, np.random.default_rng(0))) for each in model.weights]
    with other_weights(values):
        assert np.abs(maps(model, images, 1)["scores"] - before["scores"]).max() > 1e-3
    np.testing.assert_array_equal(maps(model, images, 1)["scores"], before["scores"])
    with pytest.raises(ValueError, match="got 9"), other_weights(values):
        maps(model, images, 9)
    np.testing.assert_array_equal(maps(model, images, 1)["scores"], before["scores"])
