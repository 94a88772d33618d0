import numpy as np
import pytest

from keras_see.deepdream.tiles import tile_count, tile_sides, tiles, wrap_padded

SIZES = [(7, 11), (64, 48), (1, 5), (33, 32)]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("corner", [(0, 0), (5, 3), (100, 1)])
@pytest.mark.parametrize("most", [4, 32, 500])
def test_every_pixel_is_the_own_pixel_of_exactly_one_tile(size, corner, most):
    seen = np.zeros(size, int)
    sides = tile_sides(size, (most, most))
    found = list(tiles(size, sides, corner))
    for tile in found:
        seen[tile.place] += 1
        assert tile.of(seen).shape == sides
    np.testing.assert_array_equal(seen, 1)
    assert len(found) == tile_count(size, sides)


def test_a_tiles_own_pixels_are_the_same_in_the_tile_and_in_the_picture():
    picture = np.arange(9 * 10).reshape(9, 10)
    for tile in tiles((9, 10), (4, 4), (3, 7)):
        np.testing.assert_array_equal(tile.of(picture)[tile.own], picture[tile.place])


def test_tiles_of_a_given_size_cover_a_picture_that_is_no_multiple_of_it():
    seen = np.zeros((10, 13), int)
    for tile in tiles((10, 13), (8, 8), (2, 2)):
        seen[tile.place] += 1
    np.testing.assert_array_equal(seen, 1)


def test_tiles_wrap_around_at_the_picture_borders():
    picture = np.arange(6 * 5).reshape(6, 5)
    first = next(tiles((6, 5), (3, 3), (4, 3)))
    np.testing.assert_array_equal(first.of(picture), np.roll(picture, (-4, -3), axis=(0, 1))[:3, :3])


def test_tiles_overlap_little():
    for size in [(1024, 768), (4000, 3000), (731, 549)]:
        sides = tile_sides(size, (512, 512))
        assert max(sides) <= 512
        assert tile_count(size, sides) * np.prod(sides) < 1.02 * np.prod(size)


def test_a_wrap_padded_picture_wraps_around_without_a_jump():
    picture = np.linspace(0, 1, 40)[:, None, None] + np.linspace(0, 2, 30)[None, :, None] * np.ones((1, 1, 2))
    found = wrap_padded(picture, (8, 10))
    assert found.shape == (48, 40, 2)
    np.testing.assert_array_equal(found[:40, :30], picture)
    for axis, most in ((0, 0.2), (1, 0.4)):
        assert np.abs(found - np.roll(found, 1, axis)).max() < most
    np.testing.assert_array_equal(wrap_padded(picture, (0, 0)), picture)
