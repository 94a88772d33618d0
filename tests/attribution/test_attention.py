import keras
import numpy as np
import pytest
from keras import ops
from test_places import SHAPE, spotted, vit

from keras_see import attention_maps, gap_classifier


def attentions(model, images):
    """Return the attention of each layer, as Keras gives it by itself: `(n, heads, tokens, tokens)`."""
    found, tokens = [], keras.Model(model.input, model.get_layer("attention0").input[0])(images)
    for number in range(2):
        layer = model.get_layer(f"attention{number}")
        seen, scores = layer(tokens, tokens, return_attention_scores=True)
        found.append(ops.convert_to_numpy(scores))
        tokens = tokens + seen
    return found


def sharpened(model):
    """Give queries and keys weights that tell tokens apart."""
    random = np.random.default_rng(3)
    for weight in model.weights:
        if "query" in weight.path or "key" in weight.path:
            weight.assign(random.normal(0, 2, weight.shape))
    return model


@pytest.mark.parametrize("pooled", [False, True], ids=["class token", "average"])
def test_rollout_is_the_product_of_mean_attentions_and_identities(pooled):
    model, images = sharpened(vit(pooled)), spotted(3)
    flow = np.eye(48 + (not pooled))
    for scores in attentions(model, images):
        flow = (scores.mean(axis=1) + np.eye(scores.shape[-1])) / 2 @ flow
    expected = flow.mean(axis=1) if pooled else flow[:, 0, 1:]
    found = attention_maps(model, images, batch_size=2)
    assert np.ptp(found) > 0.001
    np.testing.assert_allclose(found, expected.reshape(3, 8, 6), rtol=1e-4, atol=1e-6)


def test_gradients_weigh_the_attention_by_its_effect_on_the_score():
    model, images = sharpened(vit(depth=1)), spotted(2)
    layer, kernel = model.get_layer("attention0"), ops.convert_to_numpy(model.layers[-1].kernel)[:, 2]
    tokens = ops.convert_to_numpy(keras.Model(model.input, layer.input[0])(images))
    scores = ops.convert_to_numpy(layer(tokens, tokens, return_attention_scores=True)[1])
    inward, bias, outward = (
        ops.convert_to_numpy(each)
        for each in (layer.value_dense.kernel, layer.value_dense.bias, layer.output_dense.kernel)
    )
    values = np.einsum("btd,dhk->bthk", tokens, inward) + bias
    gradients = np.einsum("bthk,hkd,d->bht", values, outward, kernel)  # the class token's row alone moves the score
    expected = np.maximum(gradients * scores[:, :, 0], 0).mean(axis=1)[:, 1:].reshape(2, 8, 6)
    assert np.ptp(expected) > 0
    found = attention_maps(model, images, 2, mode="gradient")
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6 * expected.max())


def test_a_model_without_attention_is_refused():
    with pytest.raises(ValueError, match=r"`model` must have keras.layers.MultiHeadAttention"):
        attention_maps(gap_classifier(3, SHAPE), spotted())
    with pytest.raises(ValueError, match=r"`mode` must be"):
        attention_maps(vit(), spotted(), mode="flow")
