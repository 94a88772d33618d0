import keras
import numpy as np
import pytest
from keras import ops
from tiny_models import SHAPE, Subclassed, built, flat, photos, two_inputs

from keras_see import class_activation_maps, grad_cam_maps, maps, saliency_maps
from keras_see.model.image_batches import batches, count_of, picture_of, take
from keras_see.model.inputs import check_inputs, input_shapes

FUNCTIONS = [saliency_maps, grad_cam_maps, class_activation_maps, maps]


def with_value(value):
    images = photos(3)
    images[1, 2, 3, 0] = value
    return images


REFUSED = {
    "other sizes": (
        photos(2, shape=(8, 8, 3)),
        ValueError,
        "fit the model's input, (n, 8, 6, 3). Got shape (2, 8, 8, 3). Pass keras.ops.image.resize(images, (8, 6)).",
    ),
    "other channels": (photos(2, shape=(8, 6, 1)), ValueError, "(n, 8, 6, 3). Got shape (2, 8, 6, 1)."),
    "no images": (photos(0), ValueError, "with one image at least. Got (0, 8, 6, 3)."),
    "nothing": ([], ValueError, "with one image at least. Got nothing."),
    "a number": (3.0, ValueError, "with one image at least. Got ()."),
    "NaN": (with_value(np.nan), ValueError, "Those with index [1] hold NaN or infinity."),
    "infinity": (with_value(np.inf), ValueError, "must be finite numbers."),
    "vectors": (np.ones((4, 144)), ValueError, "Got (4, 144). Pass images.reshape(-1, 8, 6, 3)."),
    "vectors of another length": (np.ones(7), ValueError, "Got (7,). Reshape them: images.reshape(n, height, width"),
    "one input too many": ([photos(2), np.ones((2, 1))], ValueError, "1 inputs. Got 2. Images with labels are a tuple"),
    "inputs of unequal number": ([photos(2), photos(3)], ValueError, "Got (2, 8, 6, 3), (3, 8, 6, 3). Pass one array"),
    "words": (np.full((1, *SHAPE), "red"), TypeError, "hold numbers. Got <U3 values."),
    "nothing at all": (None, TypeError, "Got None. Pass an array, the path"),
    "a path": ("cat.png", ValueError, "must be a file. There is no file 'cat.png'. Check the path."),
    "numbers in lists": (photos(2).tolist(), TypeError, "Got nested lists of numbers. Make an array"),
    "batches with labels": ([(photos(2), np.ones(2))] * 2, TypeError, "Got a list of batches such as (x, y). Pass one"),
    "channels first": (
        np.ones((2, 3, 8, 6)),
        ValueError,
        "Got shape (2, 3, 8, 6). Pass numpy.moveaxis(images, 1, -1).",
    ),
    "videos": (np.ones((2, 7, *SHAPE)), ValueError, "Got (2, 7, 8, 6, 3). Pass single frames of the videos"),
    "a name that the model does not know": ({"x": photos(2)}, ValueError, "Got x. Rename the entries"),
    "objects": (np.full((1, *SHAPE), None), TypeError, "hold numbers. Got object values."),
}


@pytest.mark.parametrize("name", REFUSED)
def test_images_that_do_not_fit_are_refused_with_what_is_wanted_and_what_came(name):
    images, kind, words = REFUSED[name]
    model = flat()
    for function in FUNCTIONS:
        with pytest.raises(kind) as caught:
            function(model, images, 0)
        assert words in str(caught.value)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_model_that_is_not_built_is_refused_with_how_to_build_it(function):
    with pytest.raises(ValueError, match=r"`model` must be built.*\(Subclassed\) has no weights.*model.build\("):
        function(Subclassed(), photos(1))
    for nothing, name in ((None, "None"), (Subclassed, "the class Subclassed"), ("model.keras", "'model.keras'")):
        with pytest.raises(TypeError, match=f"`model` must be a keras.Model. Got {name}."):
            function(nothing, photos(1))


@pytest.mark.parametrize("size", [0, -1, 2.5, "all", None])
@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_batch_size_that_is_no_number_of_images_is_refused(function, size):
    with pytest.raises(ValueError, match=r"`batch_size` must be a whole number from 1\. Got"):
        function(flat(), photos(1), 0, batch_size=size)


@pytest.mark.parametrize("size", ["image", 7, (4,), (0, 5), (2, 3, 4), "4x3"])
@pytest.mark.parametrize("function", [grad_cam_maps, class_activation_maps])
def test_a_size_that_is_none_is_refused(function, size):
    with pytest.raises(ValueError, match=r'`size` must be None, "images" or \(height, width\) in pixels'):
        function(flat(), photos(1), 0, size=size)


def test_images_are_taken_in_whatever_kind_of_array_they_come():
    images = np.round(photos(2) * 4) / 4  # these numbers are exact in half precision
    expected = saliency_maps(flat(), images, 1)
    kinds = [images.astype("float64"), images.astype("float16"), ops.convert_to_tensor(images)]
    for kind in (*kinds, keras.Variable(images), images[:, ::-1][:, ::-1]):
        np.testing.assert_allclose(saliency_maps(flat(), kind, 1), expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("make", [flat, lambda: built(Subclassed())])
def test_images_of_whole_numbers_are_taken_by_every_method(make):
    model, images = make(), (photos(2) * 255).astype("uint8")
    found = maps(model, images, 1, {"grad_cam": {}})
    expected = maps(model, images.astype("float32"), 1, {"grad_cam": {}})
    np.testing.assert_allclose(found["grad_cam"], expected["grad_cam"], rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(found["predictions"], expected["predictions"], rtol=1e-4)


def test_the_images_given_are_not_written_to():
    images = photos(2)
    before = images.copy()
    images.flags.writeable = False
    maps(flat(), images)
    np.testing.assert_array_equal(images, before)


def test_several_inputs_keep_their_structure_and_the_picture_is_the_one_with_rows():
    inputs = check_inputs({"factor": np.arange(3.0)[:, None], "images": photos(3)}, two_inputs())
    assert count_of(inputs) == 3
    np.testing.assert_array_equal(picture_of(inputs), photos(3))
    part = take(inputs, np.array([2, 0]))
    np.testing.assert_array_equal(part["factor"], [[2.0], [0.0]])
    np.testing.assert_array_equal(part["images"], photos(3)[[2, 0]])
    with pytest.raises(ValueError, match="equally many for all inputs"):
        check_inputs({"factor": np.ones((2, 1)), "images": photos(3)}, two_inputs())


def test_a_dict_is_matched_by_the_names_of_a_model_s_inputs_however_it_was_made():
    factor, wide = keras.Input((1,), name="zoom"), keras.Input(SHAPE, name="a photo")
    flattened = keras.layers.Flatten()(wide)
    for inputs in ([factor, wide], {"zoom": factor, "a photo": wide}):
        model = keras.Model(inputs, keras.layers.Multiply()([keras.layers.Dense(2, name="head")(flattened), factor]))
        names = list(inputs) if isinstance(inputs, dict) else ["zoom", "a photo"]
        given = dict(zip(names, [np.full((2, 1), 3.0, "float32"), photos(2)], strict=True))
        check_inputs(given, model)
        assert model(given).shape == (2, 2)
        swapped = dict(zip(names, reversed(given.values()), strict=True))
        with pytest.raises(ValueError, match="must fit the model's input"):
            check_inputs(swapped, model)
        with pytest.raises(ValueError, match=f"names of the model's inputs, {names[0]}, {names[1]}. Got {names[1]}. "):
            check_inputs({names[1]: given[names[1]]}, model)


@pytest.mark.parametrize(("count", "size"), [(5, 2), (5, 5), (5, 32), (1, 1), (6, 3), (7, 4)])
def test_batches_hold_each_image_once_and_are_all_of_one_length(count, size):
    found = list(batches(count, size))
    assert len({len(rows) for rows, _ in found}) == 1
    assert all(len(rows) <= size for rows, _ in found)
    assert np.concatenate([rows[:kept] for rows, kept in found]).tolist() == list(range(count))


def test_the_shapes_that_a_model_takes_are_known_for_graphs_and_guessed_no_further_than_channels_for_others():
    assert input_shapes(flat()) == [(None, *SHAPE)]
    assert sorted(input_shapes(two_inputs())) == [(None, 1), (None, *SHAPE)]
    assert input_shapes(built(Subclassed())) == [(None, None, None, 3)]
    assert input_shapes(Subclassed()) is None
