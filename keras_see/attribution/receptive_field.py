"""Receptive fields: the box of the image that a place of a layer depends on, found by gradients."""

import keras
import numpy as np

from keras_see.model.image_batches import picture_of, take

# Images of noise, whose gradients are joined: an activation may pass nothing on in one of them.
PROBES = 2


class ReceptiveFields:
    """The boxes of the places of a layer, each row and column of places probed once.

    A place depends on a pixel where a gradient leads from it to the pixel. The gradient of a whole row of places, each
    channel with a random weight, shows the image's rows on which that row depends; columns likewise. Rectifiers let it
    through where they are closed, and max pooling to all of a window.

    Args:
        features: The `FeaturePass`.
        images: Some images, of which the shape, the range of values and other inputs than the picture are taken.
        shape: Of the layer's output, without the batch axis.
        value_range: `(low, high)` of the noise.
        batch_size: Images per pass.
    """

    def __init__(self, features, images, shape, value_range, batch_size):
        self._features, self._shape, self._batch_size = features, shape, batch_size
        self._one, self._size = take(images, slice(1)), picture_of(images).shape[1:3]
        random = np.random.default_rng(0)
        noise = random.random((PROBES, *picture_of(images).shape[1:]))
        self._noise = (value_range[0] + (value_range[1] - value_range[0]) * noise).astype("float32")
        self._weights = random.normal(size=shape).astype("float32")
        self._ranges = {}

    def boxes(self, places):
        """Return the boxes `(x0, y0, x1, y1)`, half-open, of places, row · columns + column, inside the image."""
        if len(self._shape) != 3:  # no rows and columns: the layer may depend on everything
            return [(0, 0, self._size[1], self._size[0])] * len(places)
        wanted = [divmod(int(place), self._shape[1]) for place in places]
        self._probe([("rows", row) for row, _ in wanted] + [("columns", column) for _, column in wanted])
        found = [(self._ranges["rows", row], self._ranges["columns", column]) for row, column in wanted]
        return [(x0, y0, x1, y1) for (y0, y1), (x0, x1) in found]

    def _probe(self, lines):
        missing = [line for line in dict.fromkeys(lines) if line not in self._ranges]
        chunk = max(self._batch_size // PROBES, 1)
        for start in range(0, len(missing), chunk):
            some = missing[start : start + chunk]
            padded = some + some[-1:] * (chunk - len(some)) if len(missing) > chunk else some
            for line, gradients in zip(some, self._gradients(padded), strict=False):
                self._ranges[line] = _extent(gradients, axis=0 if line[0] == "rows" else 1)

    def _gradients(self, lines):
        """Return bool `(lines, height, width)`: where the images have a gradient of this row or column of places."""
        weights = np.stack([self._line_weights(*line) for line in lines])
        images = self._with_noise(len(lines))
        found = self._features.gradients(images, np.repeat(weights, PROBES, axis=0))
        return (found.reshape(len(lines), PROBES, *found.shape[1:]) != 0).any(axis=(1, -1))

    def _line_weights(self, axis, number):
        weights = np.zeros_like(self._weights)
        where = number if axis == "rows" else (slice(None), number)
        weights[where] = self._weights[where]
        return weights

    def _with_noise(self, count):
        old = picture_of(self._one)
        noise = np.tile(self._noise, (count, 1, 1, 1)).astype(old.dtype if old.dtype.kind == "f" else "float32")
        leaves = [
            noise if leaf is old else np.repeat(leaf, count * PROBES, axis=0) for leaf in keras.tree.flatten(self._one)
        ]
        return keras.tree.pack_sequence_as(self._one, leaves)


def _extent(is_reached, axis):
    """Return the half-open range of rows (axis 0) or columns (axis 1) that hold anything; all where none does."""
    reached = np.flatnonzero(is_reached.any(axis=1 - axis))
    return (int(reached[0]), int(reached[-1]) + 1) if reached.size else (0, is_reached.shape[axis])
