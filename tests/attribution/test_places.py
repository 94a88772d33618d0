"""Place tests: a bright spot alone drives the score, and maps have their centre of mass within a tenth of it."""

import keras
import numpy as np
import pytest
from keras import layers, ops
from tiny_models import through

from keras_see import grad_cam_maps, maps, saliency_maps

SHAPE = (32, 24, 3)
SPOT = (0.55, 0.35)  # rows, columns: inside all crops below, and not in the middle


def spotted(count=2, shape=SHAPE, spot=SPOT):
    """Return images that are dark but for a spot, which is brighter in every further image."""
    images = np.zeros((count, *shape), "float32")
    row, column = (round(share * side) for share, side in zip(spot, shape, strict=False))
    images[:, row - 2 : row + 2, column - 2 : column + 2] = 1 + np.arange(count).reshape(-1, 1, 1, 1)
    return images


def positive(model):
    """Give a model weights above zero, so that every bright place speaks for every class."""
    random = np.random.default_rng(0)
    for weight in model.weights:
        fan_in = max(int(np.prod(weight.shape[:-1])), 1)
        is_bias = len(weight.shape) == 1
        weight.assign(np.zeros(weight.shape) if is_bias else random.uniform(0.5, 1.5, weight.shape) / fan_in)
    return model


def centre(values):
    """Return the centres of mass of maps, in shares of their rows and columns."""
    weights = np.abs(values) / np.abs(values).sum(axis=(1, 2), keepdims=True)
    axes = (np.arange(side) + 0.5 for side in values.shape[1:])
    rows, columns = np.meshgrid(*axes, indexing="ij")
    return np.stack([(weights * each).sum(axis=(1, 2)) for each in (rows, columns)], -1) / values.shape[1:]


def model_of(*steps, shape=SHAPE, **options):
    inputs = keras.Input(shape, **options)
    return positive(keras.Model(inputs, through(steps, inputs)))


def conv(filters=4, **options):
    return layers.Conv2D(filters, 3, padding="same", activation="relu", **options)


def end():
    return [layers.GlobalAveragePooling2D(), layers.Dense(3)]


class Windows(layers.Layer):
    """Runs a convolution on four windows of each image, folded into the batch."""

    def __init__(self):
        super().__init__()
        self.inner = conv(name="inner")

    def call(self, x):
        n, rows, columns, channels = x.shape
        parts = ops.reshape(x, (-1, 2, rows // 2, 2, columns // 2, channels))
        parts = ops.reshape(ops.transpose(parts, (0, 1, 3, 2, 4, 5)), (-1, rows // 2, columns // 2, channels))
        parts = ops.reshape(self.inner(parts), (-1, 2, 2, rows // 2, columns // 2, 4))
        return ops.reshape(ops.transpose(parts, (0, 1, 3, 2, 4, 5)), (-1, rows, columns, 4))


class Slice(layers.Layer):
    """Cuts a window out, by no layer of Keras."""

    def call(self, x):
        return x[:, 14:30, 6:18]


def two_branches():
    inputs = keras.Input(SHAPE)
    features = conv(name="trunk")(inputs)
    branches = [layers.Conv2D(4, side, strides=2, padding="same", name=f"branch{side}")(features) for side in (1, 3)]
    return positive(keras.Model(inputs, through([layers.Concatenate(name="joined"), *end()], branches)))


def detector():
    inputs = keras.Input(SHAPE)
    features = through([conv(strides=2), conv(name="features")], inputs)
    scores = layers.Conv2D(6, 3, padding="same", name="scores")(features)
    return positive(keras.Model(inputs, layers.Reshape((-1, 3))(scores)))


def reshaped_vector():
    """The features' vector becomes a small grid again, which is no grid of the image."""
    steps = [conv(strides=2, name="features"), layers.Flatten(), layers.Dense(16), layers.Reshape((2, 2, 4))]
    return model_of(*steps, layers.Conv2D(3, 2, name="late"), layers.Flatten(), layers.Dense(3))


def other_branch():
    """The last layer with rows and columns is on the way to the other output."""
    inputs = keras.Input(SHAPE)
    features = conv(name="shared", strides=2)(inputs)
    kind = layers.Dense(3, name="kind")(layers.GlobalAveragePooling2D()(features))
    mask = layers.Conv2D(1, 3, padding="same", name="mask")(conv(name="mask_features")(features))
    return positive(keras.Model(inputs, {"kind": kind, "mask": mask}))


KINDS = {
    "plain": (lambda: model_of(conv(), layers.MaxPooling2D(), conv(name="last"), *end()), "last"),
    "CenterCrop": (lambda: model_of(layers.CenterCrop(16, 16), conv(strides=2, name="last"), *end()), "last"),
    "Cropping2D": (lambda: model_of(layers.Cropping2D(((12, 0), (2, 6))), conv(name="last"), *end()), "last"),
    "wide padding": (lambda: model_of(layers.ZeroPadding2D(((0, 16), (24, 0))), conv(name="last"), *end()), "last"),
    "Resizing": (lambda: model_of(layers.Resizing(20, 20), conv(name="last"), *end()), "last"),
    "Resizing by a crop": (
        lambda: model_of(layers.Resizing(8, 16, crop_to_aspect_ratio=True), conv(name="last"), *end()),
        "last",
    ),
    "Permute of rows and columns": (
        lambda: model_of(layers.Permute((2, 1, 3)), conv(strides=2, name="last"), *end()),
        "last",
    ),
    "windows in the batch": (lambda: model_of(conv(), Windows(), conv(name="last"), *end()), "last"),
    "windows in the batch, at the end": (lambda: model_of(conv(), Windows(), *end()), "windows"),
    "two branches": (two_branches, "joined"),
    "a detector": (detector, "features"),
    "a vector made a grid": (reshaped_vector, "features"),
    "a grid on the way to another output": (other_branch, "shared"),
    "a slice": (lambda: model_of(Slice(), conv(name="last"), *end()), None),
}


@pytest.mark.parametrize("kind", KINDS)
def test_maps_have_their_centre_where_the_spot_is(kind):
    make, layer = KINDS[kind]
    model, images = make(), spotted()
    if kind == "a vector made a grid":
        images += 0.0
    target = {"kind": 0} if isinstance(model.output, dict) else _score(model)
    default = grad_cam_maps(model, images, target, size="images")
    saliency = saliency_maps(model, images * 1.0, target)
    assert saliency.shape == images.shape[:3]
    np.testing.assert_allclose(centre(default), np.array([SPOT] * 2), atol=0.1)
    if layer is not None:
        path = next(call for call in (row.path for row in _rows(model)) if call.rstrip("_0123456789") == layer)
        np.testing.assert_array_equal(default, grad_cam_maps(model, images, target, size="images", layer=path))


def _score(model):
    return 0 if len(model.output.shape) == 2 else lambda outputs: ops.sum(outputs, axis=(1, 2))


def _rows(model):
    import keras_see

    return keras_see.layers(model)
