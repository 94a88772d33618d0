"""SmoothGrad, integrated gradients, occlusion and RISE against a loop over the samples in plain NumPy."""

import keras
import numpy as np
import pytest
from keras import layers
from tiny_models import CLASSES, SHAPE, filled, flat, linear, outputs_of, photos, two_inputs
from truth import Flat

from keras_see import (
    completeness_gap,
    input_x_gradient,
    integrated_gradients,
    occlusion_maps,
    rise_maps,
    smooth_grad_maps,
)
from keras_see.attribution.smooth_grad import noise_of

CHOSEN = [2, 0, 1]


def truth_of(model, images):
    return Flat(model.get_weights(), images, np.eye(CLASSES)[CHOSEN[: len(images)]])


def scores_of(model, images):
    return truth_of(model, images).logits[np.arange(len(images)), CHOSEN[: len(images)]]


def assert_close(found, truth, tolerance=1e-4):
    np.testing.assert_allclose(found, truth, atol=tolerance * np.abs(truth).max())


@pytest.mark.parametrize(
    ("statistic", "of", "batch_size"),
    [
        ("mean", lambda gradients: np.abs(gradients.mean(axis=0)), 1),
        ("square", lambda gradients: (gradients**2).mean(axis=0), 4),
        ("variance", lambda gradients: gradients.var(axis=0), 32),
    ],
)
def test_smooth_grad_is_a_statistic_of_the_gradients_at_noisy_images(statistic, of, batch_size):
    model, images = flat(), photos(3)
    extent = np.ptp(images, axis=(1, 2, 3))[:, None, None, None]
    noises = [noise_of(number, SHAPE, 5) for number in range(7)]
    gradients = np.stack([truth_of(model, images + 0.3 * extent * noise).gradient_images for noise in noises])
    found = smooth_grad_maps(
        model, images, CHOSEN, samples=7, noise=0.3, seed=5, statistic=statistic, batch_size=batch_size
    )
    assert_close(found, of(gradients).max(axis=-1))


def test_the_noise_of_smooth_grad_is_standard_normal_and_another_for_each_sample():
    noises = np.stack([noise_of(number, (64, 64), 0) for number in range(2)])
    assert abs(noises.mean()) < 0.05
    assert abs(noises.std() - 1) < 0.05
    assert abs(np.corrcoef(noises.reshape(2, -1))[0, 1]) < 0.05


def test_of_a_linear_model_attributions_are_weights_times_values_and_gradients_do_not_vary():
    model, images = linear(), photos(3)
    weights = model.get_weights()[0].T[CHOSEN].reshape(images.shape)
    assert_close(input_x_gradient(model, images, CHOSEN), images * weights)
    assert_close(integrated_gradients(model, images, CHOSEN, steps=3, baseline=0.25), (images - 0.25) * weights)
    variance = smooth_grad_maps(model, images, CHOSEN, samples=5, statistic="variance")
    np.testing.assert_allclose(variance, 0, atol=1e-6 * np.square(weights).max())


def test_input_x_gradient_is_that_of_the_numpy_truth():
    model, images = flat(), photos(3)
    assert_close(input_x_gradient(model, images, CHOSEN), images * truth_of(model, images).gradient_images)


def smooth():
    """A model without kinks, for which a quadrature of few points is exact."""
    steps = [layers.Conv2D(4, 3, activation="tanh"), layers.GlobalAveragePooling2D(), layers.Dense(CLASSES)]
    return filled(keras.Sequential([keras.Input(SHAPE), *steps]))


@pytest.mark.parametrize("baseline", ["number", "image", "images"])
def test_integrated_gradients_add_up_to_the_difference_to_the_baseline(baseline):
    model, images = smooth(), photos(3)
    given = {"number": 0.2, "image": photos(1, 3)[0], "images": photos(2, 3)}[baseline]
    found = integrated_gradients(model, images, CHOSEN, steps=12, baseline=given, batch_size=16)
    several = np.full((1, *SHAPE), 0.2, "float32") if baseline == "number" else np.reshape(given, (-1, *SHAPE))
    below = outputs_of(model, several)[:, CHOSEN].mean(axis=0)
    difference = outputs_of(model, images)[np.arange(3), CHOSEN] - below
    assert_close(found.sum(axis=(1, 2, 3)), difference, 1e-4)
    gap = completeness_gap(model, images, 0.5 * found, CHOSEN, baseline=given, batch_size=2)
    assert_close(gap, 0.5 * difference, 2e-4)


def test_integrated_gradients_are_the_mean_gradient_on_the_way_times_the_difference():
    model, images, baseline = smooth(), photos(2), photos(1, 3)[0]
    at = (np.arange(64) + 0.5) / 64
    kernel, bias, head, _ = (np.float64(weight) for weight in model.get_weights())
    total = 0
    for share in at:  # the gradient of a convolution, tanh and mean, by hand
        place = baseline + share * (images - baseline)
        windows = np.lib.stride_tricks.sliding_window_view(place, (3, 3), axis=(1, 2))
        slope = 1 - np.tanh(np.einsum("nrcdij,ijdk->nrck", windows, kernel) + bias) ** 2
        slope = slope * head.T[CHOSEN[:2]][:, None, None] / np.prod(slope.shape[1:3])
        gradient = np.zeros(images.shape)
        for row, column in np.ndindex(slope.shape[1:3]):
            gradient[:, row : row + 3, column : column + 3] += np.einsum("nk,ijdk->nijd", slope[:, row, column], kernel)
        total = total + gradient / len(at)
    found = integrated_gradients(model, images, CHOSEN[:2], steps=12, baseline=baseline)
    assert_close(found, (images - baseline) * total, 1e-3)


def test_the_gap_is_that_of_the_class_explained_whatever_the_model_says_of_the_baseline():
    model, images = smooth(), photos(3)
    preferred = outputs_of(model, images).argmax(axis=-1)
    below = outputs_of(model, np.full((1, *SHAPE), 3.0, "float32"))[0]
    difference = outputs_of(model, images)[np.arange(3), preferred] - below[preferred]
    assert_close(completeness_gap(model, images, np.zeros_like(images), baseline=3.0), difference)
    of_function = completeness_gap(model, images, np.zeros_like(images), lambda outputs: outputs[:, 1], baseline=3.0)
    assert_close(of_function, outputs_of(model, images)[:, 1] - below[1])


def test_other_inputs_stay_as_they_are():
    model = two_inputs()
    inputs = {"images": photos(2), "factor": np.array([[2.0], [-1.0]], "float32")}
    weights = model.get_weights()[0].T[1].reshape(SHAPE)
    expected = inputs["images"] * weights * inputs["factor"][:, None, None]
    found = integrated_gradients(model, inputs, 1, steps=2)
    assert_close(found, expected)
    np.testing.assert_allclose(completeness_gap(model, inputs, found, 1), 0, atol=1e-4)


@pytest.mark.parametrize(
    ("options", "grid"),
    [({"patch": (3, 2), "stride": 2, "fill": [0.1, 0.5, 0.9]}, (4, 3)), ({"patch": 4, "stride": (4, 1)}, (2, 3))],
)
def test_occlusion_is_the_drop_of_the_score_under_each_window(options, grid):
    model, images = flat(), photos(3)
    height, width = np.broadcast_to(options["patch"], 2)
    down, across = np.broadcast_to(options["stride"], 2)
    expected = np.zeros((3, *grid))
    for row, column in np.ndindex(grid):
        covered, top, left = images.copy(), row * down, column * across
        fill = options.get("fill", images.mean(axis=(1, 2), keepdims=True))
        covered[:, top : top + height, left : left + width] = fill
        expected[:, row, column] = scores_of(model, images) - scores_of(model, covered)
    assert expected.min() < 0 < expected.max()
    assert_close(occlusion_maps(model, images, CHOSEN, batch_size=5, **options), expected)


def test_windows_are_a_tenth_of_the_sides_half_overlapping_by_default():
    steps = [layers.GlobalAveragePooling2D(), layers.Dense(1)]
    model = keras.Sequential([keras.Input((60, 40, 1)), *steps])
    model.set_weights([np.ones((1, 1)), np.zeros(1)])
    images = np.zeros((1, 60, 40, 1), "float32")
    images[0, 9:12, 4:6] = 1.0  # exactly the second half of a window, and the first of the next
    found = occlusion_maps(model, images, 1, fill=0.0, batch_size=128)
    assert found.shape == (1, 19, 19)  # windows of 6 × 4, 3 and 2 apart
    places = np.argwhere(found[0] > 1e-6).tolist()
    assert places == [[2, 1], [2, 2], [3, 1], [3, 2]]


def mask_of(number, shape, keep, seed):
    """Return a mask of RISE, one side after the other."""
    random = np.random.default_rng((seed, number))
    grid = (random.random((9, 9)) < keep).astype("float64")
    for axis, side in enumerate(shape):
        cell = -(-side // 7)
        places = (np.arange(side) + random.integers(cell)) / cell
        grid = np.apply_along_axis(lambda line, at=places: np.interp(at, np.arange(9), line), axis, grid)
    return grid


def test_rise_is_the_mean_score_over_the_masks_that_keep_a_pixel():
    model, images = flat(), photos(3)
    masks = [mask_of(number, SHAPE[:2], 0.4, 3) for number in range(10)]
    scored = sum(scores_of(model, images * mask[..., None])[:, None, None] * mask for mask in masks)
    expected = scored / np.sum(masks, axis=0)
    found = rise_maps(model, images, CHOSEN, masks=10, keep=0.4, seed=3, batch_size=12)
    assert_close(found, expected)


def test_masks_of_rise_keep_the_share_asked_for_at_every_pixel():
    masks = np.stack([mask_of(number, (28, 21), 0.3, 0) for number in range(400)])
    np.testing.assert_allclose(masks.mean(axis=0), 0.3, atol=0.1)
