import keras
import numpy as np
import pytest
import tiny_models
from keras import layers, ops

from keras_see.deepdream.layer_objectives import LayerObjective, combined, default_calls, layer_objectives_of
from keras_see.model.cache import layer_calls_of

FEATURES = np.random.default_rng(0).normal(size=(2, 3, 4, 5)).astype("float32")


def layer_calls(model):
    return layer_calls_of(model, tiny_models.photos(shape=model.input_shape[1:]))


def chain(depth=5):
    steps = [layers.Conv2D(4, 3, padding="same", activation="relu", name=f"conv{number}") for number in range(depth)]
    return keras.Sequential([keras.Input((16, 16, 3)), *steps, layers.GlobalAveragePooling2D(), layers.Dense(3)])


def joined():
    inputs = tensor = keras.Input((16, 16, 3))
    for number in range(5):
        parts = [layers.Conv2D(2, 3, padding="same", name=f"part{number}_{side}")(tensor) for side in range(2)]
        tensor = layers.Concatenate(name=f"mixed{number}")(parts)
    return keras.Model(inputs, layers.Dense(3)(layers.GlobalAveragePooling2D()(tensor)))


def test_values_agree_with_numpy():
    guide = np.random.default_rng(1).normal(size=(6, 5)).astype("float32")
    found = [
        ops.convert_to_numpy(value)
        for value in (
            LayerObjective("a").value(FEATURES),
            LayerObjective("a", 3).value(FEATURES),
            LayerObjective("a").value(FEATURES, guide),
        )
    ]
    np.testing.assert_allclose(found[0], np.square(FEATURES).mean(axis=(1, 2, 3)), rtol=1e-5)
    np.testing.assert_allclose(found[1], FEATURES[..., 3].mean(axis=(1, 2)), rtol=1e-4)
    np.testing.assert_allclose(found[2], (FEATURES @ guide.T).max(axis=-1).mean(axis=(1, 2)), rtol=1e-5)


def test_the_combined_objective_is_the_weighted_mean_of_values_relative_to_the_first():
    objective = combined([LayerObjective("a", None, 3.0), LayerObjective("b", 1, -1.0)])
    first = np.array([2.0, 5.0], "float32")
    found = ops.convert_to_numpy(objective.score({"a": FEATURES, "b": 2 * FEATURES}, None, [first]))
    squares, means = np.square(FEATURES).mean(axis=(1, 2, 3)), 2 * FEATURES[..., 1].mean(axis=(1, 2))
    np.testing.assert_allclose(found, 3 / 4 * squares / 2 - 1 / 4 * means / 5, rtol=1e-4)
    assert objective.paths == ("a", "b")


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("conv2", [LayerObjective("conv2")]),
        (["conv1", "conv3:2"], [LayerObjective("conv1"), LayerObjective("conv3", 2)]),
        (
            {"conv1": 1, "conv3": 1.5, "conv3:0": -2},
            [LayerObjective("conv1"), LayerObjective("conv3", None, 1.5), LayerObjective("conv3", 0, -2.0)],
        ),
    ],
)
def test_layers_may_be_a_name_a_list_or_a_dict_with_weights(given, meant):
    assert layer_objectives_of(given, layer_calls(chain())) == meant


def test_a_layer_object_may_be_given():
    model = chain()
    assert layer_objectives_of(model.get_layer("conv1"), layer_calls(model)) == [LayerObjective("conv1")]


@pytest.mark.parametrize(("model", "names"), [(chain, ["conv1", "conv2"]), (joined, ["mixed1", "mixed2"])])
def test_default_layers_are_chosen_by_depth_among_merging_layers_if_there_are_any(model, names):
    assert [call.path for call in default_calls(layer_calls(model()))] == names


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("conv9", "calls no 'conv9'"),
        ("conv1:4", "from 0 to 3"),
        ("conv1:x", "from 0 to 3"),
        ("dense", "have rows and columns"),
        ([], "must name one layer at least"),
        ({"conv1": 0}, "a weight that is not 0"),
        ({"conv1": float("nan")}, "finite numbers"),
        ({"conv1": "much"}, "finite numbers"),
    ],
)
def test_layers_that_do_not_fit_are_refused(given, says):
    model = keras.Sequential([*chain().layers[:-1], layers.Dense(3, name="dense")])
    model.build((None, 16, 16, 3))
    with pytest.raises(ValueError, match=says):
        layer_objectives_of(given, layer_calls(model))
