"""Methods of three kinds share one registry; sampled ones are exact against a direct loop in NumPy."""

import gc
import weakref

import keras
import numpy as np
import pytest
from keras import layers, ops
from sampled_methods import ABLATION, MEAN_ACTIVATION, OCCLUSION, SMOOTH_GRAD, SmoothGradOptions, noise_of
from tiny_models import filled, flat, outputs_of, photos
from truth import Flat

import keras_see
from keras_see import maps
from keras_see.attribution import registry
from keras_see.attribution.registry import methods_from_texts
from keras_see.model import cache

CLASSES = [2, 0, 1]


@pytest.fixture(autouse=True)
def registered(monkeypatch):
    for method in (SMOOTH_GRAD, OCCLUSION, ABLATION, MEAN_ACTIVATION):
        monkeypatch.setitem(registry.METHODS, method.word, method)


def truth_of(model, images, classes=CLASSES):
    return Flat(model.get_weights(), images, np.eye(3)[classes[: len(images)]])


def logits_of(model, images, classes):
    found = truth_of(model, images, [0] * len(images)).logits
    return found[np.arange(len(images)), classes]


def assert_close(found, truth):
    np.testing.assert_allclose(found, truth, atol=1e-4 * np.abs(truth).max())


@pytest.mark.parametrize("batch_size", [1, 4, 32])
def test_smooth_grad_is_the_mean_over_noisy_images_however_they_are_chunked(batch_size):
    model, images, options = flat(), photos(3), SmoothGradOptions(samples=7)
    found = maps(model, images, CLASSES, {"test_smooth_grad": {"samples": 7}}, batch_size=batch_size)
    total = 0
    for number in range(7):
        extent = np.ptp(images, axis=(1, 2, 3))[:, None, None, None]
        noisy = images + options.noise * extent * noise_of(number, images.shape[1:], options)
        total = total + truth_of(model, noisy).gradient_images
    assert_close(found["test_smooth_grad"], np.abs(total / 7).max(axis=-1))


def test_smooth_grad_of_a_linear_model_is_its_saliency():
    model = filled(keras.Sequential([keras.Input((4, 4, 3)), layers.Flatten(), layers.Dense(3)]))
    found = maps(model, photos(2, shape=(4, 4, 3)), [1, 2], ["saliency", "test_smooth_grad"])
    assert_close(found["test_smooth_grad"], found["saliency"])


def test_occlusion_is_the_drop_of_the_logit_under_each_window():
    model, images = flat(), photos(3)
    found = maps(model, images, CLASSES, {"test_occlusion": {"patch": 2, "fill": 0.25}}, batch_size=5)
    truth = np.zeros((3, 4, 3))
    for row, column in np.ndindex(4, 3):
        covered = images.copy()
        covered[:, 2 * row : 2 * row + 2, 2 * column : 2 * column + 2] = 0.25
        truth[:, row, column] = logits_of(model, images, CLASSES) - logits_of(model, covered, CLASSES)
    assert_close(found["test_occlusion"], truth)


def test_ablation_runs_the_rest_of_the_model_on_features_without_a_channel():
    model, images = flat(), photos(3)
    found = maps(model, images, CLASSES, {"test_ablation": {"layer": "b"}}, batch_size=4)["test_ablation@b"]
    truth = truth_of(model, images)
    kernel, bias = model.get_weights()[-2:]
    scores, weights = truth.logits[np.arange(3), CLASSES], []
    for channel in range(truth.b.shape[-1]):
        left = truth.b * (np.arange(truth.b.shape[-1]) != channel)
        without = (left.mean(axis=(1, 2)) @ kernel + bias)[np.arange(3), CLASSES]
        weights.append((scores - without) / scores)
    assert_close(found, np.einsum("kn,nijk->nij", weights, truth.b).clip(0))


def test_the_class_that_the_model_prefers_is_that_of_the_unvaried_image():
    model, images = flat(), photos(3)
    preferred = outputs_of(model, images).argmax(axis=-1)
    found = maps(model, images, None, {"test_occlusion": {"fill": 50.0}})
    expected = maps(model, images, preferred, {"test_occlusion": {"fill": 50.0}})
    np.testing.assert_array_equal(found["targets"], preferred)
    assert_close(found["test_occlusion"], expected["test_occlusion"])


def test_a_function_as_target_is_asked_of_each_variation():
    model, images = flat(), photos(2)
    found = maps(model, images, lambda outputs: 3.0 * outputs[:, 1], "test_occlusion")
    assert_close(found["test_occlusion"], 3 * maps(model, images, 1, "test_occlusion")["test_occlusion"])


def test_a_forward_method_needs_no_gradient_and_is_one_of_many_in_a_pass():
    model, images = flat(), photos(3)
    asked = {"saliency": {}, "test_mean_activation": {"layer": "a"}, "test_occlusion": {}}
    found = maps(model, images, CLASSES, asked)
    truth = truth_of(model, images)
    assert_close(found["test_mean_activation@a"], truth.a.mean(axis=-1))
    assert_close(found["saliency"], truth.saliency)
    alone = maps(model, images, CLASSES, {"test_mean_activation": {"layer": "a"}})
    assert_close(alone["test_mean_activation@a"], truth.a.mean(axis=-1))


def test_a_forward_method_works_where_there_is_no_gradient():
    steps = [layers.Conv2D(2, 3, name="conv"), layers.Lambda(ops.stop_gradient), layers.GlobalAveragePooling2D()]
    model = keras.Sequential([keras.Input((8, 6, 3)), *steps, layers.Dense(2)])
    found = maps(model, photos(2), 1, {"test_mean_activation": {"layer": "conv"}})
    assert found["test_mean_activation@conv"].shape == (2, 6, 4)


def test_a_chunk_is_traced_once():
    model = flat()
    for _ in range(2):
        maps(model, photos(2), 1, {"test_smooth_grad": {"samples": 9}}, batch_size=4)
    passes = [value for key, value in cache._ENTRIES[model].items() if key[0] == "samples"]
    assert len(passes) == 1
    if keras.backend.backend() != "torch":
        assert passes[0].traces == 1


def test_the_model_is_not_changed_and_not_kept_alive():
    def explained():
        model = flat()
        before = [weight.tobytes() for weight in model.get_weights()]
        maps(model, photos(2), lambda outputs: outputs[:, 0] * len(model.layers), ["test_smooth_grad", "test_ablation"])
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
    found, expected = (maps(each, images, [1, 2], "test_smooth_grad")["test_smooth_grad"] for each in (model, truth))
    np.testing.assert_allclose(found, expected, atol=0.1 * expected.max())
    assert (found > 0).mean() > 0.9


def test_options_are_declared_once_and_reach_the_mapping_the_table_and_the_command_line():
    model = flat()
    with pytest.raises(ValueError, match=r"the options layer, samples, noise, seed\. Got 'sample'\."):
        maps(model, photos(1), methods={"test_smooth_grad": {"sample": 3}})
    with pytest.raises(ValueError, match=r"`samples` must be a whole number from 1\. Got 0\."):
        maps(model, photos(1), methods={"test_smooth_grad": {"samples": 0}})
    texts = ["saliency", "test_smooth_grad:samples=3; noise=0.5", "grad_cam:layer=b"]
    methods = methods_from_texts(texts)
    assert methods == {"saliency": {}, "test_smooth_grad": {"samples": 3, "noise": 0.5}, "grad_cam": {"layer": "b"}}
    assert set(maps(model, photos(1), 1, methods)) >= {"saliency", "test_smooth_grad", "grad_cam@b"}
    rows = {row.path: row.methods for row in keras_see.layers(model)}
    assert "test_ablation" in rows["b"]
    assert "test_ablation" not in rows["head"]


def test_watch_shows_methods_of_every_kind_and_only_gradient_ones_unasked(tmp_path):
    model, images = flat(), photos(3)
    model.compile("sgd", "sparse_categorical_crossentropy")
    methods = {"test_smooth_grad": {"samples": 2}, "test_mean_activation": {"layer": "a"}, "cam": {}}
    watch = keras_see.Watch(tmp_path / "asked", images, methods=methods, sheets="all")
    unasked = keras_see.Watch(tmp_path / "unasked", images, sheets="all")
    model.fit(images, np.array(CLASSES), epochs=1, verbose=0, callbacks=[watch, unasked])
    assert not watch.failures
    tags = {tag for tag in keras_see.read(tmp_path / "asked") if tag.count("/") == 1}
    assert tags == {"see/test_smooth_grad", "see/test_mean_activation@a", "see/cam", "see/overview"}
    tags = {tag for tag in keras_see.read(tmp_path / "unasked") if tag.count("/") == 1}
    assert tags == {"see/saliency", "see/grad_cam", "see/cam", "see/overview"}
