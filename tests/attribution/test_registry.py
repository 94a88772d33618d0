import ast

import keras
import numpy as np
import pytest
from tiny_models import CLASSES, augmented, flat, gap_conv, linear, one_unit, outputs_of, photos, segmentation

from keras_see import class_activation_maps, grad_cam_maps, maps, saliency_maps
from keras_see.attribution.registry import METHODS

OUTPUTS = {"predictions", "targets", "scores"}
ALONE = {"saliency": saliency_maps, "grad_cam": grad_cam_maps, "cam": class_activation_maps}


def test_each_map_is_what_the_method_s_own_function_gives():
    model, images = flat(), photos(3)
    found = maps(model, images, [0, 2, 1], tuple(ALONE))
    assert set(found) == {*ALONE, "predictions", "targets", "scores"}
    for word, function in ALONE.items():
        assert found[word].std() > 0
        np.testing.assert_allclose(found[word], function(model, images, [0, 2, 1]), rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(found["predictions"], outputs_of(model, images), rtol=1e-5)
    np.testing.assert_array_equal(found["targets"], [0, 2, 1])
    np.testing.assert_allclose(found["scores"], np.diag(outputs_of(flat(None), images)[:, [0, 2, 1]]), rtol=1e-4)


def test_several_layers_of_one_method_bear_their_names():
    model, images = flat(), photos(2)
    found = maps(model, images, 1, {"grad_cam": {"layer": ["a", model.get_layer("pool")]}, "saliency": None})
    assert {"grad_cam@a", "grad_cam@pool", "saliency"} < set(found)
    for name in ("a", "pool"):
        np.testing.assert_allclose(
            found[f"grad_cam@{name}"], grad_cam_maps(model, images, 1, layer=name), rtol=1e-5, atol=1e-7
        )


@pytest.mark.parametrize(
    ("make", "words"),
    [(flat, set(ALONE)), (segmentation, {"saliency", "grad_cam"}), (linear, {"saliency"}), (gap_conv, set(ALONE))],
)
def test_none_means_all_that_the_model_allows(make, words):
    found = set(maps(make(), photos(1), 0, None)) - {"predictions", "targets", "scores"}
    assert words <= found
    assert {"cam", "grad_cam"} & found == {"cam", "grad_cam"} & words


def test_one_word_alone_is_enough():
    assert "saliency" in maps(flat(), photos(1), 0, "saliency")


@pytest.mark.parametrize("make", [flat, gap_conv, augmented, one_unit])
@pytest.mark.parametrize("value", [0.0, 1.0, -1e4])
def test_an_image_of_one_value_gives_numbers(make, value):
    images = np.full((2, 8, 6, 3), value, "float32")
    found = maps(make(), images, methods=tuple(ALONE))
    for word in (*ALONE, "scores", "predictions"):
        assert np.isfinite(found[word]).all(), word
    assert np.abs(found["cam"]).max() > 0


REFUSED = {
    "an unknown method": ("deep_dream", "`methods` must be among saliency, grad_cam, cam"),
    "no method": ((), "`methods` must name one method at least."),
    "an unknown option": (
        {"grad_cam": {"layers": "a"}},
        "`methods` may give 'grad_cam' the option layer. Got 'layers'",
    ),
    "an unknown layer": ({"grad_cam": {"layer": "c"}}, "It calls no 'c'."),
    "a layer for the images": ({"saliency": {"layer": "a"}}, "takes no `layer`. Got 'a'. Leave it out."),
    "a layer that CAM does not look at": (
        {"cam": {"layer": "a"}},
        "CAM takes what 'gap' averages. Got the layer 'a'",
    ),
    "a layer without rows": ({"grad_cam": {"layer": "gap"}}, "That of 'gap' has shape (batch, 5)."),
}


@pytest.mark.parametrize("name", REFUSED)
def test_methods_that_cannot_be_are_refused_with_what_there_is(name):
    methods, words = REFUSED[name]
    with pytest.raises(ValueError, match=r"Got|calls no|has shape") as caught:
        maps(flat(), photos(1), 0, methods)
    assert words in str(caught.value)


def test_what_comes_out_are_arrays_of_numpy_in_single_precision():
    model = flat(dtype="mixed_float16")
    for images in (photos(2), keras.ops.convert_to_tensor(photos(2))):
        found = maps(model, images, methods=tuple(ALONE))
        assert all(type(value) is np.ndarray for value in found.values())
        assert all(found[word].dtype == np.float32 for word in (*ALONE, "scores"))
        assert found["targets"].dtype.kind == "i"
        assert found["predictions"].shape == (2, CLASSES)


@pytest.mark.parametrize("word", ["gradcam", "Grad-CAM", "grad-cam", "GradCAM", "grad cam", "grad_camm"])
def test_a_word_that_is_nearly_a_method_s_is_answered_with_that(word):
    with pytest.raises(ValueError, match=rf"Got '{word}'\. Did you mean 'grad_cam'\?"):
        maps(flat(), photos(1), 0, word)
    with pytest.raises(ValueError, match=r"Did you mean 'saliency'\?"):
        maps(flat(), photos(1), 0, ["grad_cam", "Salience"])


def test_a_method_that_was_added_is_suggested_too(monkeypatch):
    monkeypatch.setitem(METHODS, "smooth_grad", METHODS["saliency"])
    with pytest.raises(ValueError, match=r"Got 'smoothgrad'\. Did you mean 'smooth_grad'\?"):
        maps(flat(), photos(1), 0, "smoothgrad")


def test_a_word_that_is_like_none_is_answered_with_all():
    with pytest.raises(ValueError, match=r"among saliency, grad_cam, cam.* Got 'lime'\. Choose one of these"):
        maps(flat(), photos(1), 0, "lime")


@pytest.mark.parametrize("layer", ["a", ["a", "pool"]])
def test_a_layer_for_maps_is_refused_with_how_to_name_it(layer):
    with pytest.raises(TypeError, match="`layer` must be an option of one method") as caught:
        maps(flat(), photos(1), 0, layer=layer)
    methods = ast.literal_eval(str(caught.value).partition("methods=")[2].rstrip("."))
    assert methods == {"grad_cam": {"layer": layer}}
    assert all(name.startswith("grad_cam@") for name in set(maps(flat(), photos(1), 0, methods)) - OUTPUTS)
