import keras
import numpy as np
import pytest
from keras import layers, ops
from tiny_models import (
    CLASSES,
    SAME_FUNCTION,
    SHAPE,
    Subclassed,
    augmented,
    backbone,
    blocks,
    dict_outputs,
    flat,
    gap_conv,
    head,
    linear,
    nested_twice,
    one_unit,
    outputs_of,
    photos,
    segmentation,
    shared,
    through,
    two_inputs,
)

from keras_see.model.image_batches import specification
from keras_see.model.tracing import trace_layer_calls


def layer_calls(model, images=None):
    return trace_layer_calls(model, specification(photos(1) if images is None else images))


def paths(model, images=None):
    return [call.path for call in layer_calls(model, images).calls]


def in_model(activation_or_layers):
    inputs = keras.Input(SHAPE)
    return keras.Model(inputs, through(activation_or_layers, inputs))


STEPS = ["a", "pool", "b", "gap", "head"]


@pytest.mark.parametrize("name", SAME_FUNCTION)
def test_calls_are_listed_in_the_order_in_which_they_run_whatever_the_kind_of_model(name):
    names = [path.rpartition("/")[2] for path in paths(SAME_FUNCTION[name]())]
    assert [each for each in names if each in STEPS] == (STEPS[:4] if "own weights" in name else STEPS)


def test_paths_are_names_joined_by_slashes_and_a_nested_model_follows_its_layers():
    found = [path for path in paths(nested_twice()) if "input" not in path]
    inner = [f"outer/inner/{name}" for name in ("a", "pool", "b")]
    assert found == [*inner, "outer/inner", "outer", "gap", "head"]


def test_the_second_call_of_a_layer_bears_a_number():
    found = [path for path in paths(shared()) if path.startswith("eye") and "input" not in path]
    assert found == ["eye/a", "eye/pool", "eye/b", "eye", "eye/a#1", "eye/pool#1", "eye/b#1", "eye#1"]


def test_layers_of_one_name_in_one_place_are_told_apart_by_the_same_numbers():
    class Twins(keras.Model):
        def __init__(self):
            super().__init__()
            self.first, self.second = layers.Conv2D(2, 1, name="twin"), layers.Conv2D(5, 3, name="twin")

        def call(self, images):
            return self.second(self.first(images))

    model = Twins()
    outputs_of(model, photos(1))
    first, second = layer_calls(model).calls
    assert (first.path, first.shape, first.turn) == ("twin", (2, *SHAPE[:2], 2), 0)
    assert (second.path, second.shape, second.turn) == ("twin#1", (2, 6, 4, 5), 0)


def test_shapes_and_types_are_those_that_the_layers_really_give():
    model, images = flat(), photos(2)
    calls = {call.path: call for call in layer_calls(model).calls}
    given = images
    for name in STEPS:
        layer = model.get_layer(name)
        output = layer(given)
        assert calls[name].shape == tuple(output.shape)
        assert calls[name].input_shape == tuple(given.shape)
        assert calls[name].type == type(layer).__name__
        given = output
    assert [calls[name].spatial for name in STEPS] == [True, True, True, False, False]


def test_listing_changes_nothing_and_computes_nothing():
    class Counting(layers.Layer):
        runs = 0

        def call(self, images):
            if not isinstance(images, keras.KerasTensor) and hasattr(images, "__array__"):
                try:
                    np.asarray(keras.ops.convert_to_numpy(images))
                    type(self).runs += 1
                except Exception:
                    pass
            return images * 1.0

    model = keras.Sequential([keras.Input(SHAPE), Counting(), *augmented().layers])
    before = [keras.ops.convert_to_numpy(variable).copy() for variable in model.variables]
    Counting.runs = 0
    assert len(layer_calls(model).calls) >= len(model.layers)
    assert Counting.runs == 0
    for variable, value in zip(model.variables, before, strict=True):
        np.testing.assert_array_equal(keras.ops.convert_to_numpy(variable), value)


@pytest.mark.backends("torch")
def test_a_model_that_cannot_run_without_numbers_is_listed_once_all_the_same():
    class Numbers(layers.Layer):
        def call(self, features):
            return features + float(ops.convert_to_numpy(features).max())

    model = in_model([*blocks(), *head()])
    model = keras.Sequential([*model.layers[:3], Numbers(name="numbers"), *model.layers[3:]])
    outputs_of(model, photos(1))
    found = [path for path in paths(model) if "input" not in path]
    assert found == ["a", "pool", "numbers", "b", "gap", "head"]


class Renamed(keras.Model):
    """Hands its result on in a dict, through a layer that does nothing in inference."""

    def __init__(self):
        super().__init__()
        self.steps = [*blocks(), *head()]
        self.drop = layers.Dropout(0.5, name="drop")

    def call(self, images):
        return {"classes": self.drop(through(self.steps, images))}


def run_once(model):
    outputs_of_any = model(photos(1), training=False)
    assert keras.tree.flatten(outputs_of_any)
    return model


CLOSINGS = {
    "softmax in the dense layer": (flat, ["head"], "softmax"),
    "logits": (lambda: flat(None), [None], None),
    "relu is part of the model": (lambda: flat("relu"), [None], None),
    "tanh is part of the model": (lambda: flat("tanh"), [None], None),
    "softplus is part of the model": (lambda: flat("softplus"), [None], None),
    "sigmoid unit": (one_unit, ["head"], "sigmoid"),
    "softmax in an Activation of another type": (lambda: gap_conv(dtype="mixed_float16"), ["predictions"], "softmax"),
    "a Softmax layer": (lambda: in_model([*blocks(), *head(None), layers.Softmax(name="end")]), ["end"], "softmax"),
    "a softmax of the graph": (lambda: in_model([*blocks(), *head(None), ops.softmax]), ["softmax"], "softmax"),
    "a sigmoid of the graph": (lambda: in_model([*blocks(), *head(None), ops.sigmoid]), ["sigmoid"], "sigmoid"),
    "an activation that is a layer": (
        lambda: in_model([*blocks(), *head(layers.Softmax(name="inside"))]),
        ["inside"],
        "softmax",
    ),
    "handed on by dropout in a dict": (lambda: run_once(Renamed()), ["head"], "softmax"),
    "a dict of two": (dict_outputs, ["kind", None], "softmax"),
    "two sigmoids in a row, of which one closes": (
        lambda: in_model([*blocks(), *head("sigmoid"), layers.Activation("sigmoid", name="end")]),
        ["end"],
        "sigmoid",
    ),
}


@pytest.mark.parametrize("name", CLOSINGS)
def test_a_closing_softmax_or_sigmoid_is_found_and_nothing_else(name):
    make, expected, kind = CLOSINGS[name]
    found = layer_calls(make())
    names = [closing and closing.operation.name.rstrip("_0123456789") for closing in found.closings]
    assert names == expected  # an operation of the graph is named by Keras, with a number
    assert found.closing == kind


def test_the_sigmoid_of_a_gate_behind_the_last_layer_closes_nothing():
    class Gated(keras.Model):
        def __init__(self):
            super().__init__()
            self.steps, self.gap = blocks(), layers.GlobalAveragePooling2D()
            self.values, self.gate = layers.Dense(CLASSES), layers.Dense(CLASSES, "sigmoid")

        def call(self, images):
            means = self.gap(through(self.steps, images))
            return self.values(means) * self.gate(means)

    assert layer_calls(run_once(Gated())).closings == [None]


DEFAULTS = {
    "features before a GAP head": (flat, "b"),
    "the filters of a conv head": (gap_conv, "class_maps"),
    "never the output itself": (segmentation, "b"),
    "never logits that only a softmax separates from the output": (
        lambda: in_model([*segmentation(None).layers, layers.Softmax()]),
        "b",
    ),
    "inside a nested model": (nested_twice, "outer/inner/b"),
    "the last call of a shared one": (shared, "both"),
    "none of the layers that work on vectors": (
        lambda: in_model([*backbone("x").layers[1:], layers.Flatten(), layers.Dense(3), layers.Reshape((1, 1, 3))]),
        "b",
    ),
}


@pytest.mark.parametrize("name", DEFAULTS)
def test_the_default_layer_is_the_last_that_has_rows_and_columns(name):
    make, expected = DEFAULTS[name]
    assert layer_calls(make()).default_call().path == expected


def test_without_rows_and_columns_there_is_no_default_layer_and_the_message_says_what_to_do():
    with pytest.raises(ValueError, match=r"has rows and columns.*None of the 2 calls.*such as saliency"):
        layer_calls(linear()).default_call()


def test_a_layer_is_found_by_its_path_its_name_the_end_of_its_path_or_itself():
    model = nested_twice()
    found = layer_calls(model)
    layer = model.get_layer("outer").get_layer("inner").get_layer("b")
    for means in ("outer/inner/b", "inner/b", "b", layer):
        assert found.find(means).operation is layer
    calls = layer_calls(shared())
    assert calls.find("b").path == "eye/b"
    assert calls.find("b#1").path == "eye/b#1"


def test_the_end_of_two_paths_is_refused_with_both_of_them():
    inputs = keras.Input(SHAPE)
    both = layers.Add(name="sum")([backbone("left")(inputs), backbone("right")(inputs)])
    found = layer_calls(keras.Model(inputs, through(head(), both)))
    with pytest.raises(ValueError, match=r"'b' is the end of 2 paths. Give one of them: left/b, right/b."):
        found.find("b")
    assert found.find("right/b").path == "right/b"


UNKNOWN = {
    "a slip of the finger": (nested_twice, "innner/b", ["calls no 'innner/b'", "Did you mean 'outer/inner/b'"]),
    "the end of a path, misspelt": (nested_twice, "pol", ["Did you mean 'outer/inner/pool'?"]),
    "a stranger": (flat, "zzz", ["calls no 'zzz'", "Usable: ", "a (8, 6, 4), pool (4, 3, 4), b (4, 3, 5);"]),
    "a layer of another model": (flat, layers.Conv2D(1, 1, name="foreign"), ["calls no 'foreign'"]),
    "no layer at all": (flat, 3.5, ["Got 3.5. Usable"]),
}


@pytest.mark.parametrize("name", UNKNOWN)
def test_an_unknown_layer_is_refused_with_the_nearest_names_and_the_usable_ones(name):
    make, layer, fragments = UNKNOWN[name]
    with pytest.raises(ValueError, match="`layer` must be a layer that the model calls") as caught:
        layer_calls(make()).find(layer)
    for fragment in [*fragments, "keras_see.layers(model, all=True) lists all."]:
        assert fragment in str(caught.value)


def test_of_many_usable_layers_the_last_ten_are_named():
    model = in_model([layers.Conv2D(1, 1, name=f"c{number}") for number in range(14)])
    with pytest.raises(ValueError, match="Usable") as caught:
        layer_calls(model).find("nothing")
    message = str(caught.value)
    assert "earlier ones and c4 (8, 6, 1), c5" in message
    assert "c13 (8, 6, 1);" in message
    assert "c3 " not in message


def test_a_layer_without_rows_and_columns_is_refused_with_its_shape():
    with pytest.raises(ValueError, match=r"rows and columns.*'gap' has shape \(batch, 5\).*Usable: .*b \(4, 3, 5\)"):
        layer_calls(flat()).spatial_call("gap")


@pytest.mark.parametrize(
    ("make", "closed", "before"),
    [
        (segmentation, ["mask"], "b"),
        (lambda: in_model([*segmentation(None).layers, layers.Softmax(name="end")]), ["end"], "mask"),
        (lambda: in_model([keras.Sequential(segmentation().layers, name="all")]), ["all/mask", "all"], "b"),
    ],
)
def test_what_a_closing_softmax_has_made_is_refused_as_features(make, closed, before):
    found = layer_calls(make())
    for layer in closed:
        with pytest.raises(ValueError, match=f"before the closing softmax or sigmoid.*'{layer}'.*Usable: ") as caught:
            found.spatial_call(layer)
        assert f"{layer} (" not in str(caught.value)
    assert found.spatial_call(before).operation.name == before


def test_a_layer_with_several_outputs_is_listed_and_refused_as_features():
    class Both(layers.Layer):
        def call(self, images):
            return images + 1.0, images - 1.0

    inputs = keras.Input(SHAPE)
    model = keras.Model(inputs, layers.Add()(Both(name="both")(inputs)))
    found = layer_calls(model)
    assert found.find("both").shape is None
    with pytest.raises(ValueError, match="'both' is not a single tensor"):
        found.spatial_call("both")


def test_models_with_several_inputs_are_listed_by_the_structure_that_they_take():
    images = {"images": photos(1), "factor": np.ones((1, 1), "float32")}
    found = [path for path in paths(two_inputs(), images) if path not in ("images", "factor")]
    assert [path.partition("_")[0] for path in found] == ["flatten", "head", "multiply"]


def test_layers_that_a_run_does_not_call_are_not_listed():
    class Idle(Subclassed):
        def __init__(self):
            super().__init__()
            self.idle = layers.Conv2D(3, 1, name="idle")
            self.idle.build((None, *SHAPE))

    model = run_once(Idle())
    assert paths(model) == STEPS
