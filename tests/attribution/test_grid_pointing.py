"""Grid pointing: 1 for a map that is right by construction, the share of the area for one that knows nothing."""

import keras
import numpy as np
import pytest
from keras import layers
from tiny_models import flat, photos

from keras_see import metrics

COLORS = np.eye(4, dtype="float32")


def color_model(size=None, pool=2):
    """A class for each channel: its logit is the mean of the channel, so that CAM is the channel itself."""
    parts = [layers.Conv2D(4, 1, use_bias=False), layers.AveragePooling2D(pool), layers.GlobalAveragePooling2D()]
    model = keras.Sequential([keras.Input((size, size, 4)), *parts, layers.Dense(4, use_bias=False)])
    model.set_weights([COLORS[None, None], COLORS])
    return model


def color_images(labels, side=8):
    return np.broadcast_to(COLORS[labels][:, None, None], (len(labels), side, side, 4)).copy()


@pytest.mark.parametrize("size", [None, 8])
def test_a_method_that_is_right_by_construction_scores_one(size):
    labels = [0, 1, 2, 3, 0, 2]
    found = metrics.grid_pointing(color_model(size), color_images(labels), labels, "cam")
    np.testing.assert_allclose(found, 1, rtol=1e-6)


def test_three_cells_a_side_need_nine_classes():
    with pytest.raises(ValueError, match=r"9 different classes at least.* Got 4"):
        metrics.grid_pointing(color_model(), color_images([0, 1, 2, 3]), [0, 1, 2, 3], "cam", cells=3)


def test_an_even_map_scores_the_share_of_the_area_and_an_empty_one_nothing():
    labels, seen = [0, 1, 2, 3], []

    def even(model, images, targets):
        seen.append((images.shape, list(targets)))
        maps = np.ones((len(images), 3, 5))  # its squares do not end where the cells do
        maps[1] = 0
        return maps

    found = metrics.grid_pointing(color_model(), color_images(labels), labels, even)
    np.testing.assert_allclose(found, [0.25, np.nan, 0.25, 0.25])
    assert seen == [((4, 16, 16, 4), labels)]


def test_a_mosaic_has_the_image_in_its_place_and_others_of_other_classes():
    labels, mosaics = np.array([0, 0, 1, 2, 3]), []

    def keep(model, images, targets):
        mosaics.extend(images)
        return np.ones(images.shape[:3])

    images = color_images(labels, side=2)
    metrics.grid_pointing(color_model(), images, labels, keep)
    for number, mosaic in enumerate(mosaics):
        cells = mosaic.reshape(2, 2, 2, 2, 4).swapaxes(1, 2).reshape(4, 2, 2, 4)
        np.testing.assert_array_equal(cells[number % 4], images[number])
        assert sorted(cells[:, 0, 0].argmax(axis=-1)) == [0, 1, 2, 3]


def test_cells_of_unequal_size_cover_a_mosaic_of_a_fixed_size():
    labels = [0, 1, 2, 3]
    found = metrics.grid_pointing(color_model(7, pool=1), color_images(labels, side=7), labels, "cam")
    np.testing.assert_allclose(found, 1, rtol=1e-6)


def test_images_of_too_few_classes_are_refused():
    with pytest.raises(ValueError, match="Got 3"):
        metrics.grid_pointing(flat(), photos(4), [0, 1, 2, 0], "saliency")
