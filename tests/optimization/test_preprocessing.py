import keras
import numpy as np
import pytest
from keras import layers, ops

from keras_see.model import backend
from keras_see.model.cache import layer_calls_of
from keras_see.optimization.preprocessing import checked_range, image_shape, range_for, traceable, traced_shape

SHAPE = (4, 5, 3)
IMAGES = np.random.default_rng(0).uniform(0, 255, (2, *SHAPE)).astype("float32")
CAFFE = lambda x: x[..., ::-1] - [104, 117, 123]  # noqa: E731


@pytest.mark.parametrize(
    "preprocess",
    [
        CAFFE,
        lambda x: x / 127.5 - 1,
        lambda x: np.mean(x, axis=-1, keepdims=True),
        lambda x: x - np.arange(60.0).reshape(SHAPE),
        lambda x: keras.applications.imagenet_utils.preprocess_input(x, mode="torch"),
        lambda x: ops.sqrt(x),
        lambda x: ops.add(ops.mean(x, axis=(1, 2), keepdims=True), x),
        None,
    ],
    ids=["caffe", "scaled", "grey", "mean image", "torch", "root", "with the mean", "none"],
)
def test_it_does_the_same_to_tensors_as_to_arrays_and_has_a_gradient(preprocess):
    traced = traceable(preprocess, SHAPE, (0, 255))
    truth = IMAGES if preprocess is None else ops.convert_to_numpy(preprocess(IMAGES.copy()))

    def total(points):
        return ops.sum(traced(points["x"])), traced(points["x"])

    run = backend.compiled(lambda x: backend.gradients(total, {"x": x}))
    found, gradients = run(ops.convert_to_tensor(IMAGES))
    np.testing.assert_allclose(ops.convert_to_numpy(found), truth, rtol=1e-4, atol=1e-2)
    assert np.all(ops.convert_to_numpy(gradients["x"]) != 0)


def test_it_may_change_its_argument_and_the_shape():
    def halved(x):
        x *= 2
        return x[:, ::2, ::2]

    assert traced_shape(traceable(lambda x: ops.add(x, 0)[:, ::2, ::2], SHAPE, (0, 1)), SHAPE) == (2, 3, 3)
    before = IMAGES.copy()
    traceable(halved, SHAPE, (0, 255))
    np.testing.assert_array_equal(IMAGES, before)


def test_what_is_no_function_or_cannot_be_traced_is_refused():
    with pytest.raises(TypeError, match="`preprocess` must be a function"):
        traceable(3, SHAPE, (0, 1))
    with pytest.raises(ValueError, match=r"`preprocess` must take tensors.*no luck"):
        traced_shape(traceable(fails, SHAPE, (0, 1)), SHAPE)


def fails(images):
    raise RuntimeError("no luck")


@pytest.mark.parametrize("wrong", [(1, 0), (0, 0), (0, np.nan), 255, (0, 1, 2), "01"])
def test_a_range_that_is_none_is_refused(wrong):
    with pytest.raises(ValueError, match="`value_range` must be"):
        checked_range(wrong)


@pytest.mark.parametrize(
    ("first", "wanted"),
    [
        (layers.Rescaling(1 / 255), (0, 255)),
        (layers.Rescaling(1 / 127.5, offset=-1), (0, 255)),
        (layers.Rescaling(2.0), (0, 1)),
        (layers.Normalization(mean=[120.0, 115, 100], variance=[4000.0] * 3), (0, 255)),
        (layers.Normalization(mean=0.5, variance=0.1), (0, 1)),
    ],
)
def test_a_model_that_divides_before_all_weights_takes_bytes(first, wanted):
    shape = (4, 4, 3)
    model = keras.Sequential([keras.Input(shape), layers.RandomFlip(), first, layers.Conv2D(2, 3)])
    assert range_for(layer_calls_of(model, np.zeros((1, *shape), "float32")), lambda x: x, shape) == wanted


@pytest.mark.parametrize(
    ("preprocess", "wanted"),
    [
        (lambda x: x / 255.0, (0, 255)),
        (lambda x: x / 127.5 - 1.0, (0, 255)),
        (lambda x: (x / 255.0 - 0.45) / 0.225, (0, 255)),
        (lambda x: x[..., ::-1] - 110.0, (0, 255)),
        (lambda x: 2.0 * x - 1.0, (0, 1)),
        (lambda x: (x - 0.45) / 0.225, (0, 1)),
        (lambda x: x, (0, 1)),
    ],
)
def test_a_preprocess_that_divides_or_takes_off_a_mean_of_bytes_takes_bytes(preprocess, wanted):
    shape = (4, 4, 3)
    model = keras.Sequential([keras.Input(shape), layers.Conv2D(2, 3)])
    assert (
        range_for(layer_calls_of(model, np.zeros((1, *shape), "float32")), traceable(preprocess, shape, (0, 1)), shape)
        == wanted
    )


def test_the_size_is_the_models_own_or_the_users():
    def model(*shape):
        return keras.Sequential([keras.Input(shape), layers.Conv2D(2, 3)])

    assert image_shape(model(16, 20, 1)) == (16, 20, 1)
    assert image_shape(model(None, None, 3)) == (224, 224, 3)
    assert image_shape(model(None, None, 4), (9, 8)) == (9, 8, 4)
    assert image_shape(model(None, None, 3), 12) == (12, 12, 3)
    for wrong in [(16, 17), (0, 16), (16.0, 20.0), "big", (16,), True]:
        with pytest.raises(ValueError, match="`size` must be"):
            image_shape(model(16, 20, 3), wrong)
