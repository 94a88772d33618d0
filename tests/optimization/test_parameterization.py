import numpy as np
import pytest
import tiny_models
from keras import ops

from keras_see.optimization.image_statistics import natural_statistics, statistics_of
from keras_see.optimization.parameterization import Fourier, Pixels, parameterization_of

SHAPES = [(8, 8, 3), (9, 6, 3), (8, 7, 1), (6, 6, 5)]


def optimized_images(parameterization, parameters):
    return ops.convert_to_numpy(parameterization.images(parameters))


@pytest.mark.parametrize("kind", [Fourier, Pixels])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("value_range", [(0, 1), (-1, 1), (0, 255)])
def test_any_parameterization_can_fit_a_photo(kind, shape, value_range):
    low, high = value_range
    photos = low + (high - low) * np.random.default_rng(0).uniform(0.01, 0.99, (2, *shape))
    parameterization = kind(shape, value_range)
    fitted = optimized_images(parameterization, parameterization.parameters_of(photos))
    np.testing.assert_allclose(fitted, photos, atol=1e-3 * (high - low))


@pytest.mark.parametrize("kind", [Fourier, Pixels])
def test_images_never_leave_the_range(kind):
    parameterization = kind((8, 8, 3), (-1, 3))
    images = optimized_images(parameterization, 1e4 * parameterization.start([np.random.default_rng(0)]))
    assert -1 <= images.min() < 0
    assert 2 < images.max() <= 3


@pytest.mark.parametrize("kind", [Fourier, Pixels])
def test_the_start_is_nearly_grey_and_follows_from_its_random_numbers(kind):
    parameterization = kind((16, 16, 3), (0, 1))
    start = parameterization.start([np.random.default_rng(seed) for seed in (0, 0, 1)])
    images = optimized_images(parameterization, start)
    np.testing.assert_array_equal(images[0], images[1])
    assert not np.array_equal(images[0], images[2])
    assert 0 < np.abs(images - 0.5).max() < 0.05


def test_waves_fall_as_one_over_their_frequency():
    spectrum = natural_statistics((16, 16, 3)).spectrum
    np.testing.assert_allclose(spectrum[0, 1] / spectrum[0, 1:9], np.arange(1, 9))
    np.testing.assert_allclose(spectrum, spectrum.T)


def test_a_wave_has_one_frequency():
    fourier = Fourier((16, 16, 1), (0, 1))
    parameters = np.zeros((1, 1, 16, 16), "float32")
    parameters[0, 0, 3, 0] = 0.1
    power = np.abs(np.fft.fft2(optimized_images(fourier, parameters)[0, ..., 0] - 0.5))
    assert {tuple(place) for place in np.argwhere(power > 0.01 * power.max())} == {(3, 0), (13, 0)}


def test_the_users_own_images_give_colours_spectrum_and_mean():
    random = np.random.default_rng(0)
    light = random.normal(0, 1, (20, 12, 12, 1))
    logits = light * [1.0, 1.0, -1.0] + 0.001 * random.normal(size=(20, 12, 12, 3)) + [0.5, 0.0, -0.5]
    found = statistics_of(logits, (12, 12, 3))
    np.testing.assert_allclose(found.mean, [0.5, 0, -0.5], atol=0.05)
    first = found.color[:, 0] * np.sign(found.color[0, 0])
    np.testing.assert_allclose(first, np.array([1, 1, -1]) / np.sqrt(3), atol=0.01)
    assert np.linalg.norm(found.color[:, 1:], axis=0).max() < 0.01
    assert found.spectrum.max() / found.spectrum[1:].min() < 2  # white noise is flat


def test_smooth_samples_give_a_falling_spectrum_at_any_size():
    rows = np.linspace(0, 2 * np.pi, 20, endpoint=False)
    logits = np.sin(rows)[None, :, None, None] + 0.01 * np.random.default_rng(0).normal(size=(4, 20, 24, 1))
    spectrum = statistics_of(logits, (32, 32, 1)).spectrum
    assert spectrum.shape == (32, 32)
    assert spectrum[1, 1] > 10 * spectrum[16, 16]


@pytest.mark.parametrize("samples", [np.zeros((2, 8, 8, 3)), tiny_models.photos(shape=(8, 8, 3))[:1]])
def test_few_or_constant_samples_still_fit_a_photo(samples):
    photo = np.random.default_rng(1).uniform(0.05, 0.95, (1, 8, 8, 3))
    fourier = Fourier((8, 8, 3), (0, 1), samples)
    np.testing.assert_allclose(optimized_images(fourier, fourier.parameters_of(photo)), photo, atol=0.01)


def test_an_unknown_word_is_refused():
    with pytest.raises(ValueError, match=r'must be "fourier" or "pixels"\. Got .waves.'):
        parameterization_of("waves", (8, 8, 3), (0, 1))
