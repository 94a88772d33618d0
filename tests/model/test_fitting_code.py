import keras
import numpy
import pytest

import keras_see
from keras_see.model.fitting_code import fits, fitting_code, wrapping_code

RGB, GREY, ANY = (None, 8, 6, 3), (None, 8, 6, 1), (None, None, None, 3)


def done(code, images):
    """Do what a message says, literally."""
    return eval(code, {"keras": keras, "numpy": numpy, "images": images})


@pytest.mark.parametrize("kind", ["uint8", "float32"])
@pytest.mark.parametrize(
    ("shape", "wanted"),
    [
        ((8, 6, 3), RGB),
        ((4, 8, 6), GREY),
        ((4, 8, 6), RGB),
        ((8, 6), GREY),
        ((5, 7), RGB),
        ((3, 8, 6), RGB),
        ((2, 3, 8, 6), RGB),
        ((2, 3, 9, 9), RGB),
        ((2, 9, 9, 3), RGB),
        ((2, 8, 6, 4), RGB),
        ((2, 8, 6, 2), RGB),
        ((2, 8, 6, 2), GREY),
        ((2, 8, 6, 4), GREY),
        ((2, 5, 5, 3), GREY),
        ((2, 5, 5, 1), RGB),
        ((2, 7, 8, 6, 3), RGB),
        ((4, 144), RGB),
        ((144,), RGB),
        ((2, 5, 5, 4), ANY),
        ((2, 5, 5, 1), (None, 8, None, 3)),
    ],
)
def test_the_code_makes_an_array_fit(shape, wanted, kind):
    images = numpy.zeros(shape, kind)
    assert not fits(shape, wanted)
    assert fits(tuple(done(fitting_code(shape, wanted), images).shape), wanted)


@pytest.mark.parametrize(
    ("shape", "wanted"), [((7,), RGB), ((2, 8, 6, 5), RGB), ((), RGB), ((2, 8, 6, 3), (None, 8, 6, 7))]
)
def test_where_there_is_no_plain_way_there_is_no_code(shape, wanted):
    assert fitting_code(shape, wanted) is None


def test_one_array_keeps_its_values_and_their_places():
    images = numpy.random.default_rng(0).random((2, 3, 8, 6))
    found = done(fitting_code(images.shape, RGB), images)
    numpy.testing.assert_array_equal(found[1, 4, 5], images[1, :, 4, 5])


@pytest.mark.parametrize("shape", [(28, 28), (20,), (10, 3), (4, 5, 6, 2)])
def test_a_model_of_other_inputs_has_saliency_maps_once_it_is_wrapped(shape):
    model = keras.Sequential([keras.Input(shape), keras.layers.Flatten(), keras.layers.Dense(3)])
    images = numpy.random.default_rng(0).random((4, *shape), "float32")
    code, picture = wrapping_code(shape)
    wrapped = eval(code, {"keras": keras, "model": model})
    found = keras_see.saliency_maps(wrapped, images.reshape(-1, *picture), 1)
    expected = numpy.abs(keras.ops.convert_to_numpy(model.layers[-1].kernel)[:, 1]).reshape(picture).max(axis=-1)
    numpy.testing.assert_allclose(found, numpy.stack([expected] * 4), rtol=1e-5)
    with pytest.raises(ValueError, match="`model` must take images") as caught:
        keras_see.saliency_maps(model, images)
    assert f"work with {code} and images.reshape{(-1, *picture)}." in str(caught.value)
