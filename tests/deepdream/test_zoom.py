import itertools

import keras
import numpy as np
import pytest
from keras import layers

from keras_see.deepdream.deep_dream import dream, image_array_for, octave_runner
from keras_see.deepdream.options import DreamOptions
from keras_see.deepdream.zoom import zoom_frames

BACKEND = keras.backend.backend()
OPTIONS = DreamOptions(octaves=3, steps=3, tile=64)


def model():
    return keras.Sequential(
        [keras.Input((None, None, 3)), layers.Conv2D(4, 3, activation="relu", name="conv"), layers.Conv2D(4, 3)]
    )


def photo(channels=3):
    rows, columns = np.mgrid[:40, :60] / 60
    return np.stack([0.5 + 0.4 * np.sin(9 * rows + 5 * columns + n) for n in range(channels)], -1).astype("float32")


def frames(net, image, count, dream_options=OPTIONS, scale=1.1):
    array = image_array_for(net, image)
    runner = octave_runner(net, "conv", array, dream_options)
    return list(zoom_frames(runner, array, dream_options, count, scale)), runner


def test_the_first_frame_is_the_dream_and_later_frames_need_no_trace():
    net = model()
    found, runner = frames(net, photo(), 4)
    np.testing.assert_array_equal(found[0], dream(net, photo(), "conv", octaves=3, steps=3, tile=64))
    if BACKEND != "torch":
        assert runner.traces == 3


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("dtype", ["float32", "uint8"])
def test_each_frame_starts_from_the_enlarged_last_frame(channels, dtype):
    image = photo(channels) if dtype == "float32" else (255 * photo(channels)).astype("uint8")
    whole = 1 if dtype == "float32" else 255
    found, _ = frames(model(), image, 3, DreamOptions(octaves=1, steps=1, step_size=0.004), scale=2.0)
    for last, frame in itertools.pairwise(found):
        assert (frame.shape, frame.dtype) == (image.shape, image.dtype)
        middle = last[10:30, 15:45].astype("float32").repeat(2, axis=0).repeat(2, axis=1)
        assert np.abs(frame - middle).mean() < 0.03 * whole


def test_a_long_zoom_stays_finite_and_keeps_its_contrast():
    found, _ = frames(model(), photo(), 12)
    contrast = [frame.std() for frame in found]
    assert all(np.all(np.isfinite(frame)) for frame in found)
    assert contrast[-1] > contrast[0] / 2
