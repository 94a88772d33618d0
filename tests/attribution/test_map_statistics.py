"""Rank correlation and entropy against plain definitions, boxes and segments on hand-made maps."""

import numpy as np
import pytest

from keras_see import metrics


def ranks_by_counting(values):
    values = values.ravel()
    return np.array([np.sum(values < each) + (np.sum(values == each) - 1) / 2 for each in values])


def test_stability_is_the_correlation_of_ranks_with_ties_sharing_theirs():
    random = np.random.default_rng(0)
    maps, others = random.integers(0, 4, (3, 5, 4)), random.normal(size=(3, 5, 4))
    expected = [
        np.corrcoef(ranks_by_counting(one), ranks_by_counting(other))[0, 1]
        for one, other in zip(maps, others, strict=True)
    ]
    np.testing.assert_allclose(metrics.stability(maps, others), expected)


def test_stability_does_not_depend_on_the_unit_and_is_nan_for_a_map_of_one_value():
    maps = np.random.default_rng(1).normal(size=(2, 6, 6))
    np.testing.assert_allclose(metrics.stability(maps, np.exp(3 * maps)), [1, 1])
    np.testing.assert_allclose(metrics.stability(maps, -maps), [-1, -1])
    assert np.isnan(metrics.stability(maps, np.ones((2, 6, 6)))).all()


def test_entropy_is_that_of_the_shares_of_the_positive_part():
    maps = np.array(
        [[[1.0, 1, 2], [-7, 0, 0]], [[1, 1, 1], [1, 1, 1]], [[0, 0, 5], [0, 0, 0]], [[-1, 0, 0], [0, 0, 0]]]
    )
    shares = np.array([1 / 4, 1 / 4, 1 / 2])
    expected = [-(shares * np.log(shares)).sum() / np.log(6), 1, 0, np.nan]
    np.testing.assert_allclose(metrics.entropy(maps), expected, atol=1e-12)


def test_the_box_is_that_of_the_largest_connected_part_above_a_share_of_the_peak():
    maps = np.zeros((1, 8, 8))
    maps[0, 0, 0] = 1.0  # the peak, alone
    maps[0, 3:7, 2:4] = 0.16
    maps[0, 6, 4:6] = 0.16  # an L: one part
    maps[0, 7, 6] = 0.16  # touches it at a corner only
    maps[0, 2, 2:4] = 0.14  # below 15 % of the peak
    assert metrics.box_iou(maps, [(2, 3, 6, 7)]) == 1
    assert metrics.box_iou(maps, [(2, 3, 6, 5)]) == 0.5
    assert metrics.box_iou(maps, [(2, 2, 4, 7)], share=0.14)[0] == pytest.approx(10 / 20)
    assert metrics.box_iou(maps, [[(0, 0, 1, 1), (2, 3, 6, 7)]]) == 1
    assert np.isnan(metrics.box_iou(-maps, [(0, 0, 8, 8)])[0])


def test_parts_that_join_further_down_are_one():
    maps = np.zeros((1, 4, 5))
    maps[0, :3, 0], maps[0, :3, 4], maps[0, 3] = 1, 1, 1  # a U
    assert metrics.box_iou(maps, [(0, 0, 5, 4)]) == 1


def test_the_box_of_a_mask_is_the_one_around_it():
    maps, masks = np.zeros((1, 6, 6)), np.zeros((1, 6, 6), bool)
    maps[0, 1:4, 2:5], masks[0, [1, 3], [2, 4]] = 3, True
    assert metrics.box_iou(maps, masks) == 1


def test_masks_of_another_size_than_the_images_are_refused():
    with pytest.raises(ValueError, match=r"size of the images, \(9, 9\)"):
        metrics.energy_inside(np.ones((1, 3, 3)), np.ones((1, 6, 6), bool), size=(9, 9))
