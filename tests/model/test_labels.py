"""Labels in the structures that users have, and names in the place of class numbers."""

import numpy as np
import pytest
from keras import ops

from keras_see.model.labels import checked_labels, numbers_of_names

NAMES = ["cat", "dog", "owl"]


@pytest.mark.parametrize(
    "labels",
    [[2, 0, 1], (2, 0, 1), np.array([2, 0, 1]), {"kind": [2, 0, 1]}, [np.array([2, 0, 1])], ops.array([2, 0, 1])],
)
def test_labels_of_one_output_are_one_array_in_any_structure(labels):
    (found,) = checked_labels(labels, 3)
    np.testing.assert_array_equal(found, [2, 0, 1])


def test_labels_of_several_outputs_are_an_array_each():
    one = np.arange(3)
    assert len(checked_labels({"a": one, "b": one}, 3)) == len(checked_labels((one, one), 3)) == 2
    assert checked_labels(None, 3) == []


@pytest.mark.parametrize("labels", [[1, 2], 4, [[1, 0, 0], [0, 1, 0]]])
def test_labels_of_other_images_are_refused(labels):
    with pytest.raises(ValueError, match=r"one label per image, 3 in all\. Got \[?\[?\d"):
        checked_labels(labels, 3)


@pytest.mark.parametrize(
    "labels",
    [
        np.array(["owl", "cat", "owl"]),
        np.array([["owl"], ["cat"], ["owl"]]),
        np.array([b"owl", b"cat", b"owl"]),
        np.array(["owl", "cat", "owl"], object),
        np.array([b"owl", b"cat", b"owl"], object),
    ],
)
def test_names_become_the_numbers_of_their_classes(labels):
    np.testing.assert_array_equal(numbers_of_names(labels, NAMES), [2, 0, 2])


def test_numbers_stay_as_they_are():
    labels = np.array([[0.5, 2.0]])
    assert numbers_of_names(labels, NAMES) is labels
    assert numbers_of_names(labels, None) is labels


@pytest.mark.parametrize(
    ("labels", "names", "words"),
    [
        (["cat", "cow"], NAMES, "Got 'cow'. Write it as it stands in `class_names`."),
        (["cat", "dog"], None, "Got no `class_names`. Pass all names in the order of the class numbers."),
        ([["cat", "dog"], ["dog", "cat"]], NAMES, "Got an array of shape (2, 2). Pass multi-hot rows"),
    ],
)
def test_names_that_mean_no_class_are_refused_with_what_to_do(labels, names, words):
    with pytest.raises(ValueError, match="`labels` that are names must be one per image, each among") as caught:
        numbers_of_names(np.array(labels), names)
    assert words in str(caught.value)
