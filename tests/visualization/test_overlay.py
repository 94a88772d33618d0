import numpy as np
import pytest
from PIL import Image

from keras_see import overlay
from keras_see.visualization.colormaps import colored
from keras_see.visualization.overlay import heat, resized, resized_to, shares_of, upper_end

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
def test_where_nothing_speaks_for_the_target_the_picture_itself_is_shown(name, maps):
    images, expected = KINDS[name]
    np.testing.assert_array_equal(overlay(images, maps), expected)


def test_mean_subtracted_images_come_back_through_display():
    images = PICTURES[..., ::-1].astype("float32") - [104.0, 117.0, 123.0]

    def back(given):
        return np.add(given, [104.0, 117.0, 123.0])[..., ::-1]

    np.testing.assert_array_equal(overlay(images, np.zeros((2, 3, 2)), display=back), PICTURES)


@pytest.mark.parametrize("colors", ["turbo", "inferno", "gray"])
@pytest.mark.parametrize("alpha", [0.0, 0.3, 1.0])
def test_each_pixel_is_mixed_of_picture_and_colour_by_the_map_s_share(colors, alpha):
    maps = np.random.default_rng(2).random((2, 12, 8)) * 2.0  # as large as the pictures: nothing is resized
    share = (maps / 1.5).clip(0, 1)[..., None]
    opacity = alpha * np.minimum(1, 2 * share)
    expected = (1 - opacity) * PICTURES + opacity * colored(share[..., 0], colors)
    found = overlay(PICTURES, maps, alpha=alpha, colors=colors, scale=1.5)
    np.testing.assert_allclose(found, expected, atol=0.51)


def test_all_maps_share_one_range_unless_each_is_to_have_its_own():
    maps = np.stack([np.full((3, 2), 4.0), np.full((3, 2), 2.0)])
    full = np.full((1, 3, 2), 7.0)
    alone = overlay(PICTURES[1:], full)
    np.testing.assert_array_equal(overlay(PICTURES, maps, scale="image")[1:], alone)
    assert not np.array_equal(overlay(PICTURES, maps)[1:], alone)
    np.testing.assert_array_equal(overlay(PICTURES, maps)[1:], overlay(PICTURES[1:], full / 2, scale=7))


def test_the_upper_end_leaves_out_one_value_in_a_hundred():
    values = np.arange(1000.0).reshape(1, 20, 50)
    share_above = (values > upper_end(values, "all")).mean()
    assert abs(share_above - 0.01) < 0.001
    both = np.concatenate([values, -values, 3 * values])
    ends = upper_end(both, "image").ravel()
    np.testing.assert_allclose(ends, ends[0] * np.array([1, 0, 3]))


def test_one_place_that_is_all_there_is_can_be_seen():
    maps = np.zeros((1, 20, 20))
    maps[0, 4, 5] = 3.0
    drawn = overlay(np.zeros((1, 20, 20, 3), "uint8"), maps, alpha=1.0)
    assert drawn[0, 4, 5].max() > 0
    assert np.count_nonzero(drawn.max(axis=-1)) == 1


def test_infinite_and_missing_values_spoil_neither_range_nor_shares():
    maps = np.array([[[1.0, np.nan, -np.inf, 0.5]]])
    assert upper_end(maps, "all") == pytest.approx(1.0, rel=0.05)
    np.testing.assert_allclose(shares_of(maps, 1.0), [[[1.0, 0.0, 0.0, 0.5]]])
    assert (shares_of(maps, 0.0) == 0).all()


def test_enlarging_keeps_places_where_they_are():
    # A straight slope stays one under bicubic interpolation when centres are aligned, away from the border.
    columns = np.arange(10.0, dtype="float32")
    large = resized(np.tile(columns, (1, 6, 1)), (18, 30))
    expected = (np.arange(30) + 0.5) / 3 - 0.5
    np.testing.assert_allclose(large[0, 9, 8:22], expected[8:22], atol=1e-3)
    rows = resized(np.tile(columns[:, None], (1, 1, 6)), (30, 18))
    np.testing.assert_allclose(rows[0, 8:22, 9], expected[8:22], atol=1e-3)


def test_a_map_of_the_right_size_is_left_alone_and_a_constant_one_stays_constant():
    assert resized(MAPS, (3, 2)) is MAPS
    np.testing.assert_allclose(resized(np.full((2, 3, 2), 0.7, "float32"), (11, 5)), 0.7, rtol=1e-6)


def test_a_size_may_be_that_of_the_images():
    expected = [Image.fromarray(each).resize((8, 12), Image.Resampling.BICUBIC) for each in MAPS]
    np.testing.assert_array_equal(resized_to(MAPS, "images", PICTURES), np.stack(expected))
    np.testing.assert_array_equal(resized_to(MAPS, "images", [np.ones((2, 4)), PICTURES]), np.stack(expected))
    assert resized_to(MAPS, None, PICTURES) is MAPS


def test_heat_is_black_for_nothing_and_brightest_at_the_upper_end():
    found = heat(np.array([[[-1.0, 0.0], [2.0, 5.0]]]), 2.0, (2, 2), "gray")
    assert found[..., 0].tolist() == [[[0, 0], [255, 255]]]


REFUSED = {
    "too few maps": ({"maps": MAPS[:1]}, "one map for each of the 2 images. Got 1."),
    "maps with channels": ({"maps": MAPS[..., None]}, "`maps` must be numbers of shape (n, rows, columns)"),
    "alpha above one": ({"alpha": 1.5}, "`alpha` must be a number from 0 to 1. Got 1.5."),
    "an unknown scale": ({"scale": "run"}, '`scale` must be "all", "image" or a number above 0. Got \'run\'.'),
    "a scale of nothing": ({"scale": 0.0}, "Got 0.0."),
    "unknown colours": ({"colors": "jet"}, "`colors` must be one of"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_options_that_cannot_be_are_refused_with_what_there_is(name):
    options, words = REFUSED[name]
    with pytest.raises(ValueError, match="must") as caught:
        overlay(**({"images": PICTURES, "maps": MAPS} | options))
    assert words in str(caught.value)
