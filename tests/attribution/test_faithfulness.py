"""Deletion and insertion: a planted blob that alone drives the score has known areas; elsewhere a loop in NumPy."""

import keras
import numpy as np
import pytest
from keras import layers
from tiny_models import flat, linear, one_unit, photos, two_inputs
from truth import Flat

from keras_see import metrics, saliency_maps

SIDE, STEPS = 8, 16


def blob_model():
    """The score is the sum of a blob of 2 × 2 pixels in one channel; nothing else counts."""
    model = keras.Sequential([keras.Input((SIDE, SIDE, 1)), layers.Flatten(), layers.Dense(2, name="head")])
    kernel = np.zeros((SIDE, SIDE, 2), "float32")
    kernel[2:4, 5:7, 1] = 0.25
    model.set_weights([kernel.reshape(-1, 2), np.zeros(2)])
    return model


def blob_maps(sign=1):
    maps = np.linspace(1, 2, SIDE * SIDE).reshape(1, SIDE, SIDE)
    maps[0, 2:4, 5:7] += sign * np.array([[4, 3], [2, 1]]) * 10 + (0 if sign > 0 else 60)
    return maps if sign > 0 else 100 - maps


def test_a_map_that_finds_the_blob_has_the_areas_of_a_step():
    model, images = blob_model(), np.ones((1, SIDE, SIDE, 1), "float32")
    # 4 pixels a step: the blob is the first step, so that the output falls from 1 to 0, or rises, within it.
    deletion = metrics.deletion_auc(model, images, blob_maps(), 1, steps=STEPS, fill=0.0)
    insertion = metrics.insertion_auc(model, images, blob_maps(), 1, steps=STEPS, start=0.0)
    np.testing.assert_allclose(deletion, [0.5 / STEPS], rtol=1e-6)
    np.testing.assert_allclose(insertion, [1 - 0.5 / STEPS], rtol=1e-6)


def test_a_map_that_puts_the_blob_last_has_the_opposite_areas():
    model, images, maps = blob_model(), np.ones((1, SIDE, SIDE, 1), "float32"), np.ones((1, SIDE, SIDE))
    maps[0, 2:4, 5:7] = 0.5
    np.testing.assert_allclose(
        metrics.deletion_auc(model, images, maps, 1, steps=STEPS, fill=0.0), [1 - 0.5 / STEPS], rtol=1e-6
    )


def area_by_loop(images, maps, others, steps, output, *, is_insertion):
    areas = []
    for image, each, other, number in zip(images, maps, others, range(len(images)), strict=True):
        order, outputs = np.argsort(-each.ravel()), []
        for count in np.rint(np.linspace(0, each.size, steps + 1)).astype(int):
            chosen = np.zeros(each.size, bool)
            chosen[order[:count]] = True
            kept = chosen.reshape(each.shape)[..., None] == is_insertion
            outputs.append(output(np.where(kept, image, other), number))
        areas.append(
            np.trapezoid(outputs, dx=1 / steps) if hasattr(np, "trapezoid") else np.trapz(outputs, dx=1 / steps)
        )
    return areas


@pytest.mark.parametrize("batch_size", [2, 32])
def test_areas_are_those_of_a_loop_over_the_probability_of_the_class(batch_size):
    model, images, classes = flat(), photos(3), [2, 0, 1]
    maps = np.random.default_rng(3).random((3, 8, 6))
    options = {"steps": 6, "batch_size": batch_size}

    def probability(image, number):
        return Flat(model.get_weights(), image[None], np.zeros((1, 3))).probabilities[0, classes[number]]

    means = images.mean(axis=(1, 2), keepdims=True) + 0 * images
    expected = area_by_loop(images, maps, means, 6, probability, is_insertion=False)
    np.testing.assert_allclose(metrics.deletion_auc(model, images, maps, classes, **options), expected, rtol=1e-4)
    noise = photos(3, seed=9)
    expected = area_by_loop(images, maps, noise, 6, probability, is_insertion=True)
    found = metrics.insertion_auc(model, images, maps, classes, start=noise, **options)
    np.testing.assert_allclose(found, expected, rtol=1e-4)


def test_the_predicted_class_stays_that_of_the_whole_image():
    model, images = flat(), photos(3)
    maps = np.random.default_rng(3).random((3, 8, 6))
    predicted = Flat(model.get_weights(), images, np.zeros((3, 3))).logits.argmax(axis=1)
    found = metrics.deletion_auc(model, images, maps, steps=4, fill=5.0)
    np.testing.assert_allclose(
        found, metrics.deletion_auc(model, images, maps, predicted, steps=4, fill=5.0), rtol=1e-5
    )


def test_the_two_sides_of_one_unit_add_up_to_one():
    model, images, maps = one_unit(), photos(2), np.random.default_rng(3).random((2, 8, 6))
    sides = [metrics.deletion_auc(model, images, maps, side, steps=4) for side in (0, 1)]
    np.testing.assert_allclose(sum(sides), [1, 1], rtol=1e-5)
    predicted = metrics.deletion_auc(model, images, maps, steps=4)
    chosen = keras.ops.convert_to_numpy(model(images))[:, 0] > 0.5
    np.testing.assert_allclose(predicted, np.where(chosen, sides[1], sides[0]), rtol=1e-5)


def test_callables_and_second_inputs_are_taken():
    model = two_inputs()
    images = {"images": photos(2), "factor": np.array([[1.0], [3.0]], "float32")}
    maps = saliency_maps(model, images, 1)
    by_class = metrics.deletion_auc(model, images, maps, 1, steps=5)
    by_function = metrics.deletion_auc(model, images, maps, lambda outputs: 2 * outputs[:, 1], steps=5)
    np.testing.assert_allclose(2 * by_class, by_function, rtol=1e-5)


def test_empty_maps_have_no_area_and_coarse_ones_are_enlarged():
    model, images, maps = linear(), photos(2), np.random.default_rng(3).random((2, 4, 3))
    maps[1] = 0
    found = metrics.insertion_auc(model, images, maps, 0, steps=3)
    assert np.isfinite(found[0])
    assert np.isnan(found[1])
