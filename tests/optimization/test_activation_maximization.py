import keras
import numpy as np
import pytest
import tiny_models
from keras import layers, ops

from keras_see import gap_classifier
from keras_see.optimization.activation_maximization import class_images, neuron_ascent, neuron_images
from keras_see.optimization.rescue import ACTIVE, FULL

SHAPE = (12, 12, 3)


def model(shape=SHAPE, activation="relu"):
    steps = [
        layers.Conv2D(6, 3, activation=activation, name="conv"),
        layers.Conv2D(4, 3, activation=activation, name="deep"),
    ]
    return tiny_models.filled(
        keras.Sequential(
            [
                keras.Input(shape),
                *steps,
                layers.GlobalAveragePooling2D(name="gap"),
                layers.Dense(3, "softmax", name="head"),
            ]
        )
    )


def activations(net, layer, images):
    until = keras.Model(net.inputs[0], net.get_layer(layer).output)
    return tiny_models.outputs_of(until, images)


def test_each_image_activates_its_own_channel_more_than_noise_and_grey():
    net = model()
    images = neuron_images(net, "deep", [0, 2, 3], steps=40)
    grey = activations(net, "deep", np.full((1, *SHAPE), 0.5, "float32")).mean(axis=(1, 2))[0, [0, 2, 3]]
    noise = np.random.default_rng(0).random((20, *SHAPE)).astype("float32")
    best = activations(net, "deep", noise).mean(axis=(1, 2)).max(axis=0)[[0, 2, 3]]
    found = activations(net, "deep", images).mean(axis=(1, 2))[[0, 1, 2], [0, 2, 3]]
    assert np.all(found > 1.5 * np.maximum(grey, best))


@pytest.mark.parametrize("options", [{}, {"parameterization": "pixels"}, {"objective": "neuron"}, {"diversity": 0.5}])
@pytest.mark.parametrize("value_range", [(0, 255), (-1, 1)])
def test_the_score_of_every_objective_rises_and_images_stay_in_the_range(options, value_range):
    net, (low, high) = model(activation=None), value_range
    images, history = neuron_images(
        net, "deep", [0, 1], value_range=value_range, steps=20, return_history=True, **options
    )
    assert images.shape == (2, *SHAPE)
    assert images.dtype == np.float32
    assert history.shape == (2, 20)
    assert low <= images.min() < images.max() <= high
    assert np.all(history[:, -4:].mean(axis=1) > history[:, :4].mean(axis=1))


def test_the_score_of_a_whole_layer_rises():
    images, history = neuron_images(model(), "deep", objective="layer", steps=20, return_history=True)
    assert images.shape == (1, *SHAPE)
    assert history[0, -1] > history[0, 0]


def test_a_direction_of_one_channel_is_that_channel():
    net = model()
    by_channel, one = neuron_images(net, "deep", [2], steps=8, return_history=True)
    by_direction, other = neuron_images(net, "deep", direction=[0, 0, 1, 0], steps=8, return_history=True)
    assert by_direction.shape == by_channel.shape
    assert abs(one[0, -1] - other[0, -1]) < max(one[0, -1], 0.01)


@pytest.mark.parametrize("channels", [1, 4])
def test_images_have_the_channels_of_the_input(channels):
    assert neuron_images(model((8, 8, channels)), "conv", [0], steps=3).shape == (1, 8, 8, channels)


def test_all_channels_are_the_default_unless_there_are_too_many():
    assert len(neuron_images(model(), "deep", steps=2)) == 4
    net = keras.Sequential([keras.Input(SHAPE), layers.Conv2D(65, 3, name="wide")])
    with pytest.raises(ValueError, match="`channels` must say which"):
        neuron_images(net, "wide", steps=2)


def test_images_have_any_size_where_the_model_takes_any():
    assert neuron_images(model((None, None, 3)), "deep", [0], size=(9, 14), steps=2).shape == (1, 9, 14, 3)


def test_own_images_give_range_and_colours():
    samples = (tiny_models.photos(4, shape=SHAPE) * 40 + 100).astype("uint8")
    ascent = neuron_ascent(model(), "deep", [0], samples=samples)
    images = ascent.images(ascent.start(0))
    np.testing.assert_allclose(images.mean(), samples.mean(), atol=8)


def test_the_gradient_goes_through_a_preprocess_written_for_arrays():
    net = model()
    plain = neuron_images(net, "deep", [1], steps=6, value_range=(0, 1))
    scaled = neuron_images(net, "deep", [1], steps=6, value_range=(0, 255), preprocess=lambda x: x / 255.0)
    np.testing.assert_allclose(scaled / 255, plain, atol=0.02)


def test_diverse_images_of_one_channel_are_less_alike():
    net = model(activation="elu")

    def likeness(diversity):
        images = neuron_images(net, "deep", [0, 0, 0], steps=40, diversity=diversity)
        values = activations(net, "deep", images).reshape(3, -1, 4)
        grams = np.einsum("npi,npj->nij", values, values).reshape(3, -1)
        grams /= np.linalg.norm(grams, axis=1, keepdims=True)
        return (grams @ grams.T)[np.triu_indices(3, 1)].mean()

    assert likeness(2.0) < likeness(0.0)


def test_class_images_raise_the_logit_of_their_class():
    net = model()
    images, history = class_images(net, [0, 2], steps=30, return_history=True)
    assert np.all(history[:, -1] > history[:, 0])
    found = tiny_models.outputs_of(net, images)
    assert found[0, 0] > tiny_models.outputs_of(net, images[1:])[0, 0]
    assert found[1, 2] > found[0, 2]


def test_channels_of_the_output_layer_are_classes():
    net = gap_classifier(3, SHAPE)
    by_class, logits = class_images(net, [0, 2], steps=4, return_history=True)
    by_layer, activations = neuron_images(net, net.layers[-1], [0, 2], steps=4, return_history=True)
    np.testing.assert_array_equal(by_layer, by_class)
    np.testing.assert_array_equal(activations, logits)


def test_class_images_of_a_single_unit_and_of_a_saturated_softmax():
    net = gap_classifier(1, SHAPE)
    images = class_images(net, [0, 1], steps=25)
    low, high = tiny_models.outputs_of(net, images)[:, 0]
    assert low < high
    steep = model()
    steep.get_layer("head").set_weights([1e3 * weight for weight in steep.get_layer("head").get_weights()])
    _, history = class_images(steep, 1, steps=10, return_history=True)
    assert history[0, -1] > history[0, 0]


def test_classes_are_given_by_weights_or_all_taken():
    net = model()
    assert class_images(net, None, steps=2).shape == (3, *SHAPE)
    assert class_images(net, np.array([[1.0, -1.0, 0.0]]), steps=2).shape == (1, *SHAPE)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"channels": [4]}, "`channels` must be whole numbers from 0 to 3.*4 channels.*Got"),
        ({"channels": [-1]}, "`channels` must be"),
        ({"channels": [0.5]}, "`channels` must be"),
        ({"channels": []}, "`channels` must be"),
        ({"layer": "depe"}, "Did you mean 'deep'"),
        ({"size": (5, 5)}, "`size` must be what the model takes"),
        ({"value_range": (1, 0)}, "`value_range` must be"),
        ({"steps": 0}, "`steps` must be"),
        ({"seed": -1}, "`seed` must be"),
        ({"objective": "neurone"}, "`objective` must be"),
        ({"objective": "neuron", "position": (8, 0)}, "`position` must be"),
        ({"objective": "neuron", "layer": "gap"}, "the layer must have rows and columns"),
        ({"direction": [1, 2], "channels": None}, "`direction` must hold 4"),
        ({"direction": [1, 2, 3, 4]}, "exclude each other"),
        ({"diversity": -1}, "`diversity` must be"),
        ({"parameterization": "waves"}, "`parameterization` must be"),
        ({"samples": np.zeros((2, 4, 4, 1))}, "`samples` must be images"),
        ({"batch_size": 0}, "`batch_size` must be"),
    ],
    ids=lambda part: str(part)[:30],
)
def test_wrong_arguments_are_named_in_the_message(wrong, says):
    arguments = {"layer": "deep", "channels": [0], "steps": 2} | wrong
    with pytest.raises(ValueError, match=says):
        neuron_images(model(), **arguments)


def test_a_size_too_small_for_the_model_is_an_error():
    net = model((None, None, 3))
    with pytest.raises(ValueError, match="`size` must "):
        neuron_images(net, "deep", [0], size=(3, 3), steps=2)


def test_a_layer_without_channels_is_an_error():
    class Pair(layers.Layer):
        def call(self, x):
            return x, x

    inputs = keras.Input(SHAPE)
    net = keras.Model(inputs, layers.Conv2D(2, 3)(Pair(name="pair")(inputs)[0]))
    with pytest.raises(ValueError, match="`layer` must have an output with channels"):
        neuron_images(net, "pair", [0], steps=2)


def test_a_model_that_ignores_its_input_is_an_error():
    class Ignores(layers.Layer):
        def call(self, x):
            return ops.ones_like(x)

    net = keras.Sequential([keras.Input(SHAPE), Ignores(), layers.Conv2D(2, 3, name="conv")])
    with pytest.raises(ValueError, match="model ignores its input there"):
        neuron_images(net, "conv", [0, 1], steps=3)


def test_a_channel_that_nothing_activates_is_logged_and_not_returned_grey(caplog):
    net = model()
    kernel, bias = net.get_layer("deep").get_weights()
    bias[:] = [5, -1e6, 5, 5]
    net.get_layer("deep").set_weights([kernel, bias])
    images = neuron_images(net, "deep", [0, 1], steps=20)
    assert "channel 1 is closed: it stayed at 0" in caplog.text
    assert "channel 0" not in caplog.text
    assert images[1].std() > 0.05


def test_a_dead_channel_is_named_and_the_others_come_out(caplog):
    net = model()
    kernel, bias = net.get_layer("deep").get_weights()
    bias[:] = 5
    kernel[..., 1], bias[1] = 0, 0.25
    net.get_layer("deep").set_weights([kernel, bias])
    images = neuron_images(net, "deep", [0, 1], steps=20)
    assert "channel 1 is dead: it was 0.25 from all starts" in caplog.text
    assert "channel 0" not in caplog.text
    np.testing.assert_allclose(images[0], neuron_images(net, "deep", [0], steps=20)[0], atol=0.02)


def steep(activation):
    """Channels far in the flat parts of an activation: of grey images the second is closed."""
    conv = layers.Conv2D(4, 3, activation=activation, name="steep")
    net = keras.Sequential([keras.Input(SHAPE), conv])
    kernel = np.random.default_rng(2).normal(0, 6, (3, 3, 3, 4))
    kernel += np.array([2.0, -2.0, 0.7, -0.3])
    conv.set_weights([kernel, np.zeros(4)])
    return net


def clip(x):
    return ops.clip(x, -2.0, 3.0)


SATURATED = {"relu6": (0, 6), "hard_sigmoid": (0, 1), "tanh": (-1, 1), "sigmoid": (0, 1), clip: (-2, 3)}
UNBOUNDED = ["relu", "leaky_relu", "swish", "gelu", "hard_swish"]


@pytest.mark.parametrize("activation", SATURATED, ids=lambda each: getattr(each, "__name__", each))
def test_channels_that_saturate_rise_from_below_and_end_full(activation):
    net, (low, high) = steep(activation), SATURATED[activation]
    ascent = neuron_ascent(net, "steep")
    states, _ = ascent.run(ascent.start(), 100)
    reached = ascent.scores(ascent.images(states))
    assert np.all(reached[[0, 2]] > low + 0.8 * (high - low))
    assert np.all(reached[1] > low + 0.05 * (high - low))
    assert set(ascent.conditions(states)[:3]) <= {ACTIVE, FULL}


@pytest.mark.parametrize("activation", UNBOUNDED)
def test_channels_that_are_closed_for_grey_images_open(activation):
    net = steep(activation)
    reached = activations(net, "steep", neuron_images(net, "steep", [1], steps=100)).mean(axis=(1, 2))
    assert reached[0, 1] > 0.05


@pytest.mark.parametrize("activation", ["relu6", "swish"])
def test_a_rescue_does_not_depend_on_the_images_beside(activation):
    net = steep(activation)
    together, alone = (neuron_images(net, "steep", channels, steps=24) for channels in ([1, 3], [3]))
    np.testing.assert_allclose(together[1], alone[0], atol=0.02)


def test_an_image_that_is_full_from_the_start_is_named_and_kept(caplog):
    net = keras.Sequential([keras.Input(SHAPE), layers.Conv2D(2, 3, activation="relu6", name="conv")])
    kernel = np.zeros((3, 3, 3, 2))
    kernel[..., 0], kernel[1, 1, :, 1] = 4, 1
    net.get_layer("conv").set_weights([kernel, np.zeros(2)])
    with caplog.at_level("INFO", "keras_see"):
        images = neuron_images(net, "conv", [0, 1], steps=20)
    assert "channel 0 is full: at 6 it goes no higher." in caplog.text
    assert "channel 1" not in caplog.text
    np.testing.assert_array_equal(activations(net, "conv", images)[0, ..., 0], 6)


def test_two_inputs_and_strings_as_targets_are_refused():
    with pytest.raises(ValueError, match="one input"):
        neuron_images(tiny_models.two_inputs(), "x", [0])
    with pytest.raises(ValueError, match="`targets` must be class numbers"):
        class_images(model(), "predicted")


def test_two_images_of_one_channel_have_different_starts():
    ascent = neuron_ascent(model(), "deep", [2, 2])
    images = ascent.images(ascent.start(0))
    assert not np.array_equal(images[0], images[1])


def test_the_unit_of_a_head_of_one_is_its_class():
    net = gap_classifier(1, SHAPE)
    by_class = class_images(net, [1], steps=5)
    by_layer = neuron_images(net, net.layers[-1], [0], steps=5)
    low, high = tiny_models.outputs_of(net, np.concatenate([np.full_like(by_layer, 0.5), by_layer]))[:, 0]
    assert high > low
    assert neuron_ascent(net, net.layers[-1], [0]).names == ["class 1"]
    assert np.abs(by_class - by_layer).max() < 1  # keys differ, and so do starts


def test_directions_of_one_unit_have_their_sign_and_size():
    net = gap_classifier(1, SHAPE)
    images = neuron_images(net, net.layers[-1], direction=[[-1.0], [2.0]], steps=20)
    low, high = tiny_models.outputs_of(net, images)[:, 0]
    assert low < high


def test_a_restart_does_not_depend_on_the_images_beside():
    net = keras.Sequential([keras.Input(SHAPE), layers.Conv2D(4, 3), layers.ReLU(threshold=0.1, name="late")])
    together = neuron_images(net, "late", [0, 1, 3], steps=20, seed=3)
    np.testing.assert_allclose(together[1], neuron_images(net, "late", [1], steps=20, seed=3)[0], atol=1e-4)


def test_the_logit_of_a_saturated_second_head_rises():
    inputs = keras.Input(SHAPE)
    pooled = layers.GlobalAveragePooling2D()(layers.Conv2D(4, 3, activation="elu")(inputs))
    certain = layers.Dense(4, "softmax", bias_initializer=keras.initializers.Constant([0, 200, 0, 0]), name="certain")
    net = keras.Model(inputs, [layers.Dense(2)(pooled), certain(pooled)])
    _, history = neuron_images(net, "certain", [0], steps=10, return_history=True)
    assert history[0, -1] > history[0, 0]


def test_samples_outside_of_the_range_are_refused():
    with pytest.raises(ValueError, match="`samples` must lie in `value_range`"):
        neuron_ascent(model(), "deep", [0], samples=np.full((1, *SHAPE), 200, "uint8"), value_range=(0, 1))


def test_without_targets_there_is_an_image_of_each_class():
    model = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Flatten(), keras.layers.Dense(3)])
    np.testing.assert_array_equal(class_images(model, steps=1), class_images(model, [0, 1, 2], steps=1))
