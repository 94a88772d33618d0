import numpy as np
import pytest

from keras_see import overlay
from keras_see.visualization.overlay import heatmaps, normalized, overlaid, upper_limit

PICTURES = np.random.default_rng(0).integers(0, 256, (2, 12, 8, 3)).astype("uint8")
PICTURES[0, 0, 0], PICTURES[0, 0, 1] = 0, 255
MAPS = np.random.default_rng(1).random((2, 3, 2), "float32")

KINDS = {
    "uint8": (PICTURES, PICTURES),
    "floats 0–1": (PICTURES / 255.0, PICTURES),
    "floats 0–255": (PICTURES.astype("float32"), PICTURES),
    "floats −1–1": (PICTURES / 127.5 - 1, PICTURES),
    "grey": (PICTURES[..., :1], PICTURES[..., [0, 0, 0]]),
    "with alpha": (np.concatenate([PICTURES, PICTURES[..., :1]], axis=-1), PICTURES),
}


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("maps", [np.zeros((2, 3, 2)), -MAPS, np.full((2, 3, 2), np.nan)])
def test_without_positive_values_the_picture_itself_is_shown(name, maps):
    images, expected = KINDS[name]
    np.testing.assert_array_equal(overlay(images, maps), expected)


def test_mean_subtracted_images_come_back_through_display():
    images = PICTURES[..., ::-1].astype("float32") - [104.0, 117.0, 123.0]

    def back(given):
        return np.add(given, [104.0, 117.0, 123.0])[..., ::-1]

    np.testing.assert_array_equal(overlay(images, np.zeros((2, 3, 2)), display=back), PICTURES)


# Red, green and blue at 0, 1/16, ..., 1; test_colormaps.py compares them with what the authors of turbo published.
TURBO = [
    *[(48, 18, 59), (64, 64, 162), (70, 107, 227), (66, 148, 255), (40, 188, 235), (24, 221, 194), (50, 242, 152)],
    *[(109, 254, 98), (164, 252, 60), (205, 236, 52), (238, 207, 58), (253, 172, 52), (251, 126, 33), (235, 80, 14)],
    *[(208, 47, 5), (169, 22, 1), (122, 4, 3)],
]


@pytest.mark.parametrize("alpha", [0.0, 0.3, 1.0])
def test_each_pixel_is_mixed_of_picture_and_colour_by_the_value_of_the_map(alpha):
    values = np.random.default_rng(2).integers(0, 17, (2, 12, 8))  # as large as the pictures: nothing is resized
    opacity = alpha * np.minimum(1, values / 8)[..., None]
    expected = (1 - opacity) * PICTURES + opacity * np.array(TURBO)[values]
    found = overlay(PICTURES, values * 1.5, alpha=alpha, scale=24)
    np.testing.assert_allclose(found, expected, atol=0.51)


def test_values_above_the_range_have_the_strongest_colour():
    found = overlay(np.zeros((1, 1, 2, 3), "uint8"), [[[1.0, 70.0]]], alpha=1.0, scale=1.0)
    assert found[0, 0].tolist() == [[122, 4, 3], [122, 4, 3]]


def test_values_far_above_the_range_do_not_spread_when_the_map_is_enlarged():
    spot = np.zeros((1, 4, 4))
    spot[0, 1, 1] = 1.0
    picture = np.full((1, 16, 16, 3), 90, "uint8")
    np.testing.assert_array_equal(overlay(picture, 50 * spot, scale=1.0), overlay(picture, spot, scale=1.0))


def test_other_colour_maps_are_chosen_by_name():
    ends = [overlay(PICTURES, np.ones((2, 12, 8)), alpha=1.0, colors=name) for name in ("viridis", "gray")]
    assert np.unique(ends[0].reshape(-1, 3), axis=0).tolist() == [[253, 231, 37]]
    assert (ends[1] == 255).all()


def test_where_enlarging_overshoots_below_zero_the_picture_shows():
    step = np.zeros((1, 4, 4))
    step[:, :, 2:] = 1.0  # bicubic interpolation undershoots beside a step, as far as four of these pixels
    picture = np.full((1, 16, 16, 3), 90, "uint8")
    found = overlay(picture, step, scale=1.0)
    np.testing.assert_array_equal(found[:, :, :6], picture[:, :, :6])
    assert (found[:, :, 10:] != 90).all()
    dark = heatmaps(step, 1.0, (10, 10), "gray")
    assert dark[0, :, :3].max() == 0
    assert dark[0, :, 7:].min() == 255


def test_all_maps_have_one_range_unless_each_has_its_own():
    maps = np.stack([np.full((3, 2), 4.0), np.full((3, 2), 2.0)])
    full = np.full((1, 3, 2), 7.0)
    alone = overlay(PICTURES[1:], full)
    np.testing.assert_array_equal(overlay(PICTURES, maps, scale="image")[1:], alone)
    assert not np.array_equal(overlay(PICTURES, maps)[1:], alone)
    np.testing.assert_array_equal(overlay(PICTURES, maps)[1:], overlay(PICTURES[1:], full / 2, scale=7))


def test_one_value_in_a_hundred_is_above_the_upper_limit():
    values = np.arange(1000.0).reshape(1, 20, 50)
    share_above = (values > upper_limit(values, "all")).mean()
    assert abs(share_above - 0.01) < 0.001
    both = np.concatenate([values, -values, 3 * values])
    ends = upper_limit(both, "image").ravel()
    np.testing.assert_allclose(ends, ends[0] * np.array([1, 0, 3]))


def test_negative_values_do_not_lower_the_upper_limit():
    values = np.full((1, 10, 10), -5.0)
    values[0, 0, 0] = 1000.0  # the percentile lies between this and the next highest value
    assert upper_limit(values, "all") == upper_limit(values.clip(0), "all")
    assert upper_limit(-np.ones((1, 3, 3)), "all") == 0


def test_a_single_positive_value_can_be_seen():
    maps = np.zeros((1, 20, 20))
    maps[0, 4, 5] = 3.0
    drawn = overlay(np.zeros((1, 20, 20, 3), "uint8"), maps, alpha=1.0)
    assert drawn[0, 4, 5].max() > 0
    assert np.count_nonzero(drawn.max(axis=-1)) == 1


def test_infinite_and_missing_values_spoil_neither_range_nor_values():
    maps = np.array([[[1.0, np.nan, -np.inf, 0.5]]])
    assert upper_limit(maps, "all") == pytest.approx(1.0, rel=0.05)
    np.testing.assert_allclose(normalized(maps, 1.0), [[[1.0, 0.0, 0.0, 0.5]]])
    np.testing.assert_allclose(normalized([[[np.inf, 0.2, -0.5]]], 0.5), [[[1.0, 0.4, 0.0]]], rtol=1e-6)
    assert (normalized(maps, 0.0) == 0).all()


def test_heatmaps_are_black_at_zero_and_brightest_at_the_upper_limit():
    found = heatmaps(np.array([[[-1.0, 0.0], [2.0, 5.0]]]), 2.0, (2, 2), "gray")
    assert found[..., 0].tolist() == [[[0, 0], [255, 255]]]


def test_heatmaps_have_red_first():
    found = heatmaps(np.array([[[0.0, 1.0]]]), 1.0, (1, 2), "viridis")
    assert found.tolist() == [[[[68, 1, 84], [253, 231, 37]]]]


def test_heatmaps_of_a_whole_factor_show_their_own_pixels():
    maps = np.array([[[0.0, 0.5], [1.0, 0.25]]])
    found = heatmaps(maps, 1.0, (6, 8), "gray")
    np.testing.assert_allclose(found[..., 0], 255 * maps.repeat(3, axis=1).repeat(4, axis=2), atol=0.51)


def test_each_map_may_have_its_own_upper_limit():
    maps = np.stack([np.full((12, 8), 4.0), np.full((12, 8), 2.0), np.zeros((12, 8))])
    pictures = np.zeros((3, 12, 8, 3), "uint8")
    found = overlaid(pictures, maps, upper_limit(maps, "image"), "gray", 1.0)
    assert [np.unique(each).tolist() for each in found] == [[255], [255], [0]]


REFUSED = {
    "too few maps": ({"maps": MAPS[:1]}, "one map for each of the 2 images. Got 1."),
    "maps with channels": ({"maps": MAPS[..., None]}, "`maps` must be numbers of shape (n, rows, columns)"),
    "alpha above one": ({"alpha": 1.5}, "`alpha` must be a number from 0 to 1. Got 1.5."),
    "an unknown scale": ({"scale": "run"}, '`scale` must be "all", "image" or a number above 0. Got \'run\'.'),
    "a scale of nothing": ({"scale": 0.0}, "Got 0.0."),
    "unknown colours": ({"colors": "jet"}, "`colors` must be one of"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_invalid_options_are_refused_with_the_valid_ones(name):
    options, words = REFUSED[name]
    with pytest.raises(ValueError, match="must") as caught:
        overlay(**({"images": PICTURES, "maps": MAPS} | options))
    assert words in str(caught.value)
