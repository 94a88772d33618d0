"""Made images of GoogLeNet, where KERAS_SEE_DATA names a folder that holds it and photographs."""

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
RECIPE = {"value_range": (0, 255), "preprocess": lambda x: x[..., ::-1] - [104, 117, 123]}

# Robust activation of what tf-keras-vis 0.8.7 makes in 256 steps, for these channels of the layer.
PEER = {30: 194, 120: 211, 200: 264, 400: 168}


@pytest.fixture(scope="module")
def model():
    return keras.models.load_model(DATA / "models/googlenet.keras", compile=False)


def features(model, layer, images):
    until = keras.Model(model.inputs[0], model.get_layer(layer).output)
    return ops.convert_to_numpy(until(RECIPE["preprocess"](np.asarray(images, "float32")).astype("float32")))


def views(image, count=16, seed=99):
    """Return shifted and scaled views of an image rounded to 8 bits, other ones than any ascent has seen."""
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


def test_images_of_channels_excite_them_robustly_and_none_starts_dead(model):
    images = neuron_images(model, LAYER, list(PEER), verbose=False, **RECIPE)
    for image, (channel, peer) in zip(images, PEER.items(), strict=True):
        plain = features(model, LAYER, np.rint(image)[None])[..., channel].mean()
        robust = features(model, LAYER, views(image))[..., channel].mean()
        assert robust > peer
        assert robust > plain / 2


def test_classes_are_recognised_in_their_images(model):
    wanted = [88, 130, 292]  # macaw, flamingo, tiger
    images = class_images(model, wanted, steps=64, verbose=False, **RECIPE)
    inputs = RECIPE["preprocess"](np.rint(images)).astype("float32")
    assert ops.convert_to_numpy(model(inputs, training=False)).argmax(axis=1).tolist() == wanted


@pytest.mark.parametrize(
    ("layer", "most"), [("inception_3b_output", 0.15), (LAYER, 0.15), ("inception_5b_output", 0.2)]
)
def test_contents_come_close_in_the_features_of_each_depth(model, layer, most):
    photo = Image.open(DATA / "photos/macaw.jpg").convert("RGB").resize((SIDE, SIDE), Image.Resampling.BICUBIC)
    photo = np.asarray(photo)[None]
    wanted = features(model, layer, photo)
    found = features(model, layer, content_images(model, photo, layer, verbose=False, **RECIPE))
    assert np.linalg.norm(found - wanted) / np.linalg.norm(wanted) < most
