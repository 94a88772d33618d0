"""The statistics of natural photographs, against photographs."""

import numpy as np
from sklearn.datasets import load_sample_images

from keras_see.optimization.image_statistics import NATURAL_COLOR, natural_statistics, statistics_of
from keras_see.optimization.parameterization import Fourier


def colors_of_photographs():
    return np.concatenate([image.reshape(-1, 3) for image in load_sample_images().images]) / 255.0


def directions(color):
    return color / np.linalg.norm(color, axis=0)


def test_natural_colours_are_light_then_blue_against_orange_then_green_against_the_rest():
    light, blue, green = directions(NATURAL_COLOR).T
    np.testing.assert_allclose(light, np.full(3, 3**-0.5), atol=0.05)
    assert np.sign(blue[[0, 2]]).tolist() == [1, -1]  # red and blue stand against each other, green between them
    assert abs(blue[1]) < 0.1
    assert green[1] < 0 < min(green[0], green[2])
    assert green[2] > green[0]  # of the matrix's source: magenta leans to blue


def test_natural_colours_have_the_covariance_of_photographs_roughly():
    covariance = np.cov(colors_of_photographs().T)
    ours = NATURAL_COLOR @ NATURAL_COLOR.T
    found, own = (part / np.sqrt(np.outer(np.diag(part), np.diag(part))) for part in (ours, covariance))
    assert np.all(np.abs(found - own) < 0.25)
    assert found[0, 2] == np.min(found)  # red and blue go together least
    assert own[0, 2] == np.min(own)


def test_natural_waves_fall_as_one_over_the_frequency():
    spectrum = natural_statistics((64, 64, 3)).spectrum
    frequencies = np.hypot(np.fft.fftfreq(64)[:, None], np.fft.fftfreq(64)[None])
    product = (spectrum * frequencies)[1:, 1:]
    np.testing.assert_allclose(product, product[0, 0], rtol=1e-4)


def test_statistics_of_samples_are_those_that_made_them():
    rng = np.random.default_rng(0)
    color = np.array([[0.5, 0.2, 0.0], [0.3, -0.2, 0.1], [0.1, 0.0, -0.3]])
    samples = rng.normal(size=(40, 16, 16, 3)) @ color.T + [0.1, 0.2, 0.3]
    found = statistics_of(samples, (16, 16, 3))
    ours, truth = found.color @ found.color.T, color @ color.T
    np.testing.assert_allclose(ours / np.trace(ours), truth / np.trace(truth), atol=0.02)
    np.testing.assert_allclose(found.mean, [0.1, 0.2, 0.3], atol=0.02)


def test_a_start_of_noise_has_the_natural_colours_of_the_parameterization():
    fourier = Fourier((32, 32, 3), (0, 1))
    randoms = [np.random.default_rng(seed) for seed in range(40)]
    images = np.asarray(fourier.images(fourier.start(randoms, contrast=10.0))).reshape(-1, 3)
    logits = np.log(images / (1 - images))
    found, truth = np.cov(logits.T), NATURAL_COLOR @ NATURAL_COLOR.T
    np.testing.assert_allclose(found / np.trace(found), truth / np.trace(truth), atol=0.03)
