import keras
import numpy as np
import pytest
import tiny_models
from keras import layers, ops

from keras_see.optimization.feature_inversion import content_ascent, content_images, set_target_features

SHAPE = (12, 12, 3)


def model(shape=SHAPE):
    steps = [layers.Conv2D(8, 3, activation="elu", name="conv"), layers.Conv2D(4, 3, strides=2, name="deep")]
    return keras.Sequential([keras.Input(shape), *steps])


def photos(count=2):
    """Return smooth pictures, each with its own colour gradient."""
    rows, columns = np.mgrid[:12, :12] / 11
    waves = np.stack([rows, columns, (rows + columns) / 2], axis=-1)
    return np.stack([0.1 + 0.8 * np.roll(waves, number, axis=-1) for number in range(count)]).astype("float32")


def distances(net, layer, found, truth):
    until = keras.Model(net.inputs[0], net.get_layer(layer).output)
    a, b = (tiny_models.outputs_of(until, images).reshape(len(images), -1) for images in (found, truth))
    return np.linalg.norm(a - b, axis=1) / np.linalg.norm(b, axis=1)


def test_a_layer_that_keeps_everything_gives_the_photo_back():
    net = keras.Sequential([keras.Input(SHAPE), layers.Conv2D(3, 1, use_bias=False, name="conv")])
    net.get_layer("conv").set_weights([np.array([[[[1, 0, 0.3], [0.2, 1, 0], [0, 0.1, 1]]]])])
    found = content_images(net, photos(), "conv", steps=150, prior=0)
    assert np.abs(found - photos()).mean() < 0.02


@pytest.mark.parametrize("parameterization", ["fourier", "pixels"])
def test_features_come_close_and_each_image_to_its_own(parameterization):
    net = model()
    found, history = content_images(
        net, photos(), "deep", steps=120, prior=0.1, parameterization=parameterization, return_history=True
    )
    left = distances(net, "deep", found, photos())
    assert np.all(left < 0.1)
    assert np.all(distances(net, "deep", found, photos()[::-1]) > 2 * left)
    np.testing.assert_allclose(np.sqrt(-history[:, -1]), left, atol=0.01)
    assert history.shape == (2, 120)


def test_several_layers_are_matched_together():
    net = model()
    found = content_images(net, photos(), ["conv", "deep"], steps=100)
    assert distances(net, "conv", found, photos()).max() < 0.2
    assert distances(net, "deep", found, photos()).max() < 0.2


def test_a_stronger_prior_gives_a_smoother_image():
    net = model()

    def variation(prior):
        found = content_images(net, tiny_models.photos(1, shape=SHAPE), "deep", steps=60, prior=prior)
        return np.square(np.diff(found, axis=1)).mean() + np.square(np.diff(found, axis=2)).mean()

    assert variation(30.0) < 0.7 * variation(0)


@pytest.mark.parametrize(("scale", "kind"), [(255, "uint8"), (255, "float32"), (1, "float32")])
def test_the_range_is_that_of_the_images(scale, kind):
    net = keras.Sequential([keras.Input(SHAPE), layers.Rescaling(1 / scale), layers.Conv2D(4, 1, name="conv")])
    images = (photos() * scale).astype(kind)
    found = content_images(net, images, "conv", steps=60)
    assert found.dtype == np.float32
    assert 0 <= found.min() < found.max() <= scale
    assert np.abs(found / scale - photos()).mean() < 0.1


def test_the_same_seed_gives_the_same_image_and_batches_change_nothing():
    net = model()
    one, two, parts = (content_images(net, photos(3), "deep", steps=10, seed=5, batch_size=size) for size in (8, 8, 2))
    np.testing.assert_array_equal(one, two)
    np.testing.assert_allclose(parts, one, atol=2e-2)


def test_an_ascent_resumes_with_changed_weights_and_new_target_features():
    net = model()
    ascent = content_ascent(net, photos(), "deep")
    states, _ = ascent.run(ascent.start(0), 60)
    net.set_weights([np.random.default_rng(9).normal(0, 0.2, weight.shape) for weight in net.get_weights()])
    set_target_features(ascent, photos())
    states, history = ascent.run(states, 60)
    assert np.all(history[:, -1] > history[:, 0])
    left = distances(net, "deep", ascent.images(states), photos())
    assert np.all(left < 0.2)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"images": np.zeros((2, 8, 8, 3))}, "`images` must fit the model's input"),
        ({"images": np.zeros((12, 12))}, "`images` must have the shape"),
        ({"value_range": (1, 0)}, "`value_range` must be"),
        ({"value_range": (0.4, 0.6)}, "`images` must lie in `value_range`"),
        ({"steps": 0}, "`steps` must be"),
        ({"prior": -1}, "`prior` must be"),
        ({"prior": "strong"}, "`prior` must be"),
        ({"layer": "dep"}, "Did you mean 'deep'"),
        ({"layer": []}, "`layer` must name one layer at least"),
        ({"seed": 0.5}, "`seed` must be"),
    ],
    ids=lambda part: str(part)[:30],
)
def test_wrong_arguments_are_named_in_the_message(wrong, says):
    arguments = {"images": photos(), "layer": "deep", "steps": 2} | wrong
    with pytest.raises(ValueError, match=says):
        content_images(model(), **arguments)


@pytest.mark.parametrize("prior", [0, 1.0])
def test_a_model_that_ignores_its_input_is_an_error(prior):
    class Ignores(layers.Layer):
        def call(self, x):
            return ops.ones_like(x)

    net = keras.Sequential([keras.Input(SHAPE), Ignores(), layers.Conv2D(2, 3, name="conv")])
    with pytest.raises(ValueError, match="model ignores its input there"):
        content_images(net, photos(), "conv", steps=3, prior=prior)


def test_a_prior_does_not_hide_that_an_image_has_no_gradient_of_its_own():
    kernel = np.random.default_rng(1).normal(0, 0.3, (3, 3, 3, 4))
    kernel -= kernel.mean(axis=(0, 1, 2)) + 0.8 / 27  # so that a grey image activates nothing
    model = keras.Sequential([keras.Input((16, 16, 3)), layers.Conv2D(4, 3, activation="relu", name="c")])
    model.set_weights([kernel, np.zeros(4)])
    images = np.random.default_rng(0).random((2, 16, 16, 3)).astype("float32")
    assert 0.05 < (ops.convert_to_numpy(model(images)) > 0).mean() < 0.4
    found, history = content_images(model, images, "c", steps=64, return_history=True)
    assert np.all(history[:, 0] == -1)  # at first nothing is active
    assert np.all(history[:, -1] > -0.75)
    features, truth = (ops.convert_to_numpy(model(part)) for part in (found, images))
    distance = np.square(features - truth).sum() / np.square(truth).sum()
    np.testing.assert_allclose(distance, -history[:, -1].mean(), atol=0.1)
