"""What outputs and labels are taken for: a table of models and labels."""

import keras
import numpy as np
import pytest
from tiny_models import dict_outputs, flat, linear, one_unit, photos, segmentation

from keras_see.model.cache import layer_calls_of
from keras_see.model.reading import read, takes_logits

# model, labels, options: kind, what is true of each image, and a part of why labels are left out.
CLASSES = {
    "class numbers": (flat, [2, 0], [(2,), (0,)]),
    "a column": (flat, [[2], [0]], [(2,), (0,)]),
    "whole floats": (flat, [2.0, 0.0], [(2,), (0,)]),
    "one-hot rows": (flat, [[0, 0, 1], [1, 0, 0]], [(2,), (0,)]),
    "multi-hot rows": (flat, [[0.0, 1.0, 1.0], [1.0, 0.0, 0.0]], [(1, 2), (0,)]),
    "a row without a class": (flat, [[1, 1, 1], [0, 0, 0]], [(0, 1, 2), ()]),
    "classes of logits": (lambda: flat(None), [2, 0], [(2,), (0,)]),
    "multi-hot rows of logits": (lambda: linear(3), [[1, 1, 0], [0, 0, 0]], [(0, 1), ()]),
    "classes of a segmentation": (segmentation, [2, 0], [(2,), (0,)]),
    "sides of a sigmoid": (one_unit, [1, 0], [(1,), (0,)]),
    "one-hot sides": (one_unit, [[0, 1], [1, 0]], [(1,), (0,)]),
    "bools": (lambda: linear(1), [True, False], [(1,), (0,)]),
}
VALUES = {
    "a number": (lambda: linear(1), [0.5, 2.0], [(0.5,), (2.0,)]),
    "a count": (lambda: linear(1), [3, 0], [(3.0,), (0.0,)]),
    "a count of up to one": (lambda: linear(1), [1, 0], [(1.0,), (0.0,)]),
    "a negative number": (lambda: linear(1), [[-1], [1]], [(-1.0,), (1.0,)]),
    "a share": (one_unit, [0.25, 1.0], [(0.25,), (1.0,)]),
    "several numbers": (lambda: linear(3), [[0.5, 1.0, 0.0], [2.5, 0.0, 0.0]], [(0.5, 1.0, 0.0), (2.5, 0.0, 0.0)]),
    "several whole numbers": (lambda: linear(3), [[5, 1, 0], [9, 0, -3]], [(5.0, 1.0, 0.0), (9.0, 0.0, -3.0)]),
    "several numbers below one": (lambda: linear(2, "sigmoid"), [[0.5, 0.1], [1.0, 0.0]], [(0.5, 0.1), (1.0, 0.0)]),
}
LEFT_OUT = {
    "no labels": (flat, None, "classes", "none came with the images"),
    "no labels of a number": (lambda: linear(1), None, "values", "none came with the images"),
    "a class too high": (flat, [30, 0], "classes", "30 is none of the model's classes, 0 to 2"),
    "a class below zero": (flat, [-1, 0], "classes", "-1 is none of the model's classes"),
    "half a class": (flat, [0.5, 0], "classes", "0.5 is none of the model's classes"),
    "a third side": (one_unit, [2, 0], "classes", "2 is none of the model's classes, 0 to 1"),
    "both sides": (one_unit, [[1, 1], [0, 1]], "classes", "neither one-hot nor multi-hot"),
    "rows of other classes": (flat, [[0, 1], [1, 0]], "classes", "their shape is (2, 2), not (n,) or (n, 3)"),
    "shares of classes": (lambda: linear(3), [[0.2, 0.8, 0], [1, 0, 0]], "classes", "neither one-hot nor multi-hot"),
    "numbers for a softmax": (flat, [[7, 8, 0], [1, 0, 0]], "classes", "neither one-hot nor multi-hot"),
    "masks": (segmentation, np.zeros((2, 8, 6)), "classes", "their shape is (2, 8, 6)"),
    "masks of a number": (lambda: linear(1), np.zeros((2, 8, 6)), "values", "is (2, 8, 6), not (n,) or (n, 1)"),
    "NaN": (lambda: linear(1), [np.nan, 0], "values", "they hold NaN"),
    "objects": (flat, [None, 1], "classes", "they are no numbers"),
}


def reading_of(make, labels, **options):
    labels = [] if labels is None else [np.asarray(labels)]
    return read(labels, layer_calls_of(make(), photos(2)), **options)


@pytest.mark.parametrize("name", CLASSES)
def test_labels_are_classes_where_the_model_has_such_classes(name):
    make, labels, true = CLASSES[name]
    found = reading_of(make, labels)
    assert (found.kind, found.true, found.true_classes, found.left_out) == ("classes", true, true, "")


@pytest.mark.parametrize("name", VALUES)
def test_labels_are_values_where_the_outputs_are_numbers(name):
    make, labels, true = VALUES[name]
    found = reading_of(make, labels)
    assert (found.kind, found.true, found.true_classes, found.left_out) == ("values", true, None, "")


@pytest.mark.parametrize("name", LEFT_OUT)
def test_labels_that_are_neither_are_left_out_with_the_reason(name):
    make, labels, kind, why = LEFT_OUT[name]
    found = reading_of(make, labels)
    assert (found.kind, found.true) == (kind, None)
    assert why in found.left_out


@pytest.mark.parametrize("options", [{"named": True}, {"from_logits": True}])
@pytest.mark.parametrize(("labels", "true"), [([1, 0], [(1,), (0,)]), (None, None)])
def test_one_unit_is_a_logit_where_the_classes_are_named_or_the_loss_takes_logits(labels, true, options):
    found = reading_of(lambda: linear(1), labels, **options)
    assert (found.kind, found.true) == ("classes", true)


def test_names_make_no_classes_of_a_count_but_a_loss_of_logits_does():
    assert reading_of(lambda: linear(1), [3, 0], named=True).kind == "values"
    found = reading_of(lambda: linear(1), [0.9, 0.1], from_logits=True)
    assert (found.kind, found.true) == ("classes", None)


def test_labels_of_several_outputs_are_left_out():
    calls = layer_calls_of(dict_outputs(), photos(2))
    assert read([np.zeros(2), np.zeros(2)], calls).left_out == "they are of several outputs"


def test_the_loss_tells_whether_it_takes_logits():
    model = linear(1)
    assert not takes_logits(model)
    for loss, expected in (
        (keras.losses.BinaryCrossentropy(from_logits=True), True),
        ([keras.losses.BinaryCrossentropy(from_logits=True)], True),
        (keras.losses.BinaryCrossentropy(), False),
        ("mse", False),
    ):
        model.compile("sgd", loss)
        assert takes_logits(model) == expected
