import keras
import numpy as np
import pytest
from keras import layers, ops
from tiny_models import (
    CLASSES,
    FEATURES,
    SAME_FUNCTION,
    SHAPE,
    Subclassed,
    augmented,
    blocks,
    built,
    conv,
    filled,
    flat,
    head,
    one_unit,
    outputs_of,
    photos,
    plain_twin,
    shared,
    through,
    unshared,
)
from truth import Flat

from keras_see import maps
from keras_see.attribution.gradient_pass import explain
from keras_see.attribution.method import Method, Request

EVERYTHING = {"saliency": {}, "grad_cam": {"layer": ["a", "b"]}, "cam": {}}

# Not a method for people: the bare gradients at a layer, for comparison with other ways to find them.
GRADIENTS = Method("gradients", "", lambda calls, layer: calls.find(layer).path, lambda features, bare: bare, "")


def assert_same(found, expected, tolerance=1e-4):
    assert found.keys() == expected.keys()
    for word, value in expected.items():
        size = np.abs(value).max()
        assert size > 0
        np.testing.assert_allclose(found[word], value, atol=tolerance * size, err_msg=word)


def only_maps(found):
    return {word: value for word, value in found.items() if word not in ("predictions", "targets", "scores")}


@pytest.mark.parametrize("name", SAME_FUNCTION)
def test_models_of_every_kind_give_the_maps_of_the_numpy_truth(name):
    images, classes = photos(2), [2, 0]
    truth = Flat(flat().get_weights(), images, np.eye(CLASSES)[classes])
    # A head of bare operations may do anything: CAM takes only layers.
    methods = {word: options for word, options in EVERYTHING.items() if word != "cam" or "own weights" not in name}
    found = maps(SAME_FUNCTION[name](), images, classes, methods)
    expected = {
        "saliency": truth.saliency,
        "grad_cam@a": truth.grad_cam("a"),
        "grad_cam@b": truth.grad_cam("b"),
        "cam": truth.cam,
        "scores": truth.logits[[0, 1], classes],
        "predictions": truth.logits if "own weights" in name else truth.probabilities,
        "targets": np.array(classes),
    }
    if "cam" not in methods:
        del expected["cam"]
    assert_same(found, expected)


def closed(*ending):
    """Return the flat model with logits, and layers or operations behind them."""
    inputs = keras.Input(SHAPE)
    model = keras.Model(inputs, through([*blocks(), *head(None), *ending], inputs))
    model.set_weights(flat().get_weights())
    return model


def inside(activation):
    inputs = keras.Input(SHAPE)
    model = keras.Model(inputs, through([*blocks(), *head(activation)], inputs))
    model.set_weights(flat().get_weights())
    return model


ENDINGS = {
    "softmax in the dense layer": lambda: inside("softmax"),
    "sigmoid in the dense layer": lambda: inside("sigmoid"),
    "an activation that is a layer": lambda: inside(layers.Softmax()),
    "a Softmax layer": lambda: closed(layers.Softmax()),
    "an Activation layer": lambda: closed(layers.Activation("softmax")),
    "an Activation layer, then nothing": lambda: closed(layers.Activation("softmax"), layers.Activation("linear")),
    "a softmax of the graph": lambda: closed(ops.softmax),
    "a sigmoid of the graph": lambda: closed(ops.sigmoid),
    "a nested model that ends in softmax": SAME_FUNCTION["nested head"],
}


@pytest.mark.parametrize("name", ENDINGS)
def test_however_a_model_is_closed_its_logits_are_explained_and_its_real_outputs_are_given(name):
    images, model = photos(2), ENDINGS[name]()
    found, expected = (maps(each, images, [1, 2], EVERYTHING) for each in (model, flat(None)))
    real = outputs_of(model, images)
    np.testing.assert_allclose(found.pop("predictions"), real, rtol=1e-4)
    assert not np.allclose(real, expected.pop("predictions"), rtol=1e-2)
    assert_same(found, expected)


def test_a_model_that_is_fully_sure_still_has_its_whole_map():
    images, sure = photos(2), flat()
    *others, kernel, bias = sure.get_weights()
    sure.set_weights([*others, kernel * 1000, bias * 1000])
    found, expected = (maps(model, images, methods=EVERYTHING) for model in (sure, flat()))
    np.testing.assert_array_equal(found["predictions"].max(axis=1), 1.0)
    assert (np.sort(found["predictions"], axis=1)[:, :-1] == 0).all()
    np.testing.assert_array_equal(found["targets"], expected["targets"])
    assert_same(only_maps(found), {word: 1000 * value for word, value in only_maps(expected).items()})


def test_a_sigmoid_that_is_fully_sure_still_has_its_whole_map():
    images, sure = photos(2), one_unit()
    *others, kernel, _ = sure.get_weights()
    sure.set_weights([*others, kernel * 1000, np.full(1, 1000.0)])
    found, expected = (maps(model, images, 1, methods=EVERYTHING) for model in (sure, one_unit()))
    np.testing.assert_array_equal(found["predictions"], 1.0)
    assert_same(only_maps(found), {word: 1000 * value for word, value in only_maps(expected).items()})


def smooth():
    """Return `flat` without a bend in it, so that differences are near the slope, and its two halves."""
    inputs = keras.Input(SHAPE)
    features = through([conv(4, "a", "tanh"), layers.AveragePooling2D(2)], inputs)
    behind = [conv(5, "b", "softplus"), layers.Flatten(), layers.Dense(CLASSES, name="head")]
    model = keras.Model(inputs, through(behind, features))
    filled(model, spread=0.4)
    middle = keras.Input(features.shape[1:])
    return model, keras.Model(inputs, features), keras.Model(middle, through(behind, middle))


def test_gradients_at_a_middle_layer_agree_with_finite_differences_there():
    (model, front, back), images, step = smooth(), photos(1), 1e-2
    features = outputs_of(front, images)
    nudges = np.eye(features.size, dtype="float32").reshape(-1, *features.shape[1:]) * step
    above, below = (outputs_of(back, features + sign * nudges)[:, 2].astype("float64") for sign in (1, -1))
    expected = ((above - below) / (2 * step)).reshape(features.shape)
    pool = next(layer for layer in model.layers if isinstance(layer, layers.AveragePooling2D))
    found = explain(model, images, [Request(GRADIENTS, pool)], 2).maps[0]
    np.testing.assert_allclose(found, expected, atol=2e-3 * np.abs(expected).max())


def test_the_calls_of_a_shared_layer_have_gradients_of_their_own():
    model, images = shared(), photos(2)
    requests = [[Request(GRADIENTS, path) for path in both] for both in (("eye/b", "eye/b#1"), ("first/b", "second/b"))]
    found, expected = (
        explain(each, images, part, 0).maps for each, part in zip((model, unshared(model)), requests, strict=True)
    )
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-7)
    assert not np.allclose(found[0], found[1])


def test_a_layer_called_on_its_own_output_keeps_its_calls_apart():
    inputs = keras.Input(SHAPE)
    again = conv(3, "again", "tanh")
    model = keras.Model(inputs, through([again, again, *head(None)], inputs))
    numbers = np.random.default_rng(5)
    model.set_weights([numbers.normal(0, 0.5, weight.shape) for weight in model.get_weights()])
    one, two = conv(3, "one", "tanh"), conv(3, "two", "tanh")
    twin = keras.Model(inputs, through([one, two, *head(None)], inputs))
    kernel, bias, *top = model.get_weights()
    twin.set_weights([kernel, bias, kernel, bias, *top])
    found = explain(model, photos(1), [Request(GRADIENTS, path) for path in ("again", "again#1")], 0).maps
    expected = explain(twin, photos(1), [Request(GRADIENTS, path) for path in ("one", "two")], 0).maps
    for got, wanted in zip(found, expected, strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-4, atol=1e-7)


def test_augmentation_and_dropout_are_off_and_batch_norm_uses_what_it_has_learnt():
    model, images = augmented(), photos(4)
    found, expected = (maps(each, images, [0, 1, 2, 0], EVERYTHING) for each in (model, plain_twin(model)))
    assert_same(found, expected)


@pytest.mark.skipif(not hasattr(keras, "RematScope"), reason="this Keras has no RematScope")
def test_layers_that_recompute_their_features_in_training_are_seen_all_the_same():
    with keras.RematScope(mode="full"):
        model = flat()
    assert model.get_layer("b")._remat_mode is not None
    found, expected = (maps(each, photos(2), 1, EVERYTHING) for each in (model, flat()))
    assert_same(found, expected)
    assert model.get_layer("b")._remat_mode is not None


@pytest.mark.backends("tensorflow")
def test_a_model_whose_call_is_a_tf_function_is_seen_all_the_same():
    import tensorflow as tf

    class Decorated(Subclassed):
        @tf.function
        def call(self, images, training=None):
            return super().call(images, training)

    images, model = photos(2), built(Decorated())
    model.call(images)  # traced already
    found, expected = (maps(each, images, 1, EVERYTHING) for each in (model, flat()))
    assert_same(found, expected)
    assert "call" not in vars(model)
    assert hasattr(model.call, "python_function")


def test_a_gate_behind_the_last_layer_is_part_of_what_is_explained():
    class Gated(keras.Model):
        def __init__(self):
            super().__init__()
            self.flatten = layers.Flatten()
            self.values, self.gate = layers.Dense(2), layers.Dense(2, "sigmoid")

        def call(self, images):
            return self.values(self.flatten(images)) * self.gate(self.flatten(images))

    model, images = Gated(), photos(2)
    outputs_of(model, images)
    found = maps(model, images, 1, "saliency")
    np.testing.assert_allclose(found["scores"], outputs_of(model, images)[:, 1], rtol=1e-4)


def test_features_have_the_shape_that_the_layer_gives_for_any_number_of_images():
    found = explain(flat(), photos(5), [Request(GRADIENTS, "b")], 0, batch_size=3).maps[0]
    assert found.shape == (5, *FEATURES, 5)
    kernel = flat().get_weights()[-2]
    np.testing.assert_allclose(found, np.broadcast_to(kernel[:, 0] / np.prod(FEATURES), found.shape), rtol=1e-5)


def test_logits_have_the_shape_of_an_output_that_is_flattened_after_its_softmax():
    def model(*ending):
        inputs = keras.Input((8, 8, 3))
        features = layers.GlobalAveragePooling2D(keepdims=True)(layers.Conv2D(4, 3, activation="tanh")(inputs))
        outputs = layers.Conv2D(3, 1)(features)
        for layer in ending:
            outputs = layer(outputs)
        return keras.Model(inputs, outputs)

    flattened, usual = model(layers.Softmax(), layers.Flatten()), model(layers.Flatten(), layers.Softmax())
    usual.set_weights(flattened.get_weights())
    images = np.random.default_rng(0).random((3, 8, 8, 3), "float32")
    for targets in ([0, 1, 2], 1, None):
        found, right = (maps(each, images, targets, "saliency")["saliency"] for each in (flattened, usual))
        np.testing.assert_allclose(found, right, rtol=1e-5)


def test_one_softmax_that_makes_two_outputs_is_opened_for_both():
    inputs = keras.Input((8, 8, 3))
    logits = layers.Dense(3)(layers.Flatten()(inputs))
    probabilities = layers.Softmax()(logits)
    twice, plain = keras.Model(inputs, [probabilities, probabilities]), keras.Model(inputs, logits)
    images = np.random.default_rng(0).random((2, 8, 8, 3), "float32")
    right = maps(plain, images, 1, "saliency")["saliency"]
    for number in (0, 1):
        found = maps(twice, images, lambda outputs, number=number: outputs[number][:, 1], "saliency")["saliency"]
        np.testing.assert_allclose(found, right, rtol=1e-5)


def test_a_cast_of_two_heads_together_is_not_taken_for_a_cast_of_the_last():
    class Ensemble(keras.Model):
        def __init__(self):
            super().__init__()
            self.flatten = layers.Flatten()
            self.one, self.other = layers.Dense(3, activation="softmax"), layers.Dense(3, activation="softmax")

        def call(self, images):
            flat = self.flatten(images)
            return ops.cast((self.one(flat) + self.other(flat)) / 2, "float16")

    model = Ensemble()
    images = np.random.default_rng(0).random((2, 8, 8, 3), "float32")
    model(images)
    before = maps(model, images, 1, "saliency")["saliency"]
    model.one.kernel.assign(model.one.kernel * -3.0)
    assert not np.allclose(maps(model, images, 1, "saliency")["saliency"], before, rtol=0.1)


def test_an_output_that_is_none_is_refused():
    class Pair(keras.Model):
        def call(self, images):
            return ops.mean(images, axis=(1, 2)), None

    model = Pair()
    model.built = True
    with pytest.raises(ValueError, match="no tensor"):
        maps(model, np.zeros((1, 8, 8, 3), "float32"))
