import logging

import keras
import numpy as np
import pytest
from keras import layers, ops

from keras_see.deepdream.deep_dream import dream, dream_octaves, dreamt, image_array_for, octave_runner
from keras_see.deepdream.options import DreamOptions

BACKEND = keras.backend.backend()
SIZE = (40, 56)


def model(channels=3, size=(None, None), stride=2):
    inputs = keras.Input((*size, channels))
    x = layers.Conv2D(6, 3, padding="same", activation="relu", name="first")(inputs)
    x = layers.Conv2D(8, 3, strides=stride, padding="same", activation="relu", name="second")(x)
    x = layers.Conv2D(8, 3, padding="same", name="third")(x)
    made = keras.Model(inputs, layers.Dense(3)(layers.GlobalAveragePooling2D()(x)))
    random = np.random.default_rng(1)
    made.set_weights([random.normal(0, 0.3, weight.shape) for weight in made.get_weights()])
    return made


def photo(channels=3, size=SIZE, dtype="float32"):
    rows, columns = np.mgrid[: size[0], : size[1]] / max(size)
    waves = [0.5 + 0.3 * np.sin(7 * rows + number) * np.cos(9 * columns - number) for number in range(channels)]
    image = np.stack(waves, axis=-1)
    return np.rint(255 * image).astype("uint8") if dtype == "uint8" else image.astype(dtype)


def squares(net, layer, image):
    until = keras.Model(net.inputs[0], net.get_layer(layer).output)
    return np.square(ops.convert_to_numpy(until(image[None].astype("float32")))).mean()


QUICK = {"octaves": 2, "steps": 4, "tile": 32}


def test_layers_are_amplified_and_the_history_is_their_objective():
    net = model()
    found, history = dream(net, photo(), "second", return_history=True, **QUICK)
    share = squares(net, "second", found) / squares(net, "second", photo())
    assert share > 1.5
    assert history.shape == (2, 4)
    assert history[0, 0] == pytest.approx(1, rel=0.15)  # the photo's own value was taken with unshifted tiles
    assert np.all(np.diff(history, axis=1) > 0)
    assert history[-1, -1] == pytest.approx(share, rel=0.3)


def test_the_first_step_of_one_tile_is_the_blurred_gradient_of_a_linear_model():
    net = keras.Sequential([keras.Input((None, None, 1)), layers.Conv2D(1, 1, use_bias=False, name="double")])
    net.set_weights([np.full((1, 1, 1, 1), 2.0)])
    image = photo(1, (16, 16))
    found = dream(net, image, "double", octaves=1, steps=1, step_size=0.01, value_range=(-9, 9))
    padded = wrapped(image[..., 0])
    step = np.zeros_like(padded)
    for deviation in (0.7, 1.4):  # the gradient of the mean square is the image itself, up to a factor
        blurred = blur(padded, deviation, roll=np.random.default_rng((0, 0, 0)).integers((24, 24)))
        step += blurred / np.sqrt(np.square(blurred).mean())
    step *= 0.01 * 18 / np.sqrt(np.square(step).mean())
    np.testing.assert_allclose((found - image)[..., 0], step[:16, :16], atol=2e-4)


def wrapped(image):
    """Return a square image padded by half its side: a cross-fade from the mirror of its end to that of its start."""
    side = len(image)
    for _ in range(2):
        rows = [
            (1 - share) * image[-1 - number] + share * image[side // 2 - 1 - number]
            for number, share in enumerate(np.linspace(0, 1, side // 2 + 2)[1:-1])
        ]
        image = np.concatenate([image, rows]).T
    return image


def blur(image, deviation, roll):
    """Return a rolled image blurred with weights that add up to one, and rolled back, by loops."""
    image, side = np.roll(image, -roll, axis=(0, 1)), len(image)
    found = np.zeros_like(image)
    rows, columns = np.mgrid[:side, :side]
    for row in range(side):
        for column in range(side):
            weights = np.exp(-((rows - row) ** 2 + (columns - column) ** 2) / 2 / deviation**2)
            found[row, column] = (weights * image).sum() / weights.sum()
    return np.roll(found, roll, axis=(0, 1))


def test_the_borders_of_a_photo_are_not_amplified_as_edges():
    net = keras.Sequential([keras.Input((None, None, 1)), layers.Conv2D(1, 3, use_bias=False, name="edge")])
    net.set_weights([np.array([[1, 1, 1], [0, 0, 0], [-1, -1, -1]], "float32").reshape(3, 3, 1, 1)])
    noise = np.random.default_rng(0).uniform(-0.1, 0.1, (96, 96, 1))
    image = (noise + np.linspace(0.2, 0.8, 96)[:, None, None]).astype("float32")  # dark above, bright below
    added = np.abs(dream(net, image, "edge", octaves=1, steps=4) - image)[..., 0]
    assert added[[0, 1, -2, -1]].mean() < 1.5 * added[8:-8].mean()


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("dtype", ["uint8", "float32", "float64"])
def test_shape_dtype_range_and_alpha_are_kept(channels, dtype):
    image = photo(channels, (31, 45), dtype)
    net = keras.Sequential([layers.Rescaling(1 / 255 if dtype == "uint8" else 1), model()])
    net.build((None, None, None, 3))
    found = dream(net, image, "second", step_size=0.2, **QUICK)
    assert (found.shape, found.dtype) == (image.shape, image.dtype)
    assert found.max() <= (255 if dtype == "uint8" else 1)
    assert found.min() >= 0
    colors = channels - (channels in (2, 4))
    assert np.all(found[..., colors:] == image[..., colors:])
    assert np.abs(found[..., :colors] - image[..., :colors].astype("float32")).max() > 0.05


def test_an_array_without_a_channel_axis_is_grey_and_keeps_its_shape():
    found = dream(model(), photo(1)[..., 0], "second", **QUICK)
    assert found.shape == SIZE
    one = dream(model(), photo(1), "second", **QUICK)
    np.testing.assert_array_equal(found, one[..., 0])


def test_a_model_of_grey_changes_only_the_brightness_of_colors():
    found = dream(model(1), photo(), "second", step_size=0.01, octaves=1, steps=1)
    added = (found - photo()).reshape(-1, 3)
    assert np.abs(added).max() > 0.01
    np.testing.assert_allclose(added, added[:, 1:2] * np.array([0.299 / 0.587, 1, 0.114 / 0.587]), atol=1e-5)


def test_the_photo_is_unchanged_outside_the_mask():
    mask = np.zeros(SIZE, bool)
    mask[10:30, 5:25] = True
    for image in (photo(dtype="uint8"), photo(dtype="float64") + 1e-9):
        found = dream(model(), image, "second", mask=mask, **QUICK)
        np.testing.assert_array_equal(found[~mask], image[~mask])
        assert np.mean(found[mask] != image[mask]) > 0.8


def test_strength_is_the_share_of_the_dream_that_is_added():
    none, half, whole = (dream(model(), photo(), "second", strength=share, **QUICK) for share in (0, 0.5, 1))
    np.testing.assert_array_equal(none, photo())
    np.testing.assert_allclose(half, (photo() + whole) / 2, atol=1e-6)


def test_equal_seeds_give_equal_dreams_and_other_seeds_other_dreams():
    one, two, other = (dream(model(), photo(), "second", seed=seed, **QUICK) for seed in (3, 3, 4))
    np.testing.assert_array_equal(one, two)
    assert not np.array_equal(one, other)


@pytest.mark.parametrize("channel", [0, 1, 2])
def test_a_single_channel_is_amplified_and_the_others_are_not(channel):
    net = keras.Sequential([keras.Input((None, None, 3)), layers.Conv2D(3, 1, use_bias=False, name="colors")])
    net.set_weights([np.eye(3).reshape(1, 1, 3, 3)])
    rise = (dream(net, photo(), f"colors:{channel}", **QUICK) - photo()).mean(axis=(0, 1))
    assert rise[channel] > 0.05
    np.testing.assert_allclose(np.delete(rise, channel), 0, atol=1e-6)


def test_a_channel_that_is_inactive_on_the_photo_becomes_active():
    net = model()
    kernel, bias = net.get_layer("second").get_weights()
    shut = bias.copy()
    shut[2] = -3.0
    net.get_layer("second").set_weights([kernel, shut])
    until = keras.Model(net.inputs[0], net.get_layer("second").output)
    assert ops.convert_to_numpy(until(photo()[None]))[..., 2].max() == 0
    found = dream(net, photo(), "second:2", octaves=1, steps=30, step_size=0.1, value_range=(-4, 4))
    assert ops.convert_to_numpy(until(found[None]))[..., 2].max() > 0


def test_negative_weights_reduce_a_layer():
    net = model()
    found = dream(net, photo(), {"second": -1.0}, **QUICK)
    assert squares(net, "second", found) < squares(net, "second", photo())


def test_a_guided_dream_resembles_its_guide_more_than_another_guides_dream_does():
    net = model()
    until = keras.Model(net.inputs[0], net.get_layer("second").output)
    guides = [np.ones((24, 30, 3), "float32") * color for color in ([1, 0, 0], [0, 0.2, 1])]

    def likeness(image, guide):
        features, wanted = (ops.convert_to_numpy(until(each[None])).reshape(-1, 8) for each in (image, guide))
        middle = wanted[len(wanted) // 2]
        return (features @ middle).mean() / np.linalg.norm(features, axis=1).mean() / np.linalg.norm(middle)

    dreamt = [dream(net, photo(), "second", guide=guide, **QUICK) for guide in guides]
    for number in range(2):
        assert likeness(dreamt[number], guides[number]) > likeness(dreamt[1 - number], guides[number])


def test_one_trace_serves_all_tiles_of_a_shape_and_all_pictures():
    dream_options, image = DreamOptions(octaves=2, steps=3, tile=20), image_array_for(model(), photo())
    net = model()
    runner = octave_runner(net, "second", image, dream_options)
    for _ in range(2):
        assert len(list(dream_octaves(runner, image, dream_options))) == 2
    tiles = sum(runner.count_tiles(size) for size in runner.octave_sizes(SIZE, 2, 1.4))
    assert runner.traces == (2 * 3 * tiles if BACKEND == "torch" else 2)  # two octaves, two shapes of tiles


def test_every_finished_octave_gives_a_dream_of_the_photos_size():
    net, dream_options = model(), DreamOptions(octaves=3, steps=2, tile=32)
    image = image_array_for(net, photo())
    found = [
        dreamt(image, octave, 1.0)
        for octave in dream_octaves(octave_runner(net, "second", image, dream_options), image, dream_options)
    ]
    assert [each.shape for each in found] == [(*SIZE, 3)] * 3
    shares = [squares(net, "second", each) for each in found]
    assert shares[-1] > shares[0] > squares(net, "second", photo())
    np.testing.assert_array_equal(found[-1], dream(net, photo(), "second", octaves=3, steps=2, tile=32))


def test_tiles_leave_no_seams():
    noise = np.random.default_rng(5).uniform(0.3, 0.7, (128, 128, 3)).astype("float32")
    found = dream(model(), noise, "third", octaves=1, steps=20, tile=32)
    for axis in (0, 1):
        across = np.abs(np.diff(found, axis=axis)).mean(axis=(1 - axis, 2))
        borders = np.arange(31, 127, 32)
        assert across[borders].mean() == pytest.approx(np.delete(across, borders).mean(), rel=0.05)


def test_octaves_too_small_for_the_model_are_left_out_with_a_warning(caplog):
    net = model(size=(32, 32))
    with caplog.at_level(logging.WARNING, "keras_see"):
        found, history = dream(net, photo(), "second", octaves=3, steps=2, return_history=True)
    assert "Octaves left out, since they are too small for the model: 20 × 29, 29 × 40" in caplog.text
    assert history.shape == (1, 2)
    assert np.mean(found != photo()) > 0.9


def test_a_model_of_fixed_size_takes_tiles_of_that_size():
    net = model(size=(16, 24))
    found = dream(net, photo(), "second", octaves=1, steps=1)
    assert np.mean(found != photo()) > 0.99


def test_preprocess_is_applied_before_the_model():
    net, image = model(), photo(dtype="uint8")
    found = dream(net, image, "second", preprocess=lambda x: x[..., ::-1] / 255, **QUICK)
    turned = dream(net, image[..., ::-1] / 255, "second", **QUICK)
    np.testing.assert_allclose(found / 255, turned[..., ::-1], atol=0.02)


def test_no_variable_of_the_model_changes():
    net = keras.Sequential([layers.RandomFlip(), model(), layers.Dropout(0.5)])
    net.build((None, None, None, 3))
    before = [ops.convert_to_numpy(variable).copy() for variable in net.variables]
    dream(net, photo(), "second", **QUICK)
    for variable, was in zip(net.variables, before, strict=True):
        np.testing.assert_array_equal(ops.convert_to_numpy(variable), was)


def test_a_half_precision_model_can_dream():
    net = keras.Sequential(
        [keras.Input((None, None, 3)), layers.Conv2D(4, 3, dtype="mixed_float16", name="conv"), layers.Conv2D(2, 3)]
    )
    _, history = dream(net, photo(), "conv", return_history=True, **QUICK)
    assert np.all(np.diff(history, axis=1) > 0)


def test_the_progress_bar_shows_only_if_asked_for(capsys):
    dream(model(), photo(), "second", octaves=1, steps=2)
    assert capsys.readouterr().out == ""
    dream(model(), photo(), "second", octaves=1, steps=2, verbose=True)
    assert "2/2" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"octaves": 0}, "`octaves` must be a whole number from 1"),
        ({"octave_scale": 1}, "`octave_scale` must be a number above 1"),
        ({"steps": 2.5}, "`steps` must be a whole number from 1"),
        ({"step_size": 0}, "`step_size` must be a number above 0"),
        ({"tile": (1, 2, 3)}, "`tile` must be a side in pixels"),
        ({"strength": -1}, "`strength` must be a number from 0"),
        ({"seed": -1}, "`seed` must be a whole number from 0"),
        ({"mask": np.ones((2, 2))}, "`mask` must have the photo's height and width"),
        ({"mask": np.full(SIZE, 2.0)}, "`mask` must be boolean or go from 0 to 1"),
        ({"layers": "secnd"}, "Did you mean 'second'"),
        ({"layers": "second:8"}, "from 0 to 7"),
        ({"layers": "second:1", "guide": photo()}, "A guided dream takes whole layers"),
        ({"guide": np.zeros((4, 4, 7))}, "`guide` must have the model's 3 channels"),
        ({"image": photo()[None]}, r"Take one of the batch: image\[0\]"),
        ({"model": model(size=(64, 64))}, "The photo must be at least as large as what the model takes, 64 × 64"),
        ({"preprocess": 3}, "`preprocess` must be a function"),
        ({"value_range": (0, 0.2)}, "`image` must lie in `value_range`"),
    ],
    ids=lambda part: str(part)[:30],
)
def test_wrong_arguments_fail_with_the_expected_message(wrong, says):
    arguments = {"model": model(), "image": photo(), "layers": "second", "steps": 1, "octaves": 1} | wrong
    with pytest.raises((ValueError, TypeError), match=says):
        dream(**arguments)


def test_an_object_that_is_not_a_model_is_refused():
    with pytest.raises(TypeError, match=r"`model` must be a keras\.Model"):
        dream("model", photo())


def test_a_model_with_zero_gradient_is_refused():
    net = model()
    net.set_weights([np.zeros_like(weight) for weight in net.get_weights()])
    with pytest.raises(ValueError, match="The layers must depend on the photo"):
        dream(net, photo(), "second", **QUICK)


def test_weights_that_are_nan_are_refused():
    net = model()
    net.set_weights([np.full_like(weight, np.nan) for weight in net.get_weights()])
    with pytest.raises(ValueError, match="finite numbers and gradients"):
        dream(net, photo(), "second", **QUICK)
