"""GoogLeNet and photographs, where KERAS_SEE_DATA names a folder that holds them."""

import json
import os
import pathlib

import keras
import numpy as np
import pytest
from PIL import Image

from keras_see import (
    class_activation_maps,
    completeness_gap,
    grad_cam_maps,
    integrated_gradients,
    maps,
    overlay,
)
from keras_see.metrics import energy_inside
from keras_see.visualization.map_drawing import upper_limit
from keras_see.visualization.resizing import resized_maps

DATA = pathlib.Path(os.environ.get("KERAS_SEE_DATA", ""))

pytestmark = pytest.mark.skipif(
    "KERAS_SEE_DATA" not in os.environ, reason="KERAS_SEE_DATA is unset: no GoogLeNet and no photographs"
)

SIDE = 224
MEANS = [104, 117, 123]


@pytest.fixture(scope="module")
def model():
    return keras.models.load_model(DATA / "models/googlenet.keras", compile=False)


def photo(name):
    picture = Image.open(DATA / "photos" / name).convert("RGB").resize((SIDE, SIDE), Image.Resampling.BICUBIC)
    return np.asarray(picture, "float32")[..., ::-1] - MEANS


def pairs():
    """Return photo, class and boxes, scaled to the photo's new size, for each thing that can be found in a photo."""
    for name, told in json.loads((DATA / "boxes.json").read_text(encoding="utf-8")).items():
        if told["localisable"]:
            scale = np.array([SIDE / told["width"], SIDE / told["height"]] * 2)
            for label in dict.fromkeys(thing["label"] for thing in told["objects"]):
                boxes = [thing["box_xyxy"] * scale for thing in told["objects"] if thing["label"] == label]
                yield name, label, boxes


def test_the_peak_of_cam_lies_in_the_box_of_its_object(model):
    names, labels, boxes = zip(*pairs(), strict=True)
    assert len(names) >= 15
    found = class_activation_maps(model, np.stack([photo(name) for name in names]), labels, size="images", batch_size=8)
    hits = []
    for each, around in zip(found, boxes, strict=True):
        row, column = np.unravel_index(each.argmax(), each.shape)
        x, y = column + 0.5, row + 0.5
        hits.append(any(left <= x < right and top <= y < bottom for left, top, right, bottom in around))
    missed = [f"{name}: {label}" for name, label, hit in zip(names, labels, hits, strict=True) if not hit]
    assert np.mean(hits) >= 0.9, missed


def test_cam_is_exact_and_grad_cam_is_its_positive_part(model):
    names, labels, _ = zip(*list(pairs())[:4], strict=True)
    images = np.stack([photo(name) for name in names])
    found = maps(model, images, labels, {"cam": {}, "grad_cam": {"layer": "inception_5b_output"}})
    cam = found["cam"]
    assert cam.min() < 0 < cam.max()
    peak = cam.max() / 49
    np.testing.assert_allclose(found["grad_cam@inception_5b_output"], cam.clip(0) / 49, rtol=1e-4, atol=1e-6 * peak)

    last = model.get_layer("loss3_classifier")
    both = keras.Model(model.input, [last.output, model.output])
    logits, probabilities = (keras.ops.convert_to_numpy(each) for each in both(images, training=False))
    rows = range(len(images))
    bias = keras.ops.convert_to_numpy(last.bias)[list(labels)]
    np.testing.assert_allclose(cam.mean(axis=(1, 2)) + bias, logits[rows, labels], rtol=1e-4)
    np.testing.assert_allclose(found["scores"], logits[rows, labels], rtol=1e-4)
    np.testing.assert_allclose(found["predictions"], probabilities, atol=1e-5)


@pytest.mark.parametrize("layer", ["inception_5b_output", "inception_4e_output"])
@pytest.mark.parametrize("peak", [None, 0.1, 0.2])
def test_maps_can_be_seen_on_photographs_and_the_photographs_under_them(model, layer, peak):
    names, labels, _ = zip(*pairs(), strict=True)
    images = np.stack([photo(name) for name in names])
    found = grad_cam_maps(model, images, labels, layer=layer, batch_size=8)
    scale = float(upper_limit(found, "all"))
    if peak is not None:  # weak maps: the peak of each is this share of the range
        found = found / found.max(axis=(1, 2), keepdims=True) * peak * scale * 1.001
    pictures = (images + MEANS)[..., ::-1].clip(0, 255).astype("uint8")
    drawn = overlay(pictures, found, scale=scale).astype(float)
    shares = resized_maps(found / scale, (SIDE, SIDE)).clip(0, 1)
    can_be_seen = []
    for picture, over, share in zip(pictures.astype(float), drawn, shares, strict=True):
        if share.max() >= 0.1:
            change, brightness = np.abs(over - picture).mean(axis=-1), np.array([0.299, 0.587, 0.114])
            dimming = np.abs(0.45 * (picture @ brightness)[..., None] - picture).mean(axis=-1)
            high, low = share >= np.quantile(share, 0.9), share <= np.quantile(share, 0.1)
            alike = np.corrcoef((picture @ brightness).ravel(), (over @ brightness).ravel())[0, 1]
            weakest = change[low].mean() <= dimming[low].mean() + 0.5
            can_be_seen.append(change[high].mean() >= 30 and weakest and alike >= 0.6)
    assert len(can_be_seen) >= 12
    assert np.mean(can_be_seen) >= 0.95


def test_integrated_gradients_account_for_the_score_of_a_photograph(model):
    images, labels = photo("cat_carpet.png")[None], [285]
    below = maps(model, np.zeros_like(images), labels, "cam")["scores"]
    difference = maps(model, images, labels, "cam")["scores"] - below
    assert np.abs(difference).min() > 5
    for steps, most in ((50, 0.01), (300, 0.003)):
        found = integrated_gradients(model, images, labels, steps=steps)
        gap = completeness_gap(model, images, found, labels)
        np.testing.assert_allclose(found.sum(axis=(1, 2, 3), dtype="float64") + gap, difference, rtol=1e-4)
        assert np.abs(gap / difference).max() < most


def test_windows_that_matter_and_masks_that_keep_the_score_lie_on_the_object(model):
    name, label, boxes = next(pair for pair in pairs() if pair[0] == "dog_bicycle_truck.jpg" and len(pair[2]) == 1)
    found = maps(model, photo(name)[None], label, {"occlusion": {"patch": 45, "stride": 22}, "layer_cam": {}})
    inside = [energy_inside(found[word], [boxes], size=(SIDE, SIDE))[0] for word in ("occlusion", "layer_cam")]
    left, top, right, bottom = boxes[0]
    assert min(inside) > 1.5 * (right - left) * (bottom - top) / SIDE**2
