"""What a run keeps beside its sheets: the maps themselves, captions as data, and the images unless they are hidden."""

import keras
import numpy as np
import pytest
from tiny_models import flat, outputs_of, photos

import keras_see

X, Y = photos(4), np.array([0, 1, 2, 0])
NAMES = ["rose", "tulip", "daisy"]


def trained(folder, **options):
    """Return a model whose weights stay as they are, and what its training left behind."""
    model = flat()
    model.compile(keras.optimizers.SGD(0.0), "sparse_categorical_crossentropy")
    watch = keras_see.Watch(folder, (X[:2], Y[:2]), methods=["grad_cam", "saliency"], class_names=NAMES, **options)
    model.fit(X, Y, epochs=1, verbose=0, callbacks=[watch])
    assert watch.failures == []
    return model, keras_see.read(folder)


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    return trained(tmp_path_factory.mktemp("plain"))


def test_the_maps_that_are_kept_are_those_of_the_functions(plain):
    model, log = plain
    expected = keras_see.maps(model, X[:2], Y[:2], methods=["grad_cam", "saliency"])
    for word in ("grad_cam", "saliency"):
        maps = expected[word]
        assert [step for step, _ in log[f"see/{word}/maps"]] == [-1, 0]
        kept = log[f"see/{word}/maps"][-1][1]
        np.testing.assert_allclose(kept, maps, atol=2e-3 * np.abs(maps).max())
        peaks = [each["peak"] for each in kept.about["images"]]
        np.testing.assert_allclose(peaks, maps.max(axis=(1, 2)), rtol=1e-4)
    assert [log[f"see/{word}/maps"][0][1].about["order"] for word in ("grad_cam", "saliency")] == [0, 1]


def test_what_is_true_and_predicted_is_kept_as_data(plain):
    model, log = plain
    about = log["see/grad_cam/maps"][-1][1].about
    assert (log["see/grad_cam/maps"][0][1].about["when"], about["when"]) == ("before training", "epoch 1/1")
    for row, each in zip(outputs_of(model, X[:2]), about["images"], strict=True):
        assert each["predicted"] == NAMES[row.argmax()]
        assert each["probability"] == pytest.approx(row.max(), rel=1e-3)
    assert [each["true"] for each in about["images"]] == NAMES[:2]
    assert [each["right"] for each in about["images"]] == [
        each["true"] == each["predicted"] for each in about["images"]
    ]


def test_the_images_are_kept_once_and_the_overview_is_the_only_sheet(plain):
    _, log = plain
    (tag,) = [tag for tag in log if "sample_images" in tag]
    ((step, images),) = log[tag]
    assert step == -1
    np.testing.assert_allclose(images[1], np.rint(X[1] * 255), atol=1)
    assert {tag for tag in log if tag.count("/") == 1} == {"see/overview"}


def test_hidden_images_are_neither_stored_nor_drawn_and_sheets_can_be_left_out(tmp_path):
    _, log = trained(tmp_path / "hidden", show_images=False)
    assert not [tag for tag in log if "sample_images" in tag]
    sheet = log["see/overview"][-1][1]
    others = trained(tmp_path / "shown", sheets=None)[1]
    assert "see/overview" not in others
    np.testing.assert_array_equal(others["see/saliency/maps"][-1][1], log["see/saliency/maps"][-1][1])
    tile = sheet[60:110, 15:60].astype(int)
    assert np.abs(tile - 128).max() <= 8  # plain grey in place of the first image, as JPEG
