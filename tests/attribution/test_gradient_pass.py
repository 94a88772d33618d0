import gc
import threading
import weakref

import keras
import numpy as np
import pytest
from keras import layers, ops
from tiny_models import (
    CLASSES,
    SHAPE,
    Subclassed,
    augmented,
    built,
    conv,
    dict_outputs,
    filled,
    flat,
    linear,
    nested,
    outputs_of,
    photos,
    through,
)
from truth import Flat

from keras_see import grad_cam_maps, maps, saliency_maps
from keras_see.attribution.cam import CAM
from keras_see.attribution.grad_cam import GRAD_CAM
from keras_see.attribution.gradient_pass import explain, pass_of
from keras_see.attribution.method import Request
from keras_see.attribution.saliency import SALIENCY
from keras_see.model.cache import ENTRIES_KEPT, layer_calls_of
from keras_see.model.targets import resolve

REQUESTS = (Request(SALIENCY), Request(GRAD_CAM), Request(CAM))


def kept_pass(model, images, requests=REQUESTS, targets=None):
    return pass_of(model, images, requests, resolve(targets, layer_calls_of(model, images), len(images)))


@pytest.mark.parametrize("targets", [None, 1])
@pytest.mark.parametrize("make", [flat, augmented])
def test_the_maps_of_an_image_do_not_depend_on_the_others_in_its_batch(make, targets):
    model, images = make(), photos(5)
    together = explain(model, images, REQUESTS, targets)
    in_pairs = explain(model, images, REQUESTS, targets, batch_size=2)
    backwards = explain(model, images[::-1], REQUESTS, targets)
    for others, order in ((in_pairs, slice(None)), (backwards, slice(None, None, -1))):
        for found, expected in zip([*others.maps, others.outputs], [*together.maps, together.outputs], strict=True):
            np.testing.assert_allclose(found[order], expected, rtol=1e-4, atol=1e-6)
    alone = explain(model, images[3:4], REQUESTS, targets)
    for found, expected in zip(alone.maps, together.maps, strict=True):
        np.testing.assert_allclose(found[0], expected[3], rtol=1e-4, atol=1e-6)
    assert not np.allclose(alone.maps[0][0], together.maps[0][2], rtol=0.1)


def test_targets_go_with_their_images_through_batches_that_do_not_divide_them():
    model, images, classes = flat(), photos(5), [2, 0, 1, 1, 0]
    truth = Flat(model.get_weights(), images, np.eye(CLASSES)[classes])
    found = explain(model, images, REQUESTS, classes, batch_size=2)
    np.testing.assert_allclose(found.maps[2], truth.cam, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(found.scores, truth.logits[range(5), classes], rtol=1e-4)
    np.testing.assert_array_equal(found.classes, classes)


def test_several_requests_share_one_pass_and_each_gets_what_it_gets_alone():
    model, images = flat(), photos(2)
    together = explain(model, images, REQUESTS, 2).maps
    for request, found in zip(REQUESTS, together, strict=True):
        np.testing.assert_allclose(found, explain(model, images, [request], 2).maps[0], rtol=1e-5, atol=1e-7)


def test_maps_show_the_weights_of_today_without_a_second_trace():
    model, images = flat(seed=0), photos(3)
    before = explain(model, images, REQUESTS, 1, batch_size=2)
    model.set_weights(flat(seed=1).get_weights())
    after = explain(model, images, REQUESTS, 1, batch_size=2)
    truth = Flat(model.get_weights(), images, np.eye(CLASSES)[[1, 1, 1]])
    for found, expected in zip(after.maps, (truth.saliency, truth.grad_cam("b"), truth.cam), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
    assert not np.allclose(before.maps[2], after.maps[2])
    runs = kept_pass(model, images[:2], targets=1).traces
    assert runs == (4 if keras.backend.backend() == "torch" else 1)  # PyTorch compiles nothing


def test_the_statistics_of_batch_normalisation_are_those_of_today_too():
    model, images = augmented(), photos(2)
    before = saliency_maps(model, images, 0)
    variance = next(weight for weight in model.weights if weight.path.endswith("moving_variance"))
    epsilon = model.get_layer("norm").epsilon
    variance.assign(ops.convert_to_numpy(variance) * 0 + 1.0 - epsilon)
    gamma = next(weight for weight in model.weights if weight.path.endswith("gamma"))
    gamma.assign(ops.convert_to_numpy(gamma) * 0)
    assert before.max() > 0
    np.testing.assert_array_equal(saliency_maps(model, images, 0), 0.0)  # nothing of the images gets through


def test_targets_of_one_kind_share_a_pass():
    model, images = flat(), photos(2)
    for targets in (0, [1, 2], np.eye(CLASSES)[[1, 2]]):
        saliency_maps(model, images, targets)
        grad_cam_maps(model, images, targets)
    assert kept_pass(model, images, (Request(SALIENCY),), 2) is kept_pass(model, images, (Request(SALIENCY),), [0, 1])


def test_freezing_layers_gives_the_same_maps():
    model, images = flat(), photos(2)
    before = explain(model, images, REQUESTS, 1).maps
    model.get_layer("a").trainable = False
    for found, expected in zip(explain(model, images, REQUESTS, 1).maps, before, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-7)


def test_layers_added_after_a_pass_are_seen():
    model = keras.Sequential([keras.Input(SHAPE), layers.Flatten(), layers.Dense(1)])
    filled(model)
    images = photos(1)
    before = saliency_maps(model, images, 1)
    model.add(layers.Dense(1, kernel_initializer=keras.initializers.Constant(-3.0)))
    np.testing.assert_allclose(saliency_maps(model, images, 1), 3 * before, rtol=1e-5)


def test_only_the_latest_passes_of_a_model_are_kept():
    model, images = linear(), photos(1)
    first = weakref.ref(kept_pass(model, images, (Request(SALIENCY),), lambda outputs: outputs[:, 0]))
    for number in range(ENTRIES_KEPT):
        kept_pass(model, images, (Request(SALIENCY),), lambda outputs, number=number: outputs[:, 0] * number)
    gc.collect()
    assert first() is None


@pytest.mark.parametrize("make", [flat, nested, lambda: built(Subclassed()), augmented])
def test_what_is_kept_does_not_keep_the_model(make):
    model = make()
    maps(model, photos(2), methods=("saliency", "grad_cam"))
    kept = weakref.ref(kept_pass(model, photos(2)))
    model = weakref.ref(model)
    gc.collect()
    assert model() is None
    gc.collect()  # a pass goes when its model has gone
    assert kept() is None


HALF = {
    "convolutions alone": lambda dtype: [conv(8, "a", "tanh", dtype=dtype), conv(3, "b", None, dtype=dtype)],
    "dense layers": lambda dtype: [
        conv(8, "a", "tanh", dtype=dtype),
        layers.Flatten(dtype=dtype),
        layers.Dense(8, "tanh", dtype=dtype),
        layers.Dense(CLASSES, dtype=dtype),
    ],
}


@pytest.mark.parametrize("name", HALF)
def test_half_precision_loses_no_gradients(name):
    images, found = photos(2), {}
    for dtype in ("mixed_float16", "float32"):
        model = filled(keras.Sequential([keras.Input(SHAPE), *HALF[name](dtype)]), spread=0.3)
        weights = np.zeros((2, *model.output_shape[1:]))
        weights[..., 1] = 1e-7  # gradients become so small that float16 alone holds hardly any of them
        found[dtype] = saliency_maps(model, images, weights)
    half, full = found.values()
    assert (half == 0).sum() <= (full == 0).sum()
    assert np.abs(half - full).mean() < 0.03 * full.mean()


def test_half_precision_gives_grad_cam_in_the_units_of_the_score():
    images = photos(2)
    half, full = (grad_cam_maps(flat(dtype=dtype), images, 0) for dtype in ("mixed_float16", "float32"))
    assert half.dtype == np.float32
    assert full.max() > 0
    np.testing.assert_allclose(half, full, atol=0.02 * full.max())


def test_a_score_that_does_not_depend_on_the_features_is_an_error():
    class Stop(layers.Layer):
        def call(self, features):
            return ops.stop_gradient(features)

    inputs = keras.Input(SHAPE)
    model = filled(
        keras.Model(inputs, through([conv(3, "a", None), Stop(), layers.Flatten(), layers.Dense(2)], inputs))
    )
    with pytest.raises(ValueError, match=r"does not depend on the images.*stop_gradient or no_grad"):
        saliency_maps(model, photos(1), 0)
    with pytest.raises(ValueError, match=r"does not depend on the output of 'a'"):
        grad_cam_maps(model, photos(1), 0, layer="a")
    assert not any("call" in vars(layer) for layer in model.layers)


def test_a_model_that_cannot_run_on_the_images_says_why_and_is_left_as_it_was():
    class Picky(layers.Layer):
        def call(self, images):
            if images.shape[1] != SHAPE[0]:
                raise LookupError("only eight rows, please")
            return images

    model = keras.Sequential([Picky(), layers.GlobalAveragePooling2D(), layers.Dense(2)])
    outputs_of(model, photos(1))
    with pytest.raises(ValueError, match=r"must run on the given images.*\(n, 4, 6, 3\): .*eight rows"):
        explain(Wrapped(model), photos(1, shape=(4, 6, 3)), [Request(SALIENCY)])
    assert not any("call" in vars(layer) for layer in model.layers)


class Wrapped(keras.Model):
    """Takes images of any size."""

    def __init__(self, inner):
        super().__init__()
        self.inner = inner
        self.built = True

    def call(self, images):
        return self.inner(images)

    def get_build_config(self):
        return None


def test_maps_made_in_several_threads_at_once_are_those_made_in_one():
    model, images = flat(), photos(4)
    expected = [explain(model, images[[place]], REQUESTS, 1).maps for place in range(4)]
    fresh, found = flat(), [None] * 4

    def work(place):
        found[place] = explain(fresh, images[[place]], REQUESTS, 1).maps

    threads = [threading.Thread(target=work, args=(place,)) for place in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for got, wanted in zip(found, expected, strict=True):
        for one, other in zip(got, wanted, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-7)
    assert not any("call" in vars(layer) for layer in fresh.layers)


def test_all_outputs_are_given_in_the_model_s_own_structure():
    model, images = dict_outputs(), photos(3)
    found = explain(model, images, [Request(SALIENCY)], lambda outputs: outputs["size"][:, 0], batch_size=2)
    real = model(images, training=False)
    assert found.outputs.keys() == {"kind", "size"}
    for name in ("kind", "size"):
        np.testing.assert_allclose(found.outputs[name], ops.convert_to_numpy(real[name]), rtol=1e-5)
    np.testing.assert_allclose(found.scores, found.outputs["size"][:, 0])
    assert (found.classes == -1).all()


@pytest.mark.backends("torch")
def test_a_pass_works_inside_no_grad_and_inference_mode_and_leaves_no_gradients():
    import torch

    images, expected = photos(2), saliency_maps(flat(), photos(2), 0)
    for mode in (torch.no_grad(), torch.inference_mode()):
        model = flat()
        with mode:
            np.testing.assert_allclose(saliency_maps(model, images, 0), expected, rtol=1e-5)
            np.testing.assert_allclose(saliency_maps(model, torch.tensor(images), 0), expected, rtol=1e-5)
        assert all(parameter.grad is None for parameter in model.parameters())
