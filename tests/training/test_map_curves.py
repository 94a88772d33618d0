"""The curves beside the pictures, against maps of models with the weights of each epoch."""

import itertools

import keras
import numpy as np
import pytest
from tiny_models import flat, photos
from truth import Flat

import keras_see
from keras_see import metrics
from keras_see.training.map_view import MapCurves

IMAGES, LABELS = photos(3), np.array([2, 0, 1])


class Weights(keras.callbacks.Callback):
    """Keeps the weights before training and of each epoch's end."""

    def on_train_begin(self, logs=None):
        self.kept = [self.model.get_weights()]

    def on_epoch_end(self, epoch, logs=None):
        self.kept.append(self.model.get_weights())


def trained(folder, epochs=2, **options):
    model, weights = flat(), Weights()
    model.compile(keras.optimizers.SGD(0.5), "sparse_categorical_crossentropy")
    watch = keras_see.Watch(folder, (IMAGES, LABELS), methods="grad_cam", **options)
    model.fit(IMAGES, LABELS, epochs=epochs, verbose=0, callbacks=[weights, watch])
    assert watch.failures == []
    return {tag: dict(steps) for tag, steps in keras_see.read(folder).items()}, weights.kept


def test_curves_are_those_of_the_maps_of_each_epoch(tmp_path):
    log, kept = trained(tmp_path, faithfulness=True)
    maps = [Flat(weights, IMAGES, np.eye(3)[LABELS]).grad_cam("b") for weights in kept]
    for step, each in zip((-1, 0, 1), maps, strict=True):
        assert log["see/grad_cam/entropy"][step] == pytest.approx(metrics.entropy(each).mean(), abs=1e-5)
    assert sorted(log["see/grad_cam/drift"]) == sorted(log["see/grad_cam/like_untrained"]) == [0, 1]
    drift = [1 - metrics.stability(one, other).mean() for one, other in itertools.pairwise(maps)]
    np.testing.assert_allclose([log["see/grad_cam/drift"][step] for step in (0, 1)], drift, atol=0.02)
    like = [metrics.stability(maps[0], each).mean() for each in maps[1:]]
    np.testing.assert_allclose([log["see/grad_cam/like_untrained"][step] for step in (0, 1)], like, atol=0.02)
    for step, weights in zip((-1, 0, 1), kept, strict=True):
        model = flat()
        model.set_weights(weights)
        found = keras_see.grad_cam_maps(model, IMAGES, LABELS)
        for name, measure in (("deletion", metrics.deletion_auc), ("insertion", metrics.insertion_auc)):
            expected = measure(model, IMAGES, found, LABELS, steps=16).mean()
            assert log[f"see/grad_cam/{name}"][step] == pytest.approx(expected, rel=1e-3)


def test_without_a_step_before_training_nothing_is_compared_with_it(tmp_path):
    log, _ = trained(tmp_path, before_training=False)
    assert sorted(log["see/grad_cam/drift"]) == [1]
    assert "see/grad_cam/like_untrained" not in log
    assert "see/grad_cam/deletion" not in log


def test_a_mean_leaves_out_maps_without_anything_and_a_step_of_such_maps_has_no_curve():
    half = np.zeros((2, 4, 4), "float32")
    half[0] = np.arange(16).reshape(4, 4)
    curves = MapCurves()
    (record,) = curves.numbers("t", half, is_before_training=True).values()
    assert record.value == pytest.approx(metrics.entropy(half[:1])[0])
    assert curves.numbers("t", np.zeros((2, 4, 4), "float32"), is_before_training=False) == {}


def test_fine_maps_are_compared_by_their_blocks():
    random = np.random.default_rng(0)
    blocks = random.random((1, 56, 40))
    fine = [blocks.repeat(2, 1).repeat(2, 2) + 0.2 * random.choice([-1, 1], (1, 112, 80)) for _ in range(2)]
    curves = MapCurves()
    curves.numbers("t", fine[0], is_before_training=True)
    found = curves.numbers("t", fine[1], is_before_training=False)["t/like_untrained"].value
    means = [each.reshape(1, 56, 2, 40, 2).mean(axis=(2, 4)) for each in fine]
    assert found == pytest.approx(metrics.stability(*means)[0])
    assert found > metrics.stability(*fine)[0]
