import numpy as np
import pytest

from keras_see.visualization.value_range import value_range_of


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (np.array([3, 7], "uint8"), (0, 255)),
        (np.array([3, 200], "int64"), (0, 255)),
        (np.array([0.1, 0.9]), (0, 1)),
        (np.array([-0.3, 0.9]), (-1, 1)),
        (np.array([3.0, 200.0]), (0, 255)),
        (np.array([False, True]), (0, 1)),
    ],
)
def test_a_usual_range_that_holds_the_values_is_recognised(values, expected):
    assert value_range_of(values) == expected


def test_other_images_have_their_own_extremes_as_range():
    assert value_range_of(np.array([-7.0, 300.0])) == (-7, 300)
    assert value_range_of(np.array([0.0, 3.0])) == (0, 3)  # too dark for 0–255


def test_a_constant_image_has_a_range_that_is_not_empty():
    assert value_range_of(np.full(4, -70.0)) == (-70, -69)
