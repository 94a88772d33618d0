"""Optimized images of GoogLeNet; runs where KERAS_SEE_DATA names a folder with the model and photographs."""

import os
import pathlib

import keras
import numpy as np
import pytest
from keras import ops
from PIL import Image

from keras_see.optimization.activation_maximization import class_images, neuron_images
from keras_see.optimization.feature_inversion import content_images

DATA = pathlib.Path(os.environ.get("KERAS_SEE_DATA", ""))

pytestmark = pytest.mark.skipif(
    "KERAS_SEE_DATA" not in os.environ, reason="KERAS_SEE_DATA is unset: no GoogLeNet and no photographs"
)

SIDE = 224
LAYER = "inception_4c_output"
PREPARED = {"value_range": (0, 255), "preprocess": lambda x: x[..., ::-1] - [104, 117, 123]}

# Robust activation of the images of tf-keras-vis 0.8.7 after 256 steps, for these channels of the layer.
PEER = {30: 194, 120: 211, 200: 264, 400: 168}


@pytest.fixture(scope="module")
def model():
    return keras.models.load_model(DATA / "models/googlenet.keras", compile=False)


def features(model, layer, images):
    until = keras.Model(model.inputs[0], model.get_layer(layer).output)
    return ops.convert_to_numpy(until(PREPARED["preprocess"](np.asarray(images, "float32")).astype("float32")))


def views(image, count=16, seed=99):
    """Return shifted and scaled views of an image rounded to 8 bits; no ascent has used these views."""
    random, rounded, found = np.random.default_rng(seed), np.rint(image).astype("uint8"), []
    for _ in range(count):
        shifted = np.roll(rounded, random.integers(-16, 17, 2), axis=(0, 1))
        side = round(SIDE * random.uniform(0.8, 1.2))
        scaled = np.asarray(Image.fromarray(shifted).resize((side, side), Image.Resampling.BILINEAR))
        start, rest = max(side - SIDE, 0) // 2, max(SIDE - side, 0)
        scaled = scaled[start : start + SIDE, start : start + SIDE]
        border = (rest // 2, rest - rest // 2)
        found.append(np.pad(scaled, (border, border, (0, 0)), constant_values=117))
    return np.stack(found)


def test_images_activate_their_channels_robustly_and_none_stays_dead(model):
    images = neuron_images(model, LAYER, list(PEER), verbose=False, **PREPARED)
    for image, (channel, peer) in zip(images, PEER.items(), strict=True):
        plain = features(model, LAYER, np.rint(image)[None])[..., channel].mean()
        robust = features(model, LAYER, views(image))[..., channel].mean()
        assert robust > peer
        assert robust > plain / 2


def test_classes_are_recognised_in_their_images(model):
    classes = [88, 130, 292]  # macaw, flamingo, tiger
    images = class_images(model, classes, steps=64, verbose=False, **PREPARED)
    inputs = PREPARED["preprocess"](np.rint(images)).astype("float32")
    assert ops.convert_to_numpy(model(inputs, training=False)).argmax(axis=1).tolist() == classes


@pytest.mark.parametrize(
    ("layer", "most"), [("inception_3b_output", 0.15), (LAYER, 0.15), ("inception_5b_output", 0.2)]
)
def test_content_images_have_nearly_the_features_of_the_photo(model, layer, most):
    photo = Image.open(DATA / "photos/macaw.jpg").convert("RGB").resize((SIDE, SIDE), Image.Resampling.BICUBIC)
    photo = np.asarray(photo)[None]
    truth = features(model, layer, photo)
    found = features(model, layer, content_images(model, photo, layer, verbose=False, **PREPARED))
    assert np.linalg.norm(found - truth) / np.linalg.norm(truth) < most
