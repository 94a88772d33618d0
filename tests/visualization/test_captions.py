import numpy as np
import pytest

from keras_see.visualization.captions import image_captions, map_captions, names_of_values, short_number, value_captions

NAMES = ["daisy", "rose", "tulip"]
PROBABILITIES = np.array([[0.1, 0.7, 0.2], [0.9, 0.05, 0.05]], "float32")


def test_the_true_and_the_predicted_class_are_named_and_marked_right_or_wrong():
    assert image_captions(PROBABILITIES, "softmax", [1, 2], NAMES) == [
        ["true: rose", ("70 % rose", True)],
        ["true: tulip", ("90 % daisy", False)],
    ]


def test_without_labels_nothing_is_marked():
    assert image_captions(PROBABILITIES, "softmax", None, None) == [["70 % class 1"], ["90 % class 0"]]


def test_the_score_of_logits_is_no_percentage():
    assert image_captions(PROBABILITIES * 10, None, None, NAMES) == [["7 rose"], ["9 daisy"]]


def test_one_sigmoid_unit_is_class_0_or_1_with_the_probability_of_that_class():
    outputs = np.array([[0.2], [0.9]], "float32")
    assert image_captions(outputs, "sigmoid", [0, 0], ["cat", "dog"]) == [
        ["true: cat", ("80 % cat", True)],
        ["true: cat", ("90 % dog", False)],
    ]


def test_a_single_logit_is_class_1_above_0_and_class_0_below():
    assert image_captions(np.array([[-0.93], [2.5]]), None, [0, 0], ["cat", "dog"]) == [
        ["true: cat", ("-0.93 cat", True)],
        ["true: cat", ("2.5 dog", False)],
    ]


def test_all_true_classes_are_named_and_the_prediction_is_right_if_it_is_one_of_them():
    outputs = np.array([[0.1, 0.8, 0.7], [0.9, 0.3, 0.1], [0.6, 0.2, 0.1]])
    assert image_captions(outputs, "sigmoid", [(1, 2), (1, 2), ()], NAMES) == [
        ["true: rose, tulip", ("80 % rose", True)],
        ["true: rose, tulip", ("90 % daisy", False)],
        ["true: none", "60 % daisy"],
    ]


def test_a_regression_shows_its_values_and_is_neither_right_nor_wrong():
    assert value_captions(np.array([[2.5]]), None) == [["predicted 2.5"]]
    assert value_captions(np.array([[0.645], [2.7]]), [(0.5,), (3.0,)]) == [
        ["true 0.5", "predicted 0.645"],
        ["true 3", "predicted 2.7"],
    ]
    assert value_captions(np.array([[1.0, 0.25]]), [(0.5, 0.0)]) == [["true 0.5, 0", "predicted 1, 0.25"]]
    assert value_captions(np.arange(6.0)[None], None) == [["predicted 0, 1, 2, 3, ..."]]
    assert value_captions(np.zeros((1, 4, 4, 1)), None) == [[]]


def test_maps_of_a_regression_are_for_its_outputs():
    assert names_of_values(1, None) == ["minus the output", "the output"]
    assert names_of_values(2, None) == ["output 0", "output 1"]
    assert names_of_values(2, ["width", "height"]) == ["width", "height"]


def test_outputs_that_are_no_classes_have_no_prediction():
    assert image_captions(np.zeros((2, 4, 4, 3)), "softmax", None, NAMES) == [[], []]
    assert image_captions([np.zeros((1, 3)), np.zeros((1, 2))], None, [2], NAMES) == [["true: tulip"]]


def test_maps_have_their_class_and_highest_value_or_say_that_nothing_is_positive():
    maps = np.array([[[0.0, 1.25]], [[0.0, -2.0]], [[np.nan, 1.0]]])
    assert map_captions(maps, [0, 1, -1], NAMES) == [
        ["for daisy", "peak 1.25"],
        ["for rose", "nothing above 0, least -2"],
        ["not finite"],
    ]
    assert map_captions(maps[:1], [(0, 2)], NAMES) == [["for daisy, tulip", "peak 1.25"]]


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0"), (0.5, "0.5"), (12.3456, "12.3"), (-999.4, "-999"), (0.00123, "1.2e-03"), (45678.0, "4.6e+04")],
)
def test_numbers_are_short(value, text):
    assert short_number(value) == text
