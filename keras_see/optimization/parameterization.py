"""Parameterizations of an optimized image: a Fourier basis with natural statistics, or pixels."""

import numpy as np
from keras import ops

from keras_see._validation import shown
from keras_see.optimization.image_statistics import natural_statistics, statistics_of

# Standard deviation of the numbers at the start, as in Lucid (`lucid/optvis/param/images.py`): almost grey.
NOISE = 0.01

# How close to the ends of the range, as a share, a given image may come: the logit of an end itself is infinite.
MARGIN = 1e-3

# What red, green and blue add to brightness: ITU-R BT.601, 2.5.1.
BRIGHTNESS = (0.299, 0.587, 0.114)


class Fourier:
    r"""An image as a sum of waves with natural amplitudes and uncorrelated colours, bounded to its range.

    $x = a + (b - a)\,\sigma(C \mathcal{H}(s \cdot p) + \mu)$ with the parameters $p$, the spectrum $s$, the orthonormal
    Hartley transform $\mathcal{H}$ (the real part of the Fourier transform less its imaginary part: real numbers in,
    real numbers out, and its own inverse), the colours $C$, the mean $\mu$ and the range $(a, b)$. Equal steps in $p$
    are then steps of natural proportions in $x$: Olah, Mordvintsev and Schubert 2017, *Feature Visualization*,
    doi:10.23915/distill.00007, "Preconditioning and Parameterization".

    Args:
        shape: `(height, width, channels)` of an image.
        value_range: `(low, high)` of its values; never reached, never passed.
        samples: The user's own images `(n, rows, columns, channels)` in the same range, from which spectrum, colours
            and mean are taken. Default: those of natural photographs.

    Example:
        >>> import numpy as np
        >>> fourier = Fourier((8, 8, 3), (0, 255))
        >>> photo = np.full((1, 8, 8, 3), 100.0)
        >>> np.allclose(fourier.images(fourier.parameters_of(photo)), photo, atol=0.1)
        True
    """

    def __init__(self, shape, value_range, samples=None):
        self.shape, self.value_range = tuple(shape), value_range
        if samples is None:
            self.statistics = natural_statistics(shape)
        else:
            self.statistics = statistics_of(_logits(samples, value_range), shape)

    def start(self, randoms, contrast=1.0):
        """Return parameters of noise, float32 `(n, channels, height, width)`, one image per generator."""
        height, width, channels = self.shape
        noise = [random.normal(0, NOISE * contrast, (channels, height, width)) for random in randoms]
        return np.stack(noise).astype("float32")

    def images(self, parameters):
        """Return the images `(n, height, width, channels)` of these parameters; traced."""
        spectrum, color, mean = (ops.convert_to_tensor(part, "float32") for part in self.statistics)
        height, width, _ = self.shape
        waves = ops.convert_to_tensor(parameters) * spectrum / np.sqrt(height * width)
        real, imaginary = ops.fft2((waves, ops.zeros_like(waves)))
        colors = ops.transpose(real - imaginary, (0, 2, 3, 1))
        return _bounded(ops.matmul(colors, ops.transpose(color)) + mean, self.value_range)

    def parameters_of(self, images):
        """Return the parameters that give these images, to within the margin at the ends of the range."""
        spectrum, color, mean = self.statistics
        colors = (_logits(images, self.value_range) - mean) @ np.linalg.inv(color).T
        waves = np.fft.fft2(np.moveaxis(colors, -1, 1), norm="ortho")
        return ((waves.real - waves.imag) / spectrum).astype("float32")


class Pixels:
    r"""An image as its pixels, bounded to its range: $x = a + (b - a)\,\sigma(p)$.

    The plain alternative to `Fourier`: no statistics of natural images, and rougher optimized images.

    Args:
        shape: `(height, width, channels)` of an image.
        value_range: `(low, high)` of its values.

    Example:
        >>> import numpy as np
        >>> Pixels((8, 8, 3), (0, 1)).images(np.zeros((1, 8, 8, 3), "float32")).shape[0]
        1
    """

    def __init__(self, shape, value_range):
        self.shape, self.value_range = tuple(shape), value_range

    def start(self, randoms, contrast=1.0):
        """Return parameters of noise, float32 `(n, height, width, channels)`, one image per generator."""
        return np.stack([random.normal(0, NOISE * contrast, self.shape) for random in randoms]).astype("float32")

    def images(self, parameters):
        """Return the images `(n, height, width, channels)` of these parameters; traced."""
        return _bounded(ops.convert_to_tensor(parameters), self.value_range)

    def parameters_of(self, images):
        """Return the parameters that give these images, to within the margin at the ends of the range."""
        return _logits(images, self.value_range).astype("float32")


class Plain:
    """An image as its pixels, unbounded: for dreams on a photo.

    A grey image is seen as grey by a model for colour, and a colour image by its brightness by a model for grey; what
    the model wants then changes nothing but the brightness.

    Args:
        shape: `(height, width, channels)` of what is seen.
    """

    def __init__(self, shape):
        self.shape = tuple(shape)

    def images(self, parameters):
        """Return the images `(n, height, width, channels)` of these pixels, of one or three channels; traced."""
        pixels, channels = ops.convert_to_tensor(parameters), self.shape[-1]
        if pixels.shape[-1] == channels:
            return pixels
        if channels == 1:
            return ops.matmul(pixels, ops.convert_to_tensor(np.array(BRIGHTNESS, "float32")[:, None]))
        return ops.repeat(pixels, channels, axis=-1)


def parameterization_of(word, shape, value_range, samples=None):
    """Return what `"fourier"` or `"pixels"` means for images of this shape."""
    if word == "fourier":
        return Fourier(shape, value_range, samples)
    if word == "pixels":
        return Pixels(shape, value_range)
    raise ValueError(f'`parameterization` must be "fourier" or "pixels". Got {shown(word)}. Choose one of them.')


def _bounded(logits, value_range):
    low, high = value_range
    return low + (high - low) * ops.sigmoid(logits)


def _logits(images, value_range):
    low, high = value_range
    shares = ((np.asarray(images, "float64") - low) / (high - low)).clip(MARGIN, 1 - MARGIN)
    return np.log(shares / (1 - shares))
