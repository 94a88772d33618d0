"""Raw maps and pictures: what is written is read back, as exactly as the header says."""

import json
import struct

import numpy as np
import pytest

import keras_see
from keras_see.runs.map_encoding import decoded, encoded, encoded_pictures, header_of
from keras_see.runs.records import Maps, Tiles
from keras_see.runs.tensorboard import TensorBoard

RNG = np.random.default_rng(3)


def reduced_by_two(maps):
    """Means of blocks of two by two, in a loop: what a map of 192 values a side is kept as."""
    result = np.zeros((len(maps), maps.shape[1] // 2, maps.shape[2] // 2))
    for number, row, column in np.ndindex(result.shape):
        result[number, row, column] = maps[number, 2 * row : 2 * row + 2, 2 * column : 2 * column + 2].mean()
    return result


@pytest.mark.parametrize("scale", [1e-9, 1.0, 3e7])
def test_coarse_maps_come_back_to_half_precision_whatever_their_size(scale):
    maps = (scale * RNG.normal(size=(3, 64, 14))).astype("float32")
    found = decoded(encoded(Maps(maps, {"method": "cam"})))
    peaks = np.abs(maps).max(axis=(1, 2), keepdims=True)
    assert found.dtype == np.float32
    assert found.about["error"] == 2**-12
    assert (np.abs(found - maps) <= 1.01 * found.about["error"] * peaks).all()
    assert found.about["method"] == "cam"


@pytest.mark.parametrize("is_signed", [False, True])
def test_fine_maps_come_back_as_means_within_the_error_that_they_tell(is_signed):
    maps = RNG.normal(size=(2, 192, 160)).astype("float32") ** (3 if is_signed else 2)
    found = decoded(encoded(Maps(maps, {})))
    expected = reduced_by_two(maps)
    assert found.shape == (2, 96, 80)
    assert found.about["size"] == [192, 160]
    errors = np.abs(found - expected) / np.abs(expected).max(axis=(1, 2), keepdims=True)
    assert errors.max() <= 1.01 * found.about["error"] < 0.01
    assert errors.max() > found.about["error"] / 4  # what is told is no guess from far above


@pytest.mark.parametrize("side", [8, 96])
def test_maps_with_holes_keep_their_holes_and_the_rest(side):
    maps = np.ones((2, side, side), "float32")
    maps[0, 1, 2], maps[1] = np.nan, 0
    found = decoded(encoded(Maps(maps, {"peak": float("nan"), "half": "\ud800"})))
    assert np.isnan(found[0, 1, 2])
    assert np.isnan(found).sum() == 1
    np.testing.assert_allclose(np.nan_to_num(np.asarray(found[0]), nan=1.0), 1, rtol=0.01)
    assert not np.asarray(found[1]).any()
    assert found.about["peak"] is None
    assert found.about["half"] == "?"


def test_pictures_come_back_small_ones_exactly_and_large_ones_smaller():
    small, large = RNG.integers(0, 255, (8, 6, 3), "uint8"), np.full((300, 1024, 3), 120, "uint8")
    tiles = decoded(encoded(Tiles(encoded_pictures([small, large]), {"fingerprint": 5})))
    np.testing.assert_array_equal(tiles[0], small)
    assert tiles[1].shape == (150, 512, 3)
    assert np.abs(tiles[1].astype(int) - 120).max() <= 3
    assert tiles.about == {"fingerprint": 5}


def test_a_newer_format_and_other_bytes_are_refused():
    data = encoded(Maps(np.ones((1, 2, 2)), {}))
    text = json.dumps(header_of(data) | {"version": 99}).encode()
    with pytest.raises(ValueError, match=r"Got 99\. Install a newer keras_see"):
        header_of(data[:4] + struct.pack("<I", len(text)) + text)
    with pytest.raises(ValueError, match="do not begin as one"):
        header_of(b"\xff\xd8\xff something")


def test_the_event_file_gives_the_maps_back(tmp_path):
    maps = RNG.random((2, 7, 7), "float32")
    TensorBoard(tmp_path).write(4, {"see/cam/maps": Maps(maps, {"when": "epoch 5/9"})})
    ((step, found),) = keras_see.read(tmp_path)["see/cam/maps"]
    assert step == 4
    np.testing.assert_allclose(found, maps, atol=2**-12)
    assert found.about["when"] == "epoch 5/9"
