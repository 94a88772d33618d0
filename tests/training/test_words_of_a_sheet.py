"""What a sheet says of labels, predictions and explained outputs, after a real training: the words are written out
here, and the sheet in the folder must look like one that is made with them."""

import keras
import numpy as np
import pytest
from keras import layers
from PIL import Image

from keras_see import Watch, saliency_maps
from keras_see.visualization.captions import short_number
from keras_see.visualization.map_drawing import HEAT, draw_maps
from keras_see.visualization.sheets import Column, as_tiles, sheet_of

X = np.random.default_rng(5).random((8, 12, 12, 3)).astype("float32")
IMAGES, COUNT = X[:4], 4
NAMES, TWO = ["cat", "dog", "owl"], ["cat", "dog"]
LOGITS = keras.losses.BinaryCrossentropy(from_logits=True)


def model_of(units, activation, loss):
    steps = [layers.Conv2D(4, 3, activation="tanh"), layers.GlobalAveragePooling2D(), layers.Dense(units, activation)]
    model = keras.Sequential([keras.Input((12, 12, 3)), *steps])
    model.compile(keras.optimizers.SGD(1e-3), loss)
    return model


def outputs_after_fit(folder, model, y, labels, **options):
    """Train a model with `Watch`, and return its outputs for the sample images."""
    watch = Watch(folder, (IMAGES, labels), methods="saliency", scale=1.0, trackers=["folder"], **options)
    model.fit(X, y, verbose=0, callbacks=[watch])
    assert watch.failures == []
    return model.predict(IMAGES, verbose=0)


def assert_sheet(folder, model, targets, under_images, explained, note=None):
    """Compare the sheet with one that has these lines under the images, and under each map what is explained."""
    maps = saliency_maps(model, IMAGES, targets)
    lines = [[f"for {word}", f"peak {short_number(each.max())}"] for word, each in zip(explained, maps, strict=True)]
    pictures = as_tiles(np.rint(IMAGES * 255).astype("uint8"))
    heat = draw_maps(pictures, maps, 1.0, HEAT)
    footer = "; ".join(filter(None, ["epoch 1/1 (step 0)", "colours: a fixed range", note]))
    expected = sheet_of(pictures, [Column("Saliency", heat, lines, (HEAT, "1"))], under_images, footer=[footer])
    drawn = Image.open(folder / "pictures" / "see" / "saliency" / "00000.png")
    np.testing.assert_allclose(*(np.asarray(each.convert("RGB"), int) for each in (drawn, expected)), atol=8)


def percent(outputs, names):
    best = outputs.argmax(axis=1)
    return [(f"{100 * row[number]:.0f} % {names[number]}", number) for row, number in zip(outputs, best, strict=True)]


@pytest.mark.parametrize("targets", [None, "label"])
def test_labels_that_are_names_are_the_classes_of_these_names(tmp_path, targets):
    model, y = model_of(3, "softmax", "sparse_categorical_crossentropy"), np.arange(8) % 3
    labels = np.array(["cat", "dog", "owl", "cat"])
    outputs = outputs_after_fit(tmp_path, model, y, labels, class_names=NAMES, targets=targets)
    predicted = percent(outputs, NAMES)
    under = [[f"true: {NAMES[k]}", (text, best == k)] for k, (text, best) in zip([0, 1, 2, 0], predicted, strict=True)]
    assert_sheet(tmp_path, model, [0, 1, 2, 0], under, labels)


@pytest.mark.parametrize("targets", [None, "label"])
def test_all_true_classes_are_named_and_their_sum_is_explained(tmp_path, targets):
    model = model_of(3, "sigmoid", "binary_crossentropy")
    labels = np.array([[1, 1, 0], [0, 0, 1], [0, 0, 0], [1, 1, 1]])
    outputs = outputs_after_fit(tmp_path, model, np.tile(labels, (2, 1)), labels, class_names=NAMES, targets=targets)
    predicted, true = percent(outputs, NAMES), ["cat, dog", "owl", "none", "cat, dog, owl"]
    marked = [(text, bool(row[best])) for row, (text, best) in zip(labels, predicted, strict=True)]
    under = [[f"true: {names}", line] for names, line in zip(true, marked, strict=True)]
    under[2][1] = predicted[2][0]  # neither right nor wrong
    weights = labels + np.array([0, 0, 1, 0])[:, None] * np.eye(3)[outputs.argmax(axis=1)]
    explained = ["cat, dog", "owl", NAMES[outputs[2].argmax()], "cat, dog, owl"]
    assert_sheet(tmp_path, model, weights, under, explained)


@pytest.mark.parametrize("labels", [[0.5, 2.25, 0.0, 1.0], [0, 1, 2, 3], [0, 1, 1, 0]])
def test_a_regression_shows_values_and_never_a_class(tmp_path, labels):
    model, labels = model_of(1, None, "mse"), np.array(labels)
    outputs = outputs_after_fit(tmp_path, model, np.tile(labels, 2), labels)
    under = [
        [f"true {short_number(true)}", f"predicted {short_number(float(each))}"]
        for true, (each,) in zip(labels, outputs, strict=True)
    ]
    assert_sheet(tmp_path, model, 1, under, ["the output"] * COUNT)


def test_a_regression_of_several_values_explains_its_highest_output(tmp_path):
    model, labels = model_of(2, None, "mse"), np.array([[0.5, 3.0], [1.5, -2.0], [0.25, 0.75], [0.0, 0.125]])
    outputs = outputs_after_fit(tmp_path, model, np.tile(labels, (2, 1)), labels)
    shown = [", ".join(short_number(float(value)) for value in row) for row in outputs]
    true = ["0.5, 3", "1.5, -2", "0.25, 0.75", "0, 0.125"]
    under = [[f"true {values}", f"predicted {each}"] for values, each in zip(true, shown, strict=True)]
    best = outputs.argmax(axis=1)
    assert_sheet(tmp_path, model, best, under, [f"output {number}" for number in best])


@pytest.mark.parametrize(("loss", "names"), [("mse", TWO), (LOGITS, TWO), (LOGITS, None)])
def test_the_side_of_a_single_logit_is_its_sign(tmp_path, loss, names):
    model, labels = model_of(1, None, loss), np.array([0, 0, 1, 1])
    model.layers[-1].bias.assign([-np.median(model.predict(IMAGES, verbose=0))])  # so that both sides occur
    outputs = outputs_after_fit(tmp_path, model, np.tile(labels, 2), labels, class_names=names, targets="predicted")
    words, sides = names or ["class 0", "class 1"], (outputs[:, 0] > 0).astype(int)
    assert set(sides) == {0, 1}
    under = [
        [f"true: {words[true]}", (f"{short_number(float(each))} {words[side]}", bool(side == true))]
        for true, (each,), side in zip(labels, outputs, sides, strict=True)
    ]
    assert_sheet(tmp_path, model, sides, under, [words[side] for side in sides])


def test_labels_that_are_no_classes_of_the_model_are_left_out_with_a_note(tmp_path):
    model, labels = model_of(3, "softmax", "sparse_categorical_crossentropy"), np.array([0, 30, 1, 2])
    outputs = outputs_after_fit(tmp_path, model, np.arange(8) % 3, labels, class_names=NAMES)
    predicted = percent(outputs, NAMES)
    note = "labels left out: 30 is none of the model's classes, 0 to 2"
    explained = [NAMES[number] for _, number in predicted]
    assert_sheet(tmp_path, model, "predicted", [[text] for text, _ in predicted], explained, note)


@pytest.mark.parametrize(
    ("units", "labels", "words"),
    [
        (3, [0, 30, 1, 2], "30 is none of the model's classes, 0 to 2. Pass the classes of the images as `labels=`"),
        (1, [0, 1, 2, 3], "they are values, as of a regression. Leave `targets` out"),
        (3, None, "none came with the images. Pass the classes of the images as `labels=`"),
    ],
)
def test_labels_that_cannot_be_explained_are_refused_where_they_are_asked_for(tmp_path, units, labels, words):
    model, labels = model_of(units, None, "mse"), None if labels is None else np.array(labels)
    with pytest.raises(ValueError, match='`targets="label"` needs labels that are classes') as caught:
        outputs_after_fit(tmp_path, model, np.zeros((8, units)), labels, targets="label")
    assert words in str(caught.value)
    assert 'or `targets="predicted"`' in str(caught.value)
    outputs_after_fit(tmp_path, model, np.zeros((8, units)), labels, targets="predicted")
