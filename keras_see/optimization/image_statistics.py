"""Statistics of images: the amplitudes of their waves, and the covariance of their colours."""

from typing import NamedTuple

import numpy as np

# Square root of the covariance of RGB values over ImageNet, one column per uncorrelated colour: light, blue against
# orange, green against purple. Lucid (Apache-2.0), `lucid/optvis/param/color.py`.
NATURAL_COLOR = np.array([[0.26, 0.09, 0.02], [0.27, 0.00, -0.05], [0.27, -0.09, 0.03]])

# Amplitude, before the sigmoid, of a wave with one period per image, for a parameter of one. Lucid has 0.25
# (`lucid/optvis/param/spatial.py`), which on GoogLeNet leaves pictures pale after 256 steps; 1 makes them glaring.
WAVES = 0.5

# The least share of the strongest colour or wave that any other has, so that every image can be expressed.
LEAST = 1e-3


class Statistics(NamedTuple):
    """Statistics of images before the sigmoid that bounds them.

    Attributes:
        spectrum: `(height, width)`, the amplitude of each wave of a Hartley transform.
        color: `(channels, channels)`, from uncorrelated colours to channels.
        mean: `(channels,)`.
    """

    spectrum: np.ndarray
    color: np.ndarray
    mean: np.ndarray


def natural_statistics(shape):
    """Return the `Statistics` of photographs for images of this shape.

    Amplitudes fall as one over the frequency (Field 1987, doi:10.1364/JOSAA.4.002379). Channels other than three are
    taken as uncorrelated.
    """
    height, width, channels = shape
    color = NATURAL_COLOR if channels == 3 else np.eye(channels)
    return Statistics(_natural_spectrum(height, width), _at_most_one(color), np.zeros(channels))


def statistics_of(logits, shape):
    """Return the `Statistics` of sample images, given before the sigmoid, for optimized images of this shape.

    Args:
        logits: `(n, rows, columns, channels)`, of any size.
        shape: `(height, width, channels)` of the optimized images.
    """
    height, width, channels = shape
    mean = logits.mean(axis=(0, 1, 2))
    rest = logits - mean
    covariance = rest.reshape(-1, channels).T @ rest.reshape(-1, channels) / rest[..., 0].size
    values, vectors = np.linalg.eigh(covariance)
    deviations = np.sqrt(values.clip(0))
    color = vectors * np.maximum(deviations, max(LEAST * deviations.max(), LEAST))
    return Statistics(_measured_spectrum(rest, height, width), _at_most_one(color[:, ::-1]), mean)


def _natural_spectrum(height, width):
    cycles = _frequencies(height, width) * max(height, width)
    return WAVES * np.sqrt(height * width) / np.maximum(cycles, 1.0)


def _measured_spectrum(images, height, width):
    """Return the mean amplitude over images, channels and directions, with as much in all as the natural one."""
    power = np.square(np.abs(np.fft.fft2(images, axes=(1, 2), norm="ortho"))).mean(axis=(0, 3))
    frequencies = _frequencies(*power.shape)
    edges = np.linspace(0, frequencies.max(), max(min(power.shape) // 2, 2) + 1)
    ring = np.digitize(frequencies, edges[1:-1])
    count = np.bincount(ring.ravel(), minlength=len(edges) - 1)
    total = np.bincount(ring.ravel(), power.ravel(), minlength=len(edges) - 1)
    middles = (edges[1:] + edges[:-1]) / 2
    levels = np.sqrt(total[count > 0] / count[count > 0])
    spectrum = np.interp(_frequencies(height, width), middles[count > 0], levels)
    spectrum = np.maximum(spectrum, max(LEAST * spectrum.max(), 1e-12))
    return spectrum * np.linalg.norm(_natural_spectrum(height, width)) / np.linalg.norm(spectrum)


def _frequencies(height, width):
    """Return the frequency of each wave in cycles per pixel."""
    return np.hypot(np.fft.fftfreq(height)[:, None], np.fft.fftfreq(width)[None])


def _at_most_one(color):
    return color / np.linalg.norm(color, axis=0).max()
