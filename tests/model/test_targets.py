import keras
import numpy as np
import pytest
from keras import ops
from tiny_models import (
    CLASSES,
    SHAPE,
    dict_outputs,
    flat,
    linear,
    one_unit,
    outputs_of,
    photos,
    segmentation,
    two_inputs,
)
from truth import Flat

from keras_see import class_activation_maps, grad_cam_maps, maps, saliency_maps
from keras_see.attribution.gradient_pass import explain
from keras_see.attribution.method import Request
from keras_see.attribution.saliency import SALIENCY
from keras_see.model.cache import layer_calls_of
from keras_see.model.targets import class_weights, resolve

CLASS_NUMBERS = [2, 0, 1]
ONE_HOT = np.eye(CLASSES, dtype="float32")[CLASS_NUMBERS]

THE_SAME = {
    "a tuple": tuple(CLASS_NUMBERS),
    "an array": np.array(CLASS_NUMBERS, "uint8"),
    "a column": np.array(CLASS_NUMBERS)[:, None],
    "whole floats": np.array(CLASS_NUMBERS, "float64"),
    "one-hot rows": ONE_HOT,
    "one-hot rows of bool": ONE_HOT.astype(bool),
    "a tensor": ops.convert_to_tensor(ONE_HOT),
}


@pytest.mark.parametrize("name", THE_SAME)
def test_ways_to_name_a_class_give_the_same_maps(name):
    model, images = flat(), photos(3)
    truth = Flat(model.get_weights(), images, ONE_HOT)
    np.testing.assert_allclose(class_activation_maps(model, images, THE_SAME[name]), truth.cam, rtol=1e-4, atol=1e-5)


def test_one_class_number_is_meant_for_all_images():
    model, images = flat(), photos(3)
    for one in (1, np.int64(1), 1.0, np.array(1)):
        np.testing.assert_array_equal(saliency_maps(model, images, one), saliency_maps(model, images, [1, 1, 1]))


@pytest.mark.parametrize("one", range(CLASSES))
def test_a_callable_that_picks_a_class_gives_the_maps_of_that_class(one):
    model, images = flat(), photos(2)
    picked = maps(model, images, lambda outputs: outputs[:, one], ("saliency", "cam"))
    named = maps(model, images, one, ("saliency", "cam"))
    for word in ("saliency", "cam", "scores"):
        np.testing.assert_allclose(picked[word], named[word], rtol=1e-5, atol=1e-7)
    assert (picked["targets"] == -1).all()


def test_weights_explain_their_sum_of_outputs():
    model, images = flat(), photos(3)
    weights = np.array([[1.0, -1.0, 0.0], [0.5, 0.25, 2.0], [0.0, 0.0, -3.0]])
    truth = Flat(model.get_weights(), images, weights)
    found = maps(model, images, weights, ("saliency", "cam"))
    np.testing.assert_allclose(found["saliency"], truth.saliency, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(found["cam"], truth.cam, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(found["scores"], (truth.logits * weights).sum(axis=1), rtol=1e-4)
    np.testing.assert_array_equal(found["targets"], [-1, -1, -1])


@pytest.mark.parametrize("targets", [None, "predicted"])
def test_predicted_is_the_class_with_the_highest_output(targets):
    model, images = flat(), photos(20)
    *others, bias = model.get_weights()
    model.set_weights([*others, bias - outputs_of(flat(None), images).mean(axis=0)])  # so that several classes occur
    best = outputs_of(model, images).argmax(axis=1)
    assert len(set(best.tolist())) > 1
    found = maps(model, images, targets, "cam")
    np.testing.assert_array_equal(found["targets"], best)
    np.testing.assert_allclose(found["cam"], class_activation_maps(model, images, best), atol=1e-5)


def test_one_unit_speaks_for_its_value_or_against_it():
    model, images = one_unit(), photos(3)
    for_it, against = (class_activation_maps(model, images, target) for target in (1, 0))
    assert np.abs(for_it).max() > 0
    np.testing.assert_allclose(for_it, -against, rtol=1e-6)
    np.testing.assert_allclose(
        class_activation_maps(model, images, [0, 1, 0]), [against[0], for_it[1], against[2]], rtol=1e-6
    )
    positive, negative = (grad_cam_maps(model, images, target) for target in (1, 0))
    assert positive.max() > 0 < negative.max()
    assert not ((positive > 1e-6) & (negative > 1e-6)).any()


@pytest.mark.parametrize("activation", ["sigmoid", None, "tanh"])
def test_the_prediction_of_one_unit_is_its_side_if_it_is_a_logit_and_its_value_otherwise(activation):
    model, images = one_unit(activation), photos(6)
    logits = outputs_of(one_unit(None), images)[:, 0]
    weights = model.get_weights()
    model.set_weights([*weights[:-1], weights[-1] - np.median(logits)])  # so that both sides occur
    outputs = outputs_of(model, images)[:, 0]
    sides = (outputs > (0.5 if activation == "sigmoid" else 0.0)).astype(int)
    assert set(sides.tolist()) == {0, 1}
    found = maps(model, images, methods="saliency")
    expected = sides if activation == "sigmoid" else np.ones(6, int)
    np.testing.assert_array_equal(found["targets"], expected)
    np.testing.assert_allclose(found["scores"], maps(model, images, expected, "saliency")["scores"], rtol=1e-5)
    assert (found["scores"] >= 0).all() == (activation == "sigmoid")


def test_one_unit_whose_loss_takes_logits_predicts_its_side():
    model, images = one_unit(None), photos(6)
    *others, bias = model.get_weights()
    model.set_weights([*others, bias - np.median(outputs_of(model, images))])  # so that both sides occur
    model.compile("sgd", keras.losses.BinaryCrossentropy(from_logits=True))
    sides = (outputs_of(model, images)[:, 0] > 0).astype(int)
    found, named = maps(model, images, methods="saliency"), maps(model, images, sides, "saliency")
    np.testing.assert_array_equal(found["targets"], sides)
    np.testing.assert_allclose(found["saliency"], named["saliency"], rtol=1e-5)
    assert (found["scores"] >= 0).all()


@pytest.mark.parametrize("activation", [None, "softmax"])
def test_a_class_of_a_segmentation_is_explained_over_all_its_places(activation):
    model, logits, images = segmentation(activation), segmentation(None), photos(2)
    real = outputs_of(logits, images)
    found = maps(model, images, [2, 0], ("saliency", "grad_cam"))
    np.testing.assert_allclose(found["scores"], [real[0, ..., 2].sum(), real[1, ..., 0].sum()], rtol=1e-4)
    np.testing.assert_array_equal(found["targets"], [2, 0])
    mask = np.zeros_like(real)
    mask[0, ..., 2], mask[1, ..., 0] = 1.0, 1.0
    by_mask = maps(model, images, mask, ("saliency", "grad_cam"))
    # Before a linear 1×1 convolution, the gradient of the sum over places is the kernel at every place.
    features = outputs_of(keras.Model(logits.inputs[0], logits.get_layer("b").output), images)
    kernel = logits.get_layer("mask").get_weights()[0][0, 0]
    expected = np.einsum("nijk,kn->nij", features, kernel[:, [2, 0]]).clip(0)
    for result in (found, by_mask):
        np.testing.assert_allclose(result["grad_cam"], expected, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(result["saliency"], found["saliency"], rtol=1e-5)
    predicted = maps(model, images, methods="saliency")["targets"]
    np.testing.assert_array_equal(predicted, real.sum(axis=(1, 2)).argmax(axis=-1))


def test_a_mask_explains_the_places_in_it_alone():
    model, images = segmentation(), photos(1)
    mask = np.zeros((1, *SHAPE[:2], CLASSES))
    mask[:, :2, :2, 1] = 1.0
    found = saliency_maps(model, images, mask)[0]
    # Two convolutions of 3×3 and one of 1×1 see no further than two pixels beyond the mask.
    assert (found[:4, :4] > 0).all()
    assert (found[4:] == 0).all()
    assert (found[:, 4:] == 0).all()


def test_a_callable_gets_the_outputs_before_their_softmax_in_their_own_structure():
    model, images = dict_outputs(), photos(3)
    found = maps(model, images, lambda outputs: outputs["kind"][:, 1] - 2.0 * outputs["size"][:, 0], "saliency")
    real = model(images, training=False)
    kind, size = (ops.convert_to_numpy(real[name]) for name in ("kind", "size"))
    # A softmax's outputs give its inputs but for one number per image, which cancels in differences.
    other = maps(model, images, lambda outputs: outputs["kind"][:, 0] - 2.0 * outputs["size"][:, 0], "saliency")
    np.testing.assert_allclose(found["scores"] - other["scores"], np.log(kind[:, 1] / kind[:, 0]), atol=1e-4)
    sizes = maps(model, images, lambda outputs: outputs["size"][:, 0], "saliency")
    np.testing.assert_allclose(sizes["scores"], size[:, 0], rtol=1e-5)
    assert not np.allclose(found["saliency"], other["saliency"])


def test_labels_are_explained_when_they_come_and_nothing_else_is_asked_for():
    model, images = flat(), photos(3)
    found = explain(model, images, [Request(SALIENCY)], labels=np.array(CLASS_NUMBERS)).classes
    np.testing.assert_array_equal(found, CLASS_NUMBERS)
    asked = explain(model, images, [Request(SALIENCY)], "predicted", labels=np.array(CLASS_NUMBERS)).classes
    np.testing.assert_array_equal(asked, outputs_of(model, images).argmax(axis=1))


def test_labels_that_the_model_has_no_class_for_are_explained_only_where_they_are_asked_for():
    model, images, labels = flat(), photos(3), np.array([30, 0, 1])
    found = explain(model, images, [Request(SALIENCY)], labels=labels).classes
    np.testing.assert_array_equal(found, outputs_of(model, images).argmax(axis=1))
    with pytest.raises(ValueError, match="Got no such labels: 30 is none of the model's classes, 0 to 2"):
        explain(model, images, [Request(SALIENCY)], "label", labels=labels)


def test_several_true_classes_are_explained_by_the_sum_of_their_logits_and_none_by_the_predicted_class():
    model, images = flat(), photos(3)
    labels = np.array([[1, 1, 0], [0, 0, 0], [0, 1, 0]])
    predicted = outputs_of(model, images)[1].argmax()
    weights = labels + np.array([[0], [1], [0]]) * np.eye(CLASSES)[predicted]
    truth = Flat(model.get_weights(), images, weights)
    for targets in (None, "label"):
        found = explain(model, images, [Request(SALIENCY)], targets, labels=labels)
        np.testing.assert_allclose(found.scores, (truth.logits * weights).sum(axis=1), rtol=1e-4)
        np.testing.assert_allclose(found.maps[0], truth.saliency, rtol=1e-4, atol=1e-6)
        np.testing.assert_array_equal(found.classes, [-1, predicted, -1])


@pytest.mark.parametrize("activation", [None, "softmax"])
def test_several_true_classes_of_a_segmentation_are_explained_over_all_places(activation):
    model, images = segmentation(activation), photos(2)
    real = outputs_of(segmentation(None), images).sum(axis=(1, 2))
    found = explain(model, images, [Request(SALIENCY)], labels=np.array([[1, 0, 1], [0, 0, 0]]))
    np.testing.assert_allclose(found.scores, [real[0, 0] + real[0, 2], real[1].max()], rtol=1e-4)


def test_weights_of_classes_pick_one_output_or_the_side_of_the_only_one():
    outputs = np.random.default_rng(0).normal(size=(2, 4, 5, 3))
    picked = (outputs * class_weights(np.array([2, 1]), (4, 5, 3))).sum(axis=(1, 2, 3))
    np.testing.assert_allclose(picked, [outputs[0, ..., 2].sum(), outputs[1, ..., 1].sum()])
    sides = (outputs[..., :1] * class_weights(np.array([0, 1]), (4, 5, 1))).sum(axis=(1, 2, 3))
    np.testing.assert_allclose(sides, [-outputs[0, ..., 0].sum(), outputs[1, ..., 0].sum()])


REFUSED = {
    "a class too high": (flat, 3, "This model's classes are 0 to 2; got 3. Choose one of these."),
    "a negative class": (flat, [0, -1], "0 to 2; got -1."),
    "half a class": (flat, [0.5, 1], "got 0.5."),
    "no number": (flat, [np.nan, 1], "got nan."),
    "a third side of one unit": (one_unit, 2, "0 to 1; got 2. With one output unit, 1 explains +value"),
    "too few": (flat, [1, 0, 2], "one class number per image (2 in all)"),
    "weights of another shape": (
        flat,
        np.ones((2, 4)),
        "weights in the shape of the outputs, (2, 3). Got an array of shape (2, 4)",
    ),
    "weights that are not finite": (flat, [[1.0, 0.5, np.inf]] * 2, "Some weights are NaN or infinite."),
    "words": (flat, ["cat", "dog"], "Got ['cat', 'dog']. Pass numbers."),
    "an unknown word": (flat, "best", 'None, "label", "predicted", a class number'),
    "labels that never came": (flat, "label", "none came with the images."),
    "a class for two outputs": (dict_outputs, 1, "`targets` must be a callable for a model whose outputs have shape"),
    "nothing for two outputs": (dict_outputs, None, "(n, 3) ('kind'), (n, 1) ('size'). Got None."),
    "a callable that fails": (flat, lambda outputs: outputs["no"], "It failed on outputs (n, 3): "),
    "a callable for all images": (flat, lambda outputs: ops.sum(outputs), "it returned ("),
    "a callable that keeps the classes": (
        flat,
        lambda outputs: outputs,
        "returned (n, 3). Index or sum the other axes.",
    ),
    "a callable that gives nothing": (flat, lambda outputs: None, "returned NoneType."),
}


@pytest.mark.parametrize("name", REFUSED)
def test_targets_that_cannot_be_explained_are_refused_with_what_is_wanted_and_what_came(name):
    make, targets, words = REFUSED[name]
    with pytest.raises(ValueError, match=r"`targets(`|=)") as caught:
        saliency_maps(make(), photos(2), targets)
    assert words in str(caught.value)


def test_a_number_of_weights_is_told_from_class_numbers_by_its_shape():
    layer_calls = layer_calls_of(linear(), photos(2))
    assert resolve([1, 2], layer_calls, 2).classes.tolist() == [1, 2]
    assert resolve([[1.0, 2.0, 0.0], [0.0, 0.0, 1.0]], layer_calls, 2).classes is None
    one = layer_calls_of(linear(1), photos(2))
    assert resolve([[1], [0]], one, 2).classes.tolist() == [1, 0]
    assert resolve([[0.5], [-2.0]], one, 2).weights.tolist() == [[0.5], [-2.0]]


def test_a_model_with_two_inputs_takes_targets_like_any_other():
    images = {"images": photos(2), "factor": np.full((2, 1), 2.0, "float32")}
    found = maps(two_inputs(), images, methods="saliency")
    np.testing.assert_array_equal(found["targets"], found["predictions"].argmax(axis=1))
