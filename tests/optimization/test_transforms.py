import numpy as np
import pytest
from keras import ops

from keras_see.model import backend
from keras_see.optimization.transforms import Transforms

STILL = np.array([[1, 0, 0], [0, 1, 0]], "float32")


def seen(images, matrix):
    return ops.convert_to_numpy(Transforms().view(ops.convert_to_tensor(images), matrix))


def ramp(height=9, width=7):
    """Return an image whose values are linear in the place: bilinear interpolation is exact on it."""
    rows, columns = np.mgrid[:height, :width].astype("float32")
    return np.stack([rows, columns, rows + 2 * columns], axis=-1)[None].repeat(2, 0)


def test_the_still_view_is_the_picture():
    np.testing.assert_allclose(seen(ramp(), STILL), ramp(), atol=5e-3)


def test_a_shifted_view_shows_the_neighbours():
    shifted = seen(ramp(), STILL + np.array([[0, 0, 1], [0, 0, -2]], "float32"))
    np.testing.assert_allclose(shifted[:, :-2, 2:], ramp()[:, 1:-1, :-2], atol=5e-3)


def test_a_quarter_turn_is_a_quarter_turn():
    turned = seen(ramp(9, 9), np.array([[0, 1, 0], [-1, 0, 0]], "float32"))
    np.testing.assert_allclose(turned, np.rot90(ramp(9, 9), 1, axes=(1, 2)), atol=2e-2)


def test_half_the_scale_shows_the_middle_at_twice_the_size():
    half = seen(ramp(), STILL / 2)
    rows, columns = np.mgrid[:9, :7]
    np.testing.assert_allclose(half[0, ..., 0], (rows - 4) / 2 + 4, atol=5e-3)
    np.testing.assert_allclose(half[0, ..., 1], (columns - 3) / 2 + 3, atol=5e-3)


def test_outside_lies_the_mirror_image():
    shifted = seen(ramp(), STILL + np.array([[0, 0, 3], [0, 0, 0]], "float32"))
    np.testing.assert_allclose(shifted[0, -3:, 0, 0], [7, 6, 5], atol=5e-3)


def test_the_gradient_is_the_adjoint_of_the_view():
    random = np.random.default_rng(0)
    matrix = Transforms().draw(0, 0, (9, 7))
    x, y = random.normal(size=(2, 2, 9, 7, 3)).astype("float32")

    def inner(points):
        return ops.sum(Transforms().view(points["x"], matrix) * ops.convert_to_tensor(y)), ()

    _, found = backend.compiled(lambda x: backend.gradients(inner, {"x": x}))(ops.convert_to_tensor(x))
    np.testing.assert_allclose(np.sum(ops.convert_to_numpy(found["x"]) * x), np.sum(seen(x, matrix) * y), rtol=1e-3)


def test_draws_follow_from_seed_and_step_alone_and_keep_their_bounds():
    transforms = Transforms(jitter=0.1, rotate=5, scale=(0.9, 1.1))
    draws = np.stack([transforms.draw(3, step, (100, 50)) for step in range(200)])
    np.testing.assert_array_equal(draws[7], transforms.draw(3, 7, (100, 50)))
    assert np.abs(draws[:, 0, 2]).max() <= 10
    assert np.abs(draws[:, 1, 2]).max() <= 5
    scales = np.hypot(draws[:, 0, 0], draws[:, 0, 1])
    assert 0.9 <= scales.min() < 0.92
    assert 1.08 < scales.max() <= 1.1
    angles = np.rad2deg(np.arctan2(draws[:, 0, 1], draws[:, 0, 0]))
    assert np.abs(angles).max() <= 5


@pytest.mark.parametrize(
    "wrong", [{"jitter": -1}, {"jitter": 2}, {"rotate": -3}, {"scale": (1.2, 0.8)}, {"scale": (0, 1)}]
)
def test_impossible_transforms_are_refused(wrong):
    with pytest.raises(ValueError, match="must"):
        Transforms(**wrong)
