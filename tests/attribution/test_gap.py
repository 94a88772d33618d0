import keras
import numpy as np
import pytest
from tiny_models import SHAPE, backbone, blocks, filled, outputs_of, photos, through

from keras_see import class_activation_maps, gap_classifier


def test_both_heads_are_the_same_function_when_they_hold_the_same_weights():
    images = photos(3)
    features = backbone()
    convolved, dense = (filled(gap_classifier(4, SHAPE, features, head=head)) for head in ("conv", "dense"))
    kernel, bias = dense.get_layer("predictions").get_weights()
    convolved.get_layer("class_maps").set_weights([kernel[None, None], bias])
    expected = outputs_of(dense, images)
    assert expected.std() > 0.01
    np.testing.assert_allclose(outputs_of(convolved, images), expected, rtol=1e-4)


@pytest.mark.parametrize("head", ["conv", "dense"])
def test_the_mean_of_a_classifier_s_cam_and_its_bias_are_its_logit(head):
    model, logits = (filled(gap_classifier(5, (8, 8, 3), head=head, activation=last)) for last in ("softmax", None))
    images = photos(2, shape=(8, 8, 3))
    bias = model.get_layer("predictions").get_weights()[1][[3, 1]] if head == "dense" else 0.0
    cam = class_activation_maps(model, images, [3, 1])
    expected = outputs_of(logits, images)[[0, 1], [3, 1]]
    np.testing.assert_allclose(cam.mean(axis=(1, 2)) + bias, expected, rtol=1e-3)


@pytest.mark.parametrize("head", ["conv", "dense"])
def test_one_class_is_a_sigmoid_and_several_are_a_softmax_unless_told_otherwise(head):
    images = photos(3)
    for classes, activation, function in (
        (1, "softmax", keras.ops.sigmoid),
        (4, "softmax", keras.ops.softmax),
        (4, "sigmoid", keras.ops.sigmoid),
        (1, "sigmoid", keras.ops.sigmoid),
    ):
        model, logits = (filled(gap_classifier(classes, SHAPE, backbone(), head, last)) for last in (activation, None))
        expected = function(outputs_of(logits, images))
        np.testing.assert_allclose(outputs_of(model, images), keras.ops.convert_to_numpy(expected), rtol=1e-4)


def test_a_classifier_without_a_shape_takes_images_of_any_size_and_has_a_quarter_of_it_in_features():
    model = gap_classifier(2)
    for height, width in ((8, 12), (9, 5)):
        found = class_activation_maps(model, photos(1, shape=(height, width, 3)), 0)
        assert found.shape == (1, -(-height // 4), -(-width // 4))
        assert found.std() > 0


BAD = {
    "no class": ({"classes": 0}, "`classes` must be a whole number from 1. Got 0."),
    "half a class": ({"classes": 2.5}, "Got 2.5."),
    "a batch axis": ({"classes": 3, "input_shape": (None, 8, 8, 3)}, "Leave the batch axis out."),
    "an unknown head": ({"classes": 3, "head": "flat"}, '`head` must be "conv" or "dense". Got \'flat\'.'),
    "an unknown activation": ({"classes": 3, "activation": "relu"}, "Got 'relu'."),
}


@pytest.mark.parametrize("name", BAD)
def test_a_wrong_argument_is_named_with_what_came(name):
    arguments, words = BAD[name]
    with pytest.raises(ValueError, match="must be") as caught:
        gap_classifier(**arguments)
    assert words in str(caught.value)


def test_a_backbone_without_rows_and_columns_is_refused():
    flattened = backbone("flattened", [*blocks(), keras.layers.Flatten()])
    with pytest.raises(ValueError, match=r"'flattened' gives \(None, 60\).*include_top=False"):
        gap_classifier(3, backbone=flattened)


def test_without_a_backbone_images_may_have_any_number_of_channels():
    for channels in (1, 4):
        assert gap_classifier(2, input_shape=(16, 16, channels)).input_shape == (None, 16, 16, channels)


def test_the_backbone_s_own_input_shape_is_taken():
    model = gap_classifier(3, backbone=backbone())
    assert model.input_shape == (None, *SHAPE)
    assert through([model.get_layer("backbone")], keras.Input(SHAPE)).shape == (None, 4, 3, 5)
