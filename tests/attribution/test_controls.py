import numpy as np
import pytest

from keras_see import metrics
from keras_see.attribution.controls import mean_with_interval

MAPS = np.random.default_rng(0).random((4, 9, 7)).astype("float32")


def test_the_controls_are_a_centre_another_image_and_two_of_one_blur():
    found = metrics.controls(MAPS)
    assert list(found) == ["centre", "another image", "blurred", "noise"]
    assert all(each.shape == MAPS.shape for each in found.values())
    centre = found["centre"][0]
    assert np.unravel_index(centre.argmax(), centre.shape) == (4, 3)
    np.testing.assert_allclose(centre, centre[::-1, ::-1], rtol=1e-5)
    np.testing.assert_allclose(centre[4, 5] / centre[4, 3], np.exp(-0.5 * (2 / (0.25 * 7)) ** 2), rtol=1e-5)
    for each, other in zip(found["another image"], MAPS, strict=True):
        assert any(np.array_equal(each, one) for one in MAPS)
        assert not np.array_equal(each, other)
    np.testing.assert_allclose(found["blurred"].mean(axis=(1, 2)), MAPS.mean(axis=(1, 2)), rtol=1e-4)
    assert (found["blurred"].std(axis=(1, 2)) < 0.6 * MAPS.std(axis=(1, 2))).all()
    np.testing.assert_array_equal(found["noise"].min(axis=(1, 2)), 0)
    np.testing.assert_array_equal(metrics.controls(2 * MAPS)["noise"], found["noise"])


def test_a_single_map_has_no_other_image():
    assert list(metrics.controls(MAPS[:1])) == ["centre", "blurred", "noise"]


def test_a_comparison_has_the_mean_of_each_measure_for_the_maps_and_all_controls():
    boxes = [(0, 0, 3, 4)] * 4
    measures = {
        "energy": lambda maps: metrics.energy_inside(maps, boxes),
        "hits": lambda maps: metrics.pointing_hits(maps, boxes),
    }
    table = metrics.compare_with_controls(MAPS, measures, name="mine")
    assert list(table.rows) == ["mine", "centre", "another image", "blurred", "noise"]
    mean, low, high = table.rows["mine"]["energy"]
    assert mean == pytest.approx(metrics.energy_inside(MAPS, boxes).mean())
    assert low < mean < high
    assert table.rows["centre"]["hits"] == (0, 0, 0)
    lines = str(table).splitlines()
    assert lines[0].split() == ["maps", "energy", "hits"]
    assert lines[2].startswith("centre")
    assert "0.00 (0.00 to 0.00)" in lines[2]


def test_an_interval_leaves_nan_out_and_covers_the_mean_as_often_as_it_says():
    assert mean_with_interval([np.nan, 2.0, 2.0]) == (2, 2, 2)
    assert np.isnan(mean_with_interval([np.nan])).all()
    random = np.random.default_rng(5)
    covered = [low <= 0 <= high for _, low, high in (mean_with_interval(random.normal(size=40)) for _ in range(200))]
    assert 0.88 <= np.mean(covered) <= 0.98
