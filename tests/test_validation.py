import keras
import numpy as np
import pytest

from keras_see._validation import is_number, is_size, is_whole, numeric, shape_of, shown


@pytest.mark.parametrize(
    ("thing", "words"),
    [
        (None, "None"),
        ("cat", "'cat'"),
        (np.int64(3), "3"),
        (np.float32(0.5), "0.5"),
        ([1, "a"], "[1, 'a']"),
        ({"a": (1, None)}, "{'a': (1, None)}"),
        ("x" * 100, f"{'x' * 30!r}..."),
        (list(range(100)), "a list of 100"),
        ([np.zeros(3)], "a list of 1"),
        (np.zeros((2, 3)), "an array of shape (2, 3)"),
        (object(), "object"),
        (keras.layers.ReLU(), "ReLU"),
        (keras.layers.ReLU, "the class ReLU"),
        (len, "builtin_function_or_method"),
        (np, "module"),
        ((n for n in "ab"), "generator"),
    ],
)
def test_arguments_are_shown_in_few_words_without_addresses_and_arrays(thing, words):
    assert shown(thing) == words


def test_numbers_are_of_python_or_numpy_and_bools_do_not_count():
    assert all(is_whole(number, 1) for number in (1, np.int8(2), 10**30))
    assert not any(is_whole(thing, 1) for thing in (0, 1.0, True, "1", None, [1], np.arange(3)))
    assert all(is_number(number) for number in (0, -1.5, np.float16(2), np.int64(3)))
    assert not any(is_number(thing) for thing in (np.nan, np.inf, True, "1", 1j, None, [1], np.zeros(1)))
    assert is_size((3, 4))
    assert is_size(np.array([3, 4]))
    assert not any(is_size(thing) for thing in (3, (3,), (3, 0), (3.0, 4), "ab", {3, 4}, None, [[1], [2, 3]]))


def test_rows_of_unequal_length_have_no_shape_and_words_are_not_numeric():
    assert shape_of([[1], [2, 3]]) is None
    assert shape_of([[1], [2]]) == (2, 1)
    assert numeric([[1], [2, 3]]) is None
    assert numeric(["a"]) is None
    assert numeric([None]) is None
    np.testing.assert_array_equal(numeric([True, False]), [True, False])
