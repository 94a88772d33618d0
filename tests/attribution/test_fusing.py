import numpy as np
import pytest
from PIL import Image
from tiny_models import flat, photos

from keras_see import fused_maps, maps


def enlarged(plane, size):
    return np.asarray(Image.fromarray(plane.astype("float32")).resize(size[::-1], Image.Resampling.BICUBIC))


@pytest.mark.parametrize(("how", "of"), [("mean", lambda a, b: (a + b) / 2), ("maximum", np.maximum)])
def test_maps_of_two_layers_count_alike_in_the_size_of_the_larger(how, of):
    found = maps(flat(), photos(2), 2, {"layer_cam": {"layer": ["a", "b"]}})
    fine, coarse = found["layer_cam@a"], found["layer_cam@b"]
    assert min(fine.max(axis=(1, 2)).min(), coarse.max(axis=(1, 2)).min()) > 0
    assert fine.shape[1:] == (8, 6) != coarse.shape[1:]
    expected = [
        of(large / large.max(), enlarged(small / small.max(), (8, 6)).clip(0, 1))
        for large, small in zip(fine, coarse, strict=True)
    ]
    np.testing.assert_allclose(fused_maps([coarse, 100 * fine], how=how), expected, atol=1e-6)
    np.testing.assert_allclose(fused_maps({"a": fine, "b": coarse}, how=how), expected, atol=1e-6)


def test_an_empty_map_counts_as_zeros_and_another_size_may_be_asked_for():
    full = np.ones((1, 2, 2))
    np.testing.assert_array_equal(fused_maps([full, 0 * full - 1]), 0.5 * full)
    assert fused_maps([full, full], size=(6, 4)).shape == (1, 6, 4)
