import dataclasses

import keras
import numpy as np
import pytest
from tiny_models import (
    CLASSES,
    FEATURES,
    SHAPE,
    Subclassed,
    backbone,
    built,
    conv,
    flat,
    head,
    linear,
    nested,
    photos,
    segmentation,
    shared,
    through,
    two_inputs,
)

from keras_see import class_activation_maps, gap_classifier, grad_cam_maps, layers
from keras_see.attribution import layer_folding
from keras_see.attribution.grad_cam import GRAD_CAM
from keras_see.attribution.registry import METHODS


def test_rows_tell_path_type_shape_and_methods_in_the_order_of_execution():
    rows = [row for row in layers(flat()) if row.type != "InputLayer"]
    assert [(row.path, row.type, row.output_shape, row.methods) for row in rows] == [
        ("a", "Conv2D", (*SHAPE[:2], 4), ("grad_cam",)),
        ("pool", "MaxPooling2D", (*FEATURES, 4), ("grad_cam",)),
        ("b", "Conv2D", (*FEATURES, 5), ("grad_cam", "cam")),
        ("gap", "GlobalAveragePooling2D", (5,), ("cam",)),
        ("head", "Dense", (CLASSES,), ()),
    ]


def photo_classifier():
    """What people write: augmentation, rescaling, a backbone with padding and normalization, a GAP head."""
    steps = [keras.layers.ZeroPadding2D(), keras.layers.Conv2D(4, 3, name="stem"), keras.layers.BatchNormalization()]
    steps += [keras.layers.ReLU(name="stem_out"), keras.layers.MaxPooling2D(name="pool"), conv(5, "deep", "relu")]
    prepared = [keras.layers.Rescaling(1 / 255), keras.layers.Activation("relu")]
    augmented = keras.Sequential([keras.layers.RandomFlip(name="flip"), keras.layers.RandomRotation(0.1)])
    ends = [keras.layers.Dropout(0.2), keras.layers.Softmax()]
    inputs = keras.Input(SHAPE)
    net = [
        augmented,
        *prepared,
        backbone(steps=steps),
        keras.layers.SpatialDropout2D(0.1, name="drop"),
        *head(None),
        *ends,
    ]
    return keras.Model(inputs, through(net, inputs))


def test_helpers_and_nested_models_are_left_out_but_for_the_default_layer():
    table = layers(photo_classifier())
    paths = ["backbone/stem", "backbone/pool", "backbone/deep", "drop", "gap", "head"]
    assert [row.path for row in table] == paths
    assert table.default == "drop"
    assert "6 of 17 layers; all=True (keras-see layers --all) lists all" in repr(table)


def test_all_lists_every_call_and_no_note_about_others():
    model = photo_classifier()
    table = layers(model, all=True)
    assert {layer.name for layer in model.layers[1:]} | {"stem", "stem_out", "flip"} <= {
        row.path.rpartition("/")[2] for row in table
    }
    assert table.default == layers(model).default
    assert "lists all" not in repr(table)


def residual(blocks, sizes=1):
    """A network of residual blocks, each of two convolutions, in which each size has equally many."""
    inputs = keras.Input((32, 32, 3))
    tensor = inputs
    for block in range(blocks):
        if block % (blocks // sizes) == 0:
            tensor = keras.layers.Conv2D(4, 3, 2, "same", name=f"down{block}")(tensor)
        inner = conv(4, f"b{block}", None)(conv(4, f"a{block}", "relu")(tensor))
        tensor = keras.layers.Add(name=f"add{block}")([tensor, inner])
    return keras.Model(inputs, through(head(), tensor))


def test_of_a_large_model_the_ends_of_blocks_are_listed_and_of_a_larger_one_the_last_of_each_size(monkeypatch):
    monkeypatch.setattr(layer_folding, "READABLE", 8)
    assert [row.path for row in layers(residual(4, sizes=2))] == ["add0", "add1", "add2", "add3", "gap", "head"]
    assert [row.path for row in layers(residual(8, sizes=2))] == ["add3", "add7", "gap", "head"]


def test_the_default_of_each_method_is_marked_in_its_column():
    table = layers(flat())
    (row,) = [row for row in table if row.default_of]
    assert (row.path, row.default_of, table.default) == ("b", ("grad_cam", "cam"), "b")
    assert table[0].path == "a"
    lines = [line.split() for line in repr(table).splitlines()]
    assert lines[0] == ["path", "type", "output", "shape", "grad_cam", "cam"]
    assert [line[-2:] for line in lines if line[0] == "b"] == [["default", "default"]]
    assert [line[-1] for line in lines if line[0] == "a"] == ["yes"]
    assert layers(linear()).default is None


def test_methods_of_the_same_layers_share_a_column_and_are_named_below(monkeypatch):
    twin = dataclasses.replace(GRAD_CAM, word="twin")
    monkeypatch.setitem(METHODS, "twin", twin)
    table = layers(flat())
    assert "grad_cam, ..." in repr(table).splitlines()[0]
    assert "grad_cam, ...: grad_cam, twin" in repr(table).splitlines()
    assert table[0].methods == ("grad_cam", "twin")


@pytest.mark.parametrize("make", [flat, nested, shared, segmentation, lambda: built(Subclassed())])
def test_the_methods_of_a_row_are_those_that_work_there_and_no_others(make):
    model, images = make(), photos(1)
    for row in layers(model, SHAPE[:2]):
        if "grad_cam" in row.methods:
            found = grad_cam_maps(model, images, 1, layer=row.path)
            assert found.shape[1:] == row.output_shape[:2]
        else:
            with pytest.raises(ValueError, match="`layer` must"):
                grad_cam_maps(model, images, 1, layer=row.path)
    if any("cam" in row.methods for row in layers(model, SHAPE[:2])):
        assert np.isfinite(class_activation_maps(model, images, 1)).all()


def test_a_model_for_any_size_is_listed_for_the_size_given():
    model = gap_classifier(2)
    assert next(row for row in layers(model) if row.path == "conv1").output_shape[:2] == (224, 224)
    assert next(row for row in layers(model, size=(16, 12)) if row.path == "conv6").output_shape[:2] == (4, 3)


def test_a_subclassed_model_is_listed_for_the_size_that_it_was_built_for_unless_another_is_given():
    model = built(Subclassed())
    assert layers(model)[0].output_shape[:2] == SHAPE[:2]
    assert layers(model, size=(32, 28))[0].output_shape[:2] == (32, 28)


def test_the_table_prints_one_line_per_row_with_columns_that_line_up():
    table = layers(nested())
    lines = repr(table).splitlines()
    start = lines[0].index("type")
    assert lines[len(table) + 2] == "Without a layer: saliency. With any layer: neurons, content."
    for row, line in zip(table, lines[2 : len(table) + 2], strict=True):
        assert line.startswith(row.path)
        assert line[start:].startswith(row.type)
    assert "4 × 3 × 5" in lines[2 + [row.path for row in table].index("backbone/b")]


def test_notebooks_show_a_table_in_which_names_cannot_become_markup():
    inputs = keras.Input(SHAPE)
    model = keras.Model(inputs, keras.layers.Conv2D(1, 1, name="a>b")(inputs))
    shown = layers(model)._repr_html_()
    assert "<td>a&gt;b</td><td>Conv2D</td><td>8 × 6 × 1</td>" in shown
    assert shown.count("<tr>") == len(layers(model)) + 1
    assert shown.endswith("<p>Without a layer: saliency. With any layer: neurons, content.</p>")


def test_models_with_two_inputs_and_without_rows_are_listed():
    assert [row.type for row in layers(two_inputs()) if row.type != "InputLayer"] == ["Flatten", "Dense", "Multiply"]
    assert all("grad_cam" not in row.methods for row in layers(linear()) if len(row.output_shape) < 3)


def test_a_model_that_hides_its_input_shape_is_refused_with_a_way_out():
    class Hidden(Subclassed):
        def get_build_config(self):
            return None

    model = Hidden()
    model(photos(1), training=False)
    with pytest.raises(ValueError, match=r"must tell the shapes of its inputs.*\(Hidden\).*keras_see.maps"):
        layers(model)


def test_an_unbuilt_model_is_refused():
    with pytest.raises(ValueError, match="`model` must be built"):
        layers(Subclassed())
