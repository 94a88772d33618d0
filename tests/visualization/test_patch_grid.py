import numpy as np

from keras_see.visualization.patch_grid import AROUND, patch_grid


def test_patches_lie_two_by_two_in_their_own_proportions():
    patches = np.stack([np.full((4, 8, 3), 50 * number + 50, "uint8") for number in range(3)])
    picture = patch_grid(patches, (40, 40))
    assert picture.shape == (40, 40, 3)
    for number, (top, left) in enumerate([(6, 2), (6, 22), (26, 2)]):
        np.testing.assert_array_equal(picture[top : top + 8, left : left + 16], 50 * number + 50)
    assert (picture[20:, 20:] == AROUND).all()
    assert (picture[:, 19] == AROUND).all()


def test_large_patches_are_scaled_down_into_their_cell():
    picture = patch_grid(np.full((4, 90, 30, 3), 200, "uint8"), (64, 48))
    filled = (picture == 200).all(axis=-1)
    assert filled[:32, :24].sum() == 30 * 10
    assert filled.sum() == 4 * 300
