"""Score-CAM and Ablation-CAM against a loop over the channels in plain NumPy."""

import logging

import keras
import numpy as np
import pytest
from keras import layers
from PIL import Image
from tiny_models import CLASSES, SHAPE, filled, flat, photos
from truth import Flat

from keras_see import ablation_cam_maps, maps, score_cam_maps

CHOSEN = [2, 0, 1]


def truth_of(model, images):
    return Flat(model.get_weights(), images, np.eye(CLASSES)[CHOSEN])


def logits_of(model, images):
    return truth_of(model, images).logits[np.arange(3), CHOSEN]


def enlarged(plane, size):
    image = Image.fromarray(plane.astype("float32"))
    return np.asarray(image.resize(size[::-1], Image.Resampling.BILINEAR))


def seen_through(images, features):
    """Return images times a channel, enlarged and stretched to 0–1."""
    masks = np.stack([enlarged(plane, images.shape[1:3]) for plane in features])
    least, most = masks.min(axis=(1, 2), keepdims=True), masks.max(axis=(1, 2), keepdims=True)
    return images * ((masks - least) / (most - least))[..., None]


@pytest.mark.parametrize(("channels", "batch_size"), [(None, 32), (3, 8)])
def test_score_cam_weighs_channels_by_the_softmax_of_the_scores_seen_through_them(channels, batch_size):
    model, images = flat(), photos(3)
    features = truth_of(model, images).b
    scores = np.stack([logits_of(model, seen_through(images, each)) for each in np.moveaxis(features, -1, 0)], axis=-1)
    if channels:
        weak = np.argsort(features.std(axis=(1, 2)), axis=-1)[:, :-channels]
        np.put_along_axis(scores, weak, -np.inf, axis=-1)
    weights = np.exp(scores) / np.exp(scores).sum(axis=-1, keepdims=True)
    expected = (weights[:, None, None] * features).sum(axis=-1).clip(0)
    assert expected.max() > 0
    found = score_cam_maps(model, images, CHOSEN, layer="b", channels=channels, batch_size=batch_size)
    np.testing.assert_allclose(found, expected, atol=1e-4 * expected.max())


def test_a_channel_that_is_the_same_everywhere_covers_the_image():
    steps = [layers.Conv2D(2, 1, name="features"), layers.GlobalAveragePooling2D(), layers.Dense(1)]
    model = keras.Sequential([keras.Input(SHAPE), *steps])
    kernel = np.stack([np.ones((1, 1, 3)), np.zeros((1, 1, 3))], axis=-1)
    model.set_weights([kernel, np.array([0, 1]), np.ones((2, 1)), np.zeros(1)])
    images = photos(1)
    mean = images.sum(axis=-1)
    stretched = (mean - mean.min()) / (mean.max() - mean.min())
    scores = np.array([(mean * stretched).mean() + 1, 1.0])
    weights = np.exp(scores) / np.exp(scores).sum()
    np.testing.assert_allclose(score_cam_maps(model, images, 1), weights[0] * mean + weights[1], rtol=1e-4)


@pytest.mark.parametrize("batch_size", [4, 32])
def test_ablation_cam_weighs_channels_by_the_relative_drop_of_the_score_without_them(batch_size):
    model, images = flat(), photos(3)
    truth, (kernel, bias) = truth_of(model, images), model.get_weights()[-2:]
    scores, weights = truth.logits[np.arange(3), CHOSEN], []
    assert scores.min() < 0 < scores.max()
    for channel in range(truth.b.shape[-1]):
        left = truth.b * (np.arange(truth.b.shape[-1]) != channel)
        without = (left.mean(axis=(1, 2)) @ kernel + bias)[np.arange(3), CHOSEN]
        weights.append((scores - without) / scores)
    expected = np.einsum("kn,nijk->nij", weights, truth.b).clip(0)
    found = ablation_cam_maps(model, images, CHOSEN, layer="b", batch_size=batch_size)
    np.testing.assert_allclose(found, expected, atol=1e-4 * expected.max())


def test_a_score_of_zero_has_an_empty_map_of_ablation_cam():
    model = flat()
    model.set_weights([*model.get_weights()[:-2], np.zeros((5, 3)), np.zeros(3)])
    np.testing.assert_array_equal(ablation_cam_maps(model, photos(1), 1), 0)


def test_many_channels_go_on_with_a_line_that_says_their_price(caplog):
    steps = [layers.Conv2D(2048, 1, activation="relu"), layers.GlobalAveragePooling2D(), layers.Dense(2)]
    model = filled(keras.Sequential([keras.Input((2, 2, 1)), *steps]))
    images = photos(1, shape=(2, 2, 1))
    with caplog.at_level(logging.WARNING, "keras_see"):
        found = maps(model, images, 1, "score_cam", batch_size=1024)["score_cam"]
    assert found.max() > 0
    assert [record.getMessage() for record in caplog.records] == ["Score-CAM takes 2048 forward passes per image."]
