import keras
import numpy as np
import pytest
from tiny_models import (
    CLASSES,
    FEATURES,
    SHAPE,
    Subclassed,
    built,
    flat,
    linear,
    nested,
    photos,
    segmentation,
    shared,
    two_inputs,
)

from keras_see import class_activation_maps, gap_classifier, grad_cam_maps, layers


def test_rows_tell_path_type_shape_and_methods_in_the_order_of_execution():
    rows = [row for row in layers(flat()) if row.type != "InputLayer"]
    assert [(row.path, row.type, row.output_shape, row.methods) for row in rows] == [
        ("a", "Conv2D", (*SHAPE[:2], 4), ("grad_cam", "features")),
        ("pool", "MaxPooling2D", (*FEATURES, 4), ("grad_cam", "features")),
        ("b", "Conv2D", (*FEATURES, 5), ("grad_cam", "cam", "features")),
        ("gap", "GlobalAveragePooling2D", (5,), ("cam",)),
        ("head", "Dense", (CLASSES,), ()),
    ]


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
    assert len(lines) == len(table) + 2
    start = lines[0].index("type")
    for row, line in zip(table, lines[2:], strict=True):
        assert line.startswith(row.path)
        assert line[start:].startswith(row.type)
    assert "4 × 3 × 5" in lines[2 + [row.path for row in table].index("backbone/b")]


def test_notebooks_show_a_table_in_which_names_cannot_become_markup():
    inputs = keras.Input(SHAPE)
    model = keras.Model(inputs, keras.layers.Conv2D(1, 1, name="a>b")(inputs))
    shown = layers(model)._repr_html_()
    assert "<td>a&gt;b</td><td>Conv2D</td><td>8 × 6 × 1</td>" in shown
    assert shown.count("<tr>") == len(layers(model)) + 1


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
