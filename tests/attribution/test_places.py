"""Place tests: a bright spot alone drives the score, and maps have their centre of mass within a tenth of it."""

import keras
import numpy as np
import pytest
from keras import layers, ops
from tiny_models import through

import keras_see
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
        _, rows, columns, channels = x.shape
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
    target = {"kind": 0} if isinstance(model.output, dict) else _score(model)
    default = grad_cam_maps(model, images, target, size="images")
    saliency = saliency_maps(model, images, target)
    assert saliency.shape == images.shape[:3]
    np.testing.assert_allclose(centre(default), np.array([SPOT] * 2), atol=0.1)
    if layer is not None:
        path = next(
            call for call in (row.path for row in keras_see.layers(model)) if call.rstrip("_0123456789") == layer
        )
        np.testing.assert_array_equal(default, grad_cam_maps(model, images, target, size="images", layer=path))


def test_channels_first_models_give_maps_in_rows_and_columns():
    first = {"data_format": "channels_first"}
    steps = [layers.Conv2D(4, 3, strides=2, padding="same", activation="relu", **first)]
    model = model_of(*steps, layers.GlobalAveragePooling2D(**first), layers.Dense(3), shape=(3, 32, 24))
    images = np.moveaxis(spotted(), -1, 1)
    found = maps(model, images, 0)
    assert (found["saliency"].shape, found["grad_cam"].shape) == ((2, 32, 24), (2, 16, 12))
    for each in (found["grad_cam"], grad_cam_maps(model, images, 0, size="images")):
        np.testing.assert_allclose(centre(each), np.array([SPOT] * 2), atol=0.1)


@pytest.mark.parametrize("to_first", [True, False], ids=["channels last outside", "channels first outside"])
def test_a_permute_between_the_image_and_its_layers_is_seen(to_first):
    form = {"data_format": "channels_first" if to_first else "channels_last"}
    shape, order = (SHAPE, (3, 1, 2)) if to_first else ((3, 32, 24), (2, 3, 1))
    steps = [layers.Conv2D(4, 3, strides=(2, 1), padding="same", activation="relu", **form)]
    model = model_of(layers.Permute(order), *steps, layers.GlobalAveragePooling2D(**form), layers.Dense(3), shape=shape)
    images = spotted() if to_first else np.moveaxis(spotted(), -1, 1)
    found = maps(model, images, 0)
    assert (found["saliency"].shape, found["grad_cam"].shape) == ((2, 32, 24), (2, 16, 24))
    np.testing.assert_allclose(centre(found["grad_cam"]), np.array([SPOT] * 2), atol=0.1)


def test_images_of_whole_numbers_have_the_gradients_of_the_same_floats():
    def model(dtype):
        return model_of(layers.Rescaling(1 / 255), conv(name="last"), *end(), dtype=dtype)

    images = (spotted() * 100).astype("uint8")
    whole, floats = maps(model("uint8"), images, 1), maps(model("float32"), images.astype("float32"), 1)
    assert floats["saliency"].max() > 0
    for name in ("saliency", "grad_cam", "predictions"):
        np.testing.assert_allclose(whole[name], floats[name], rtol=1e-5, atol=1e-9)


def twin():
    """Two pictures, one encoder; the inputs are a dict whose second name comes first in the alphabet."""
    inputs = {"view": keras.Input(SHAPE, name="view"), "back": keras.Input(SHAPE, name="back")}
    encoder = keras.Sequential([keras.Input(SHAPE), conv(name="inner")], name="encoder")
    pooled = [layers.GlobalAveragePooling2D()(encoder(each)) for each in inputs.values()]
    return positive(keras.Model(inputs, layers.Dense(3)(layers.Concatenate()(pooled))))


def test_each_of_two_pictures_has_maps_of_its_own():
    model, other = twin(), (0.3, 0.7)
    images = {"view": spotted(), "back": spotted(spot=other)}
    for image, spot in ((None, SPOT), ("view", SPOT), ("back", other), (1, SPOT), (0, other)):
        for found in (grad_cam_maps(model, images, 0, image=image), saliency_maps(model, images, 0, image=image)):
            np.testing.assert_allclose(centre(found).mean(axis=0), spot, atol=0.1)
    refused = []
    for layer in ("encoder/inner", "encoder/inner#1"):
        try:
            grad_cam_maps(model, images, 0, image="back", layer=layer)
        except ValueError as error:
            refused.append(str(error))
    assert len(refused) == 1
    assert "does not depend on the image 'back'" in refused[0]
    with pytest.raises(ValueError, match=r"`image` must be the number or the name.*0 \('back'\), 1 \('view'\)"):
        saliency_maps(model, images, 0, image="front")


def vit(pooled=False, depth=2):
    """A vision transformer of Keras's layers, with a class token or an average over tokens."""

    class ClassToken(layers.Layer):
        def build(self, shape):
            self.token = self.add_weight(shape=(1, 1, shape[-1]), name="token")

        def call(self, tokens):
            ones = ops.ones((ops.shape(tokens)[0], 1, 1), tokens.dtype)
            return ops.concatenate([ones * self.token, tokens], axis=1)

    inputs = keras.Input(SHAPE)
    tokens = layers.Reshape((48, 8))(layers.Conv2D(8, 4, strides=4, name="patches")(inputs))
    tokens = tokens if pooled else ClassToken(name="with_class")(tokens)
    for number in range(depth):
        seen = layers.MultiHeadAttention(2, 4, name=f"attention{number}")(tokens, tokens)
        tokens = layers.Add(name=f"sum{number}")([tokens, seen])
    ends = layers.GlobalAveragePooling1D()(tokens) if pooled else layers.Identity(name="all")(tokens)[:, 0]
    return positive(keras.Model(inputs, layers.Dense(3)(ends)))


@pytest.mark.parametrize("pooled", [False, True], ids=["class token", "average"])
def test_tokens_of_a_transformer_lie_on_their_grid(pooled):
    model, images = vit(pooled), spotted()
    found = grad_cam_maps(model, images, 0)
    assert found.shape == (2, 8, 6)
    assert (found > 0).mean() > 0.02
    np.testing.assert_allclose(centre(found - found.min(axis=(1, 2), keepdims=True)), np.array([SPOT] * 2), atol=0.1)
    with pytest.raises(ValueError, match=r"attention1/value' has shape .*which are not places of it"):
        grad_cam_maps(model, images, 0, layer="attention1/value")


def test_a_layer_that_sees_parts_of_images_in_the_batch_is_refused_by_name():
    model = model_of(conv(), Windows(), conv(name="last"), *end())
    with pytest.raises(ValueError, match=r"inner' holds 4 parts per image along the batch axis; '.*' holds the whole"):
        grad_cam_maps(model, spotted(), 0, layer="inner")


def test_a_layer_that_the_score_does_not_depend_on_is_refused_and_never_drawn_as_zeros():
    with pytest.raises(ValueError, match=r"`layer` must lie on the way.*score does not depend on 'mask_features'"):
        grad_cam_maps(other_branch(), spotted(), {"kind": 0}, layer="mask_features")


class InBranch(layers.Layer):
    """Runs a layer in a branch that depends on the image."""

    def __init__(self):
        super().__init__()
        self.inner = conv(name="inner")

    def build(self, shape):
        self.inner.build(shape)

    def call(self, x):
        return ops.cond(ops.max(x) > -1, lambda: self.inner(x), lambda: ops.zeros_like(x[..., :1]) * ops.ones((4,)))


def test_a_layer_inside_a_branch_is_no_place_and_those_around_it_are():
    model = model_of(conv(name="before"), InBranch(), conv(name="last"), *end())
    found = maps(model, spotted(), 0)
    np.testing.assert_allclose(centre(found["grad_cam"]), np.array([SPOT] * 2), atol=0.1)
    assert found["saliency"].max() > 0
    if keras.backend.backend() != "torch":  # there a branch runs as it is
        with pytest.raises(ValueError, match=r"inner' stays inside a loop or a branch"):
            grad_cam_maps(model, spotted(), 0, layer="inner")


def _score(model):
    return 0 if len(model.output.shape) == 2 else lambda outputs: ops.sum(outputs, axis=(1, 2))
