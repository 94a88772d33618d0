"""Methods of three kinds share one registry, one pass over the unvaried images and chunks of bounded memory."""

import gc
import logging
import weakref

import keras
import numpy as np
import pytest
from keras import layers, ops
from tiny_models import flat, outputs_of, photos

import keras_see
from keras_see import maps
from keras_see.attribution.registry import methods_from_texts
from keras_see.model import cache

CLASSES = [2, 0, 1]


def assert_close(found, truth):
    np.testing.assert_allclose(found, truth, atol=1e-4 * np.abs(truth).max())


def test_the_class_that_the_model_prefers_is_that_of_the_unvaried_image():
    model, images = flat(), photos(3)
    preferred = outputs_of(model, images).argmax(axis=-1)
    found = maps(model, images, None, {"occlusion": {"patch": 2, "fill": 50.0}})
    expected = maps(model, images, preferred, {"occlusion": {"patch": 2, "fill": 50.0}})
    np.testing.assert_array_equal(found["targets"], preferred)
    assert_close(found["occlusion"], expected["occlusion"])


def test_a_function_as_target_is_asked_of_each_variation():
    model, images = flat(), photos(2)
    found = maps(model, images, lambda outputs: 3.0 * outputs[:, 1], "occlusion")
    assert_close(found["occlusion"], 3 * maps(model, images, 1, "occlusion")["occlusion"])


def test_methods_of_every_kind_are_the_same_in_one_call_as_each_alone():
    model, images = flat(), photos(3)
    asked = {"saliency": {}, "eigen_cam": {"layer": "a"}, "occlusion": {"patch": 4}, "guided_backprop": {}}
    found = maps(model, images, CLASSES, asked)
    for name, word in zip(["saliency", "eigen_cam@a", "occlusion", "guided_backprop"], asked, strict=True):
        assert_close(found[name], maps(model, images, CLASSES, {word: asked[word]})[name])


def test_a_forward_method_works_where_there_is_no_gradient():
    steps = [layers.Conv2D(2, 3, name="conv"), layers.Lambda(ops.stop_gradient), layers.GlobalAveragePooling2D()]
    model = keras.Sequential([keras.Input((8, 6, 3)), *steps, layers.Dense(2)])
    found = maps(model, photos(2), 1, {"eigen_cam": {"layer": "conv"}})
    assert found["eigen_cam@conv"].shape == (2, 6, 4)


def test_a_chunk_is_traced_once():
    model = flat()
    for _ in range(2):
        maps(model, photos(2), 1, {"smooth_grad": {"samples": 9}}, batch_size=4)
    passes = [value for key, value in cache._ENTRIES[model].items() if key[0] == "samples"]
    assert len(passes) == 1
    if keras.backend.backend() != "torch":
        assert passes[0].traces == 1


def test_the_model_is_not_changed_and_not_kept_alive():
    def explained():
        model = flat()
        before = [weight.tobytes() for weight in model.get_weights()]
        maps(model, photos(2), lambda outputs: outputs[:, 0] * len(model.layers), ["integrated_gradients", "score_cam"])
        assert [weight.tobytes() for weight in model.get_weights()] == before
        return weakref.ref(model)

    model = explained()
    gc.collect()
    assert model() is None


def test_in_float16_small_gradients_are_kept():
    model, truth = flat(dtype="mixed_float16"), flat()
    images = photos(2)
    for each in (model, truth):
        *others, kernel, bias = each.get_weights()
        each.set_weights([*others, kernel * 1e-5, bias])
    found, expected = (maps(each, images, [1, 2], "smooth_grad")["smooth_grad"] for each in (model, truth))
    np.testing.assert_allclose(found, expected, atol=0.1 * expected.max())
    assert (found > 0).mean() > 0.9


def test_options_are_declared_once_and_reach_the_mapping_the_table_and_the_command_line():
    model = flat()
    with pytest.raises(ValueError, match=r"the options layer, samples, noise, seed, statistic\. Got 'sample'\."):
        maps(model, photos(1), methods={"smooth_grad": {"sample": 3}})
    with pytest.raises(ValueError, match=r"`samples` must be a whole number from 1.*Got 0\."):
        maps(model, photos(1), methods={"smooth_grad": {"samples": 0}})
    texts = ["saliency", "smooth_grad:samples=3; noise=0.5", "grad_cam:layer=b"]
    methods = methods_from_texts(texts)
    assert methods == {"saliency": {}, "smooth_grad": {"samples": 3, "noise": 0.5}, "grad_cam": {"layer": "b"}}
    assert set(maps(model, photos(1), 1, methods)) >= {"saliency", "smooth_grad", "grad_cam@b"}
    rows = {row.path: row.methods for row in keras_see.layers(model)}
    assert "ablation_cam" in rows["b"]
    assert "ablation_cam" not in rows["head"]


def test_watch_shows_methods_of_every_kind_with_their_price_and_the_usual_three_unasked(tmp_path, caplog):
    model, images = flat(), photos(3)
    model.compile("sgd", "sparse_categorical_crossentropy")
    methods = {"smooth_grad": {"samples": 2}, "integrated_gradients": {"steps": 3}, "eigen_cam": {"layer": "a"}}
    watch = keras_see.Watch(tmp_path / "asked", images, methods={**methods, "ablation_cam": {}, "guided_backprop": {}})
    unasked = keras_see.Watch(tmp_path / "unasked", images)
    with caplog.at_level(logging.WARNING, "keras_see"):
        model.fit(images, np.array(CLASSES), epochs=1, verbose=0, callbacks=[watch, unasked])
    assert not watch.failures
    tags = {tag for tag in keras_see.read(tmp_path / "asked") if tag.count("/") == 1}
    words = ["smooth_grad", "integrated_gradients", "eigen_cam@a", "ablation_cam", "guided_backprop", "overview"]
    assert tags == {f"see/{word}" for word in words}
    tags = {tag for tag in keras_see.read(tmp_path / "unasked") if tag.count("/") == 1}
    assert tags == {"see/saliency", "see/grad_cam", "see/cam", "see/overview"}
    prices = [record.getMessage().partition(" over")[0] for record in caplog.records]
    assert prices == [
        "SmoothGrad takes 2 passes forward and back",
        "Integrated gradients takes 3 passes forward and back",
        "Ablation-CAM takes 5 forward passes",
    ]
