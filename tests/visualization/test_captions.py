import numpy as np

from keras_see.visualization.captions import under_images, under_maps

NAMES = ["daisy", "rose", "tulip"]
SHARES = np.array([[0.1, 0.7, 0.2], [0.9, 0.05, 0.05]], "float32")


def test_the_true_and_the_predicted_class_are_named_and_marked_right_or_wrong():
    assert under_images(SHARES, "softmax", [1, 2], NAMES) == [
        ["true: rose", ("70 % rose", True)],
        ["true: tulip", ("90 % daisy", False)],
    ]


def test_without_labels_nothing_is_marked():
    assert under_images(SHARES, "softmax", None, None) == [["70 % class 1"], ["90 % class 0"]]


def test_logits_are_given_as_they_are():
    assert under_images(SHARES * 10, None, None, NAMES) == [["7 rose"], ["9 daisy"]]


def test_one_sigmoid_unit_is_class_0_or_1_with_the_share_of_that_class():
    outputs = np.array([[0.2], [0.9]], "float32")
    assert under_images(outputs, "sigmoid", [0, 0], ["cat", "dog"]) == [
        ["true: cat", ("80 % cat", True)],
        ["true: cat", ("90 % dog", False)],
    ]


def test_a_regression_says_its_output_and_is_neither_right_nor_wrong():
    assert under_images(np.array([[2.5]]), None, None, None) == [["output 2.5"]]


def test_outputs_that_are_no_classes_say_nothing():
    assert under_images(np.zeros((2, 4, 4, 3)), "softmax", None, NAMES) == [[], []]
    assert under_images([np.zeros((1, 3)), np.zeros((1, 2))], None, [2], NAMES) == [["true: tulip"]]


def test_maps_say_their_class_and_peak_or_that_there_is_nothing_to_see():
    maps = np.array([[[0.0, 1.25]], [[0.0, -2.0]], [[np.nan, 1.0]]])
    assert under_maps(maps, [0, 1, -1], NAMES) == [
        ["for daisy", "peak 1.25"],
        ["for rose", "nothing above 0, least -2"],
        ["not finite"],
    ]
