import numpy as np
import pytest

from keras_see import overlay
from keras_see.visualization.map_drawing import (
    HEAT,
    OVERLAY,
    MapStyle,
    color_bar,
    draw_maps,
    normalized,
    smoothed,
    upper_limit,
)
from keras_see.visualization.resizing import resized_maps


def heatmaps(maps, upper, size, colors="inferno"):
    return draw_maps(np.zeros((len(maps), *size, 3), "uint8"), maps, upper, MapStyle(colors, over_picture=False))


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


def drawn_by_hand(picture, values, alpha):
    """Return one picture with a map over it, pixel by pixel; its values are shares of the range."""
    effect, drawn = min(values.max() / 0.1, 1.0), np.zeros(picture.shape)
    for place in np.ndindex(values.shape):
        red, green, blue = picture[place].astype(float)
        grey = 0.299 * red + 0.587 * green + 0.114 * blue
        under = picture[place] + effect * (0.45 * grey - picture[place])
        share = min(values[place] / 0.2, 1.0)
        at = 0.9 * values[place] ** 0.7
        color = [np.interp(at, np.linspace(0, 1, 17), channel) for channel in np.array(TURBO).T]
        darkest = 0.25 + 0.5 * values[place] ** 4
        color = np.array(color) * (darkest + (1 - darkest) * (grey / 255) ** 1.4)
        drawn[place] = under + alpha * (3 * share**2 - 2 * share**3) * (color - under)
    return drawn


@pytest.mark.parametrize("alpha", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("peak", [0.03, 0.5, 1.0])
def test_each_pixel_is_mixed_of_grey_picture_and_colour_by_the_value_of_the_map(alpha, peak):
    values = np.random.default_rng(2).random((2, 12, 8)) * peak  # as large as the pictures: nothing is resized
    expected = [drawn_by_hand(picture, each, alpha) for picture, each in zip(PICTURES, values, strict=True)]
    found = overlay(PICTURES, values * 24, alpha=alpha, scale=24)
    np.testing.assert_allclose(found, expected, atol=0.8)


def test_values_above_the_range_have_the_strongest_colour():
    white = np.full((1, 1, 2, 3), 255, "uint8")
    found = overlay(white, [[[1.0, 70.0]]], alpha=1.0, scale=1.0)
    assert found[0, 0].tolist() == [[192, 37, 3], [192, 37, 3]]


@pytest.mark.parametrize("brightness", [0, 20, 60])
def test_on_a_dark_picture_higher_values_are_easier_to_see(brightness):
    picture, values = np.full((1, 1, 41, 3), brightness, "uint8"), np.linspace(0, 1, 41)[None, None]
    drawn = overlay(picture, values, scale=1.0)[0, 0].astype(float)
    change = np.linalg.norm(drawn - drawn[0], axis=-1)
    assert np.diff(change).min() > -3  # the hues differ a little in it
    assert np.diff(change[::8]).min() > 0
    assert drawn[-1].max() > 2 * drawn[8].max() - brightness


def photographs():
    from sklearn.datasets import load_sample_images

    return np.stack([image[100:324, 200:424] for image in load_sample_images().images])


@pytest.mark.parametrize("peak", [0.1, 0.2, 0.5, 1.0])
@pytest.mark.parametrize("place", [(2, 2), (4, 5)])
def test_weak_and_strong_maps_can_be_seen_on_photographs_which_can_still_be_recognised(peak, place):
    rows, columns = np.mgrid[:7, :7]
    spot = peak * np.exp(-((rows - place[0]) ** 2 + (columns - place[1]) ** 2) / 4)[None].repeat(2, axis=0)
    photos = photographs()
    found, values = overlay(photos, spot, scale=1.0).astype(float), resized_maps(spot.astype("float32"), (224, 224))
    for photo, drawn, value in zip(photos.astype(float), found, values, strict=True):
        change = np.abs(drawn - photo).mean(axis=-1)
        assert change[value >= np.quantile(value, 0.9)].mean() >= 30
        brightness = np.array([0.299, 0.587, 0.114])
        assert np.corrcoef((photo @ brightness).ravel(), (drawn @ brightness).ravel())[0, 1] >= 0.6


def test_saliency_is_drawn_smoothed_on_black_where_the_method_is_named():
    maps = np.random.default_rng(5).random((2, 64, 48), "float32")
    found = overlay(np.zeros((2, 64, 48, 3), "uint8"), maps, method="saliency")
    smooth = smoothed(maps, HEAT)
    limit = upper_limit(smooth, "all")
    np.testing.assert_array_equal(found, draw_maps(np.zeros((2, 64, 48, 3), "uint8"), smooth, limit, HEAT))
    with pytest.raises(ValueError, match="saliency"):
        overlay(PICTURES, MAPS, method="salency")


def test_smoothing_is_a_gaussian_that_keeps_the_sum():
    spot = np.zeros((1, 101, 101), "float32")
    spot[0, 50, 50] = 1.0
    found = smoothed(spot, MapStyle("gray", smoothing=0.02))
    distance = np.arange(101) - 50
    weights = np.exp(-0.5 * (distance / 2.02) ** 2)
    np.testing.assert_allclose(found[0], np.outer(weights, weights) / weights.sum() ** 2, atol=1e-3)
    assert found.sum() == pytest.approx(1.0, rel=1e-3)


def test_a_bar_shows_what_each_value_looks_like_over_grey():
    grey = np.full((1, 1, 101, 3), 128, "uint8")
    values = np.linspace(0, 1, 101)[None, None]
    np.testing.assert_array_equal(color_bar(OVERLAY, 101, 1), overlay(grey, values, scale=1.0)[0])


def test_values_far_above_the_range_do_not_spread_when_the_map_is_enlarged():
    spot = np.zeros((1, 4, 4))
    spot[0, 1, 1] = 1.0
    picture = np.full((1, 16, 16, 3), 90, "uint8")
    np.testing.assert_array_equal(overlay(picture, 50 * spot, scale=1.0), overlay(picture, spot, scale=1.0))


def test_other_colour_maps_are_chosen_by_name():
    white = np.full((2, 12, 8, 3), 255, "uint8")
    ends = [overlay(white, np.ones((2, 12, 8)), alpha=1.0, colors=name) for name in ("viridis", "gray")]
    assert np.unique(ends[0].reshape(-1, 3), axis=0).tolist() == [[253, 231, 37]]
    assert (ends[1] == 255).all()


def test_where_enlarging_overshoots_below_zero_no_colour_shows():
    step = np.zeros((1, 4, 4))
    step[:, :, 2:] = 1.0  # bicubic interpolation undershoots beside a step, as far as four of these pixels
    picture = np.full((1, 16, 16, 3), 90, "uint8")
    found = overlay(picture, step, scale=1.0)
    assert (np.abs(found[:, :, :6] - 0.45 * 90) <= 0.51).all()
    assert (found[:, :, 10:] != 90).any(axis=-1).all()
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
    found = draw_maps(pictures, maps, upper_limit(maps, "image"), MapStyle("gray"), 1.0)
    assert [np.unique(each).tolist() for each in found] == [[191], [191], [0]]


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
