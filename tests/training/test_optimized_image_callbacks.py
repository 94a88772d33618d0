import copy
import logging
import pickle

import keras
import numpy as np
import pytest
from keras import layers, ops

import keras_see
from keras_see.callbacks import ContentImages, NeuronImages
from keras_see.model.cache import layer_calls_of
from keras_see.optimization.activation_maximization import neuron_ascent
from keras_see.optimization.channel_selection import shown_channels
from keras_see.optimization.feature_inversion import content_ascent, default_layers, set_target_features
from keras_see.training.optimized_image_views import ContentView, NeuronView
from keras_see.training.sample_images import sample

RNG = np.random.default_rng(3)
X, Y = RNG.random((16, 12, 12, 3)).astype("float32"), np.arange(16) % 3


def classifier():
    model = keras.Sequential(
        [
            keras.Input((12, 12, 3)),
            layers.Conv2D(8, 3, padding="same", activation="elu", name="first"),
            layers.MaxPooling2D(name="pool"),
            layers.Conv2D(5, 3, padding="same", activation="elu", name="second"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(3, activation="softmax", name="classes"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy")
    return model


def fit(model, *callbacks, epochs=2, **options):
    return model.fit(X, Y, epochs=epochs, batch_size=8, verbose=0, callbacks=list(callbacks), **options)


def features(model, layer, images):
    until = keras.Model(model.inputs[0], model.get_layer(layer).output)
    return ops.convert_to_numpy(until(np.asarray(images, "float32")))


class Weights(keras.callbacks.Callback):
    """Keeps the weights of each epoch's end."""

    def on_train_begin(self, logs=None):
        self.kept = [self.model.get_weights()]

    def on_epoch_end(self, epoch, logs=None):
        self.kept.append(self.model.get_weights())


def test_neuron_images_resume_after_each_epoch_under_its_weights(tmp_path):
    model, weights = classifier(), Weights()
    fit(model, weights, NeuronImages(tmp_path, "second", [1, 4], steps=3, value_range=(0, 1)))
    written = dict(keras_see.read(tmp_path)["see/neurons@second/reached"])
    ascent = neuron_ascent(model, "second", [1, 4], value_range=(0, 1))
    buffers = ascent.start(0)
    for step, kept in zip((-1, 0, 1), weights.kept, strict=True):
        model.set_weights(kept)
        buffers, _ = ascent.run(buffers, 3)
        means = features(model, "second", ascent.images(buffers)).mean(axis=(1, 2))
        np.testing.assert_allclose(written[step], (means[0, 1] + means[1, 4]) / 2, rtol=1e-3, atol=1e-4)


def test_content_images_follow_the_features_that_the_current_weights_give(tmp_path):
    model, weights = classifier(), Weights()
    fit(model, weights, ContentImages(tmp_path, X[:2], ["first", "second"], steps=4))
    written = keras_see.read(tmp_path)
    for depth, layer in ((1, "first"), (2, "second")):
        ascent = content_ascent(model, X[:2], layer)
        buffers = ascent.start(0)
        for (_, distance), kept in zip(written[f"see/content/distance/{depth}"], weights.kept, strict=True):
            model.set_weights(kept)
            set_target_features(ascent, X[:2])
            buffers, _ = ascent.run(buffers, 4)
            found, wanted = (features(model, layer, images) for images in (ascent.images(buffers), X[:2]))
            truth = [np.linalg.norm(a - b) / np.linalg.norm(b) for a, b in zip(found, wanted, strict=True)]
            np.testing.assert_allclose(distance, np.mean(truth), rtol=1e-3)


def test_feature_distances_fall_from_evaluation_to_evaluation():
    model = classifier()
    view = ContentView(sample(X[:2]), layers=["first", "second"], steps=20)
    view.prepare(model, None, "see/")
    distances = np.array([[np.mean(part) for _, part in view.evaluate(model)] for _ in range(3)])
    assert np.all(distances[2] < distances[0])


def test_beside_each_neuron_is_the_sample_image_with_the_highest_activation():
    model = classifier()
    view = NeuronView(sample(X[:6]), layer="second", channels=[0, 2, 3], steps=1)
    view.prepare(model, None, "see/")
    *_, scores = view.evaluate(model)
    truth = features(model, "second", X[:6]).mean(axis=(1, 2))[:, [0, 2, 3]]
    np.testing.assert_allclose(scores, truth, rtol=1e-3, atol=1e-5)
    best = view._strongest_images(scores)
    pictures = np.rint(X[:6] * 255).astype("uint8")
    np.testing.assert_array_equal(best.pictures, pictures[truth.argmax(axis=0)])


def test_a_second_fit_resumes_from_the_images_of_the_first(tmp_path):
    model = classifier()
    model.optimizer.learning_rate = 0.0
    for folder in ("one", "two"):
        callback = ContentImages(tmp_path / folder, X[:1], ["first"], steps=4, before_training=False)
        if folder == "one":
            fit(model, callback, epochs=3)
        else:
            for epoch in range(3):
                fit(model, callback, initial_epoch=epoch, epochs=epoch + 1)
    one, two = (
        [number for _, number in keras_see.read(tmp_path / name)["see/content/distance/1"]] for name in ("one", "two")
    )
    np.testing.assert_allclose(two, one, rtol=1e-3)


def test_a_restart_begins_again_from_noise():
    model = classifier()
    plain, anew = (NeuronView(layer="second", channels=[0], steps=5, restart=each) for each in (None, 2))
    for view in (plain, anew):
        view.prepare(model, None, "see/")
    first, second, third = ([view.evaluate(model)[0] for view in (plain, anew)] for _ in range(3))
    np.testing.assert_array_equal(*first)
    np.testing.assert_array_equal(*second)
    np.testing.assert_array_equal(third[1], first[1])
    assert np.abs(third[0] - third[1]).max() > 1e-3


def test_the_channels_shown_are_all_classes_or_some_of_a_layer():
    model = classifier()
    assert shown_channels(model, "classes") == ("classes", [0, 1, 2])
    assert shown_channels(model, None) == ("second", [0, 1, 2, 3, 4])
    assert shown_channels(model, "first")[1] == [0, 1, 2, 4, 5, 7]
    assert shown_channels(model, "first", 2)[1] == [0, 7]
    assert shown_channels(model, "first", [6, 6])[1] == [6, 6]


def test_the_default_layers_are_the_last_call_of_each_size():
    assert default_layers(layer_calls_of(classifier(), X[:1])) == ["first", "second"]
    wide = keras.Sequential([keras.Input((64, 64, 3))])
    for number in range(6):
        wide.add(layers.Conv2D(2, 3, strides=2, padding="same", name=f"conv{number}"))
    assert default_layers(layer_calls_of(wide, np.zeros((1, 64, 64, 3)))) == ["conv0", "conv1", "conv3", "conv4"]


def test_watch_shows_optimized_images_beside_the_maps(tmp_path):
    methods = {"grad_cam": {}, "neurons": {"layer": ["first", "second"], "channels": 2, "steps": 1}}
    methods["content"] = {"layers": "first", "steps": 1}
    fit(classifier(), keras_see.Watch(tmp_path, (X[:2], Y[:2]), methods=methods, name="val"), epochs=1)
    tags = {tag for tag in keras_see.read(tmp_path) if tag.count("/") == 2}
    assert tags == {f"see/val/{tag}" for tag in ("grad_cam", "neurons@first", "neurons@second", "content")}


def test_training_is_the_same_with_and_without_them(tmp_path):
    def trained(*callbacks):
        keras.utils.set_random_seed(5)
        model = classifier()
        history = fit(model, *callbacks, epochs=2)
        return [*model.get_weights(), *(np.asarray(v) for v in model.optimizer.variables), history.history["loss"]]

    plain = trained()
    watched = trained(NeuronImages(tmp_path, steps=2, images=X[:3]), ContentImages(tmp_path, X[:1], "first", steps=2))
    for one, other in zip(plain, watched, strict=True):
        np.testing.assert_array_equal(one, other)


def test_nan_weights_are_a_failure_and_the_images_start_again(tmp_path, caplog):
    class Breaks(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 1:
                self.kept = self.model.get_weights()
                self.model.set_weights([np.full_like(part, np.nan) for part in self.kept])

        def on_epoch_end(self, epoch, logs=None):
            if epoch == 2:
                self.model.set_weights(self.kept)

    callback = NeuronImages(tmp_path, "second", [0], steps=2)
    with caplog.at_level(logging.CRITICAL, "keras_see"):
        model = classifier()
        model.compile("sgd", "sparse_categorical_crossentropy")
        fit(model, Breaks(), callback, epochs=4)
    assert [line.split(":")[0] for line in callback.failures] == ["step 1"]
    assert [step for step, _ in keras_see.read(tmp_path)["see/neurons@second"]] == [-1, 0, 2, 3]


def test_they_can_be_copied_and_pickled_and_build_an_unbuilt_model(tmp_path):
    for number, copied in enumerate((copy.deepcopy, lambda each: pickle.loads(pickle.dumps(each)))):
        model = keras.Sequential([layers.Conv2D(2, 3, activation="elu"), layers.Flatten(), layers.Dense(3)])
        model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
        folder = tmp_path / str(number)
        callbacks = [NeuronImages(folder, images=(X, Y), n=2, steps=1), ContentImages(folder, X[:1], steps=1)]
        fit(model, *map(copied, callbacks), epochs=1)
        assert {"see/neurons", "see/content"} <= set(keras_see.read(folder))


WRONG_NEURONS = [
    ({"channels": [5]}, ValueError, "whole numbers from 0 to 4"),
    ({"channels": []}, ValueError, "`channels` must be"),
    ({"layer": "secnod"}, ValueError, "Did you mean 'second'"),
    ({"steps": 0}, ValueError, "`steps` must be a whole number from 1"),
    ({"restart": 0}, ValueError, "`restart` must be a whole number from 1"),
    ({"seed": -1}, ValueError, "`seed` must be a whole number from 0"),
    ({"value_range": (1, 0)}, ValueError, "`value_range` must be"),
    ({"size": (32, 32)}, ValueError, "`size` must be what the model takes"),
    ({"layer": []}, ValueError, "one layer at least"),
    ({"layer": ["first", "first"]}, ValueError, "Two are 'neurons@first'"),
]


@pytest.mark.parametrize(("wrong", "kind", "says"), WRONG_NEURONS)
def test_wrong_arguments_of_neuron_images_fail_before_the_first_batch(tmp_path, wrong, kind, says):
    model = classifier()
    before = model.get_weights()
    with pytest.raises(kind, match=says):
        fit(model, NeuronImages(tmp_path, **wrong))
    np.testing.assert_array_equal(model.get_weights()[0], before[0])
    fit(model, NeuronImages(tmp_path, **wrong, strict=False), epochs=1)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"images": X[:1, :5]}, "must fit the model.s input"),
        ({"layers": []}, "one layer at least"),
        ({"layers": "frist"}, "Did you mean 'first'"),
        ({"prior": -1}, "`prior` must be"),
        ({"value_range": (0, 0.2)}, "must lie in `value_range`"),
    ],
)
def test_wrong_arguments_of_content_images_fail_before_the_first_batch(tmp_path, wrong, says):
    with pytest.raises(ValueError, match=says):
        fit(classifier(), ContentImages(tmp_path, **{"images": X[:1], "steps": 1} | wrong))


class Shuffling(keras.utils.PyDataset):
    """Draws from NumPy's global random numbers when it is read, as a careless data set does."""

    def __len__(self):
        return 2

    def __getitem__(self, number):
        np.random.rand(3)
        return X[8 * number : 8 * number + 8], Y[:8]


def test_beside_neuron_images_stand_the_top_images_of_a_data_set_under_the_weights_of_the_epoch():
    model, writer = classifier(), None
    view = NeuronView(layer="second", channels=[4, 1], steps=1, top_images=Shuffling())
    view.prepare(model, writer, "see/")
    for _ in range(2):
        np.random.seed(5)
        *_, patches, _ = view.evaluate(model)
        assert np.random.rand() == np.random.RandomState(5).rand()
        expected = keras_see.top_images(model, X, "second", [4, 1], n=4)
        for top, channel in zip(patches, [4, 1], strict=True):
            for found, wanted in zip(top, expected[channel], strict=True):
                np.testing.assert_array_equal(found, wanted)
        model.set_weights([RNG.normal(size=weight.shape) for weight in model.get_weights()])


def test_top_images_add_a_column_and_leave_training_alone(tmp_path):
    histories, widths = [], []
    for folder, options in (("bare", {}), ("with", {"top_images": (X, Y), "images": X[:3]})):
        keras.utils.set_random_seed(0)
        model = classifier()
        callback = NeuronImages(tmp_path / folder, "second", [0, 3], steps=1, **options)
        histories.append(fit(model, callback, epochs=1).history["loss"])
        assert callback.failures == []
        widths.append(dict(keras_see.read(tmp_path / folder)["see/neurons@second"])[0].shape[1])
    assert histories[0] == histories[1]
    assert widths[1] > widths[0]
