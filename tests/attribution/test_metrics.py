import numpy as np
import pytest

from keras_see import metrics


def test_the_energy_of_an_even_map_is_the_share_of_the_area():
    regions = [(0, 0, 8, 4), (2, 2, 4, 4), [(0, 0, 4, 8), (2, 0, 6, 8)]]
    np.testing.assert_allclose(metrics.energy_inside(np.ones((3, 8, 8)), regions), [0.5, 4 / 64, 0.75])


def test_negative_values_are_no_energy_and_an_empty_map_is_nan():
    maps = np.zeros((2, 4, 4))
    maps[0, :2], maps[0, 2:], maps[1] = 1, -5, -1
    inside = metrics.energy_inside(maps, [(0, 0, 4, 2), (0, 0, 4, 2)])
    assert inside[0] == 1
    assert np.isnan(inside[1])
    assert np.isnan(metrics.pointing_hits(maps, [(0, 0, 4, 2), (0, 0, 4, 2)])[1])


def test_boxes_are_x_before_y_and_half_open():
    maps = np.zeros((1, 4, 6))
    maps[0, 1, 4] = 1  # row 1, column 4
    assert metrics.energy_inside(maps, [(4, 1, 5, 2)]) == 1
    assert metrics.energy_inside(maps, [(1, 4, 2, 5)], size=(6, 6)) < 0.5
    assert metrics.pointing_hits(maps, [(4, 1, 5, 2)]) == 1
    assert metrics.pointing_hits(maps, [(3, 1, 4, 2)]) == 0


def test_masks_and_boxes_that_mean_the_same_give_the_same():
    maps = np.random.default_rng(0).normal(size=(3, 5, 7))
    masks = np.zeros((3, 20, 28), bool)
    masks[:, 4:12, 6:20] = True
    boxes = [(6, 4, 20, 12)] * 3
    for metric in (metrics.energy_inside, metrics.pointing_hits):
        np.testing.assert_array_equal(metric(maps, masks), metric(maps, boxes, size=(20, 28)))


def test_a_coarse_map_points_where_its_place_lies_in_the_image():
    maps = np.zeros((1, 7, 7))
    maps[0, 6, 0] = 1
    assert metrics.pointing_hits(maps, [(0, 192, 32, 224)], size=(224, 224)) == 1
    assert metrics.pointing_hits(maps, [(32, 0, 224, 192)], size=(224, 224)) == 0


@pytest.mark.parametrize(
    ("maps", "regions", "message"),
    [
        (np.ones((2, 4, 4)), [(0, 0, 1, 1)], "one entry per image"),
        (np.ones((4, 4)), [(0, 0, 1, 1)] * 4, r"shape \(n, rows, columns\)"),
        (np.ones((1, 4, 4)), [(9, 9, 12, 12)], r"none of their pixels for the images with index \[0\]"),
        (np.ones((1, 4, 4)), [(3, 0, 1, 4)], r"\(x0, y0, x1, y1\)"),
    ],
)
def test_what_does_not_fit_is_refused(maps, regions, message):
    with pytest.raises(ValueError, match=message):
        metrics.energy_inside(maps, regions)
