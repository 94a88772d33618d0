import argparse
import itertools
import json
import subprocess
import sys

import keras
import numpy as np
import pytest
from keras import layers
from PIL import Image

from keras_see.cli import dream as dream_command
from keras_see.cli.main import main
from keras_see.deepdream.deep_dream import dream, image_array_for
from keras_see.deepdream.octaves import OctaveRunner
from keras_see.deepdream.options import DreamOptions

QUICK = ["--octaves", "2", "--steps", "2", "--tile", "32"]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    model().save("model.keras")
    Image.fromarray(photo()).save("photo.png")
    return tmp_path


def model():
    keras.utils.set_random_seed(0)
    steps = [layers.Conv2D(4, 3, activation="relu", name=f"conv{number}") for number in range(3)]
    return keras.Sequential([keras.Input((None, None, 3)), layers.Rescaling(1 / 255), *steps])


def photo(channels=3, size=(40, 48)):
    return np.random.default_rng(0).integers(0, 256, (*size, channels), "uint8")


def pixels_of(path):
    with Image.open(path) as found:
        return np.asarray(found)


def command(*arguments, output="dream.png"):
    return main(["dream", "photo.png", "-o", output, "--model", "model.keras", *QUICK, *arguments])


def test_the_command_writes_the_dream_of_the_function(folder):
    assert command("--layers", "conv1", "conv0:2=-0.5", "--seed", "3") == 0
    truth = dream(model(), photo(), {"conv1": 1.0, "conv0:2": -0.5}, octaves=2, steps=2, tile=32, seed=3)
    np.testing.assert_allclose(pixels_of("dream.png").astype(int), truth, atol=1)
    assert sorted(path.name for path in folder.iterdir()) == ["dream.png", "model.keras", "photo.png"]


def test_the_options_are_kept_in_the_metadata(folder):
    assert command("--layers", "conv1:2", "--seed", "7") == 0
    with Image.open("dream.png") as found:
        description = json.loads(found.text["Description"])
    assert description["layers"] == {"conv1:2": 1.0}
    assert {"seed": 7, "octaves": 2, "steps": 2, "photo": "photo.png"}.items() <= description.items()


def test_equal_seeds_give_equal_files(folder):
    for name in ("one.png", "two.png"):
        assert command("--seed", "5", output=name) == 0
    assert (folder / "one.png").read_bytes() == (folder / "two.png").read_bytes()


@pytest.mark.parametrize("channels", [1, 4])
def test_grey_and_alpha_are_kept(folder, channels):
    pixels = photo(channels)
    Image.fromarray(pixels[..., 0] if channels == 1 else pixels).save("photo.png")
    assert command(output="dream.webp" if channels == 4 else "dream.png") == 0
    found = pixels_of("dream.webp" if channels == 4 else "dream.png")
    assert found.shape == ((40, 48) if channels == 1 else (40, 48, 4))
    if channels == 4:
        np.testing.assert_array_equal(found[..., 3], pixels[..., 3])


def test_mask_and_guide_are_read_from_files(folder):
    mask = np.zeros((40, 48), "uint8")
    mask[:20] = 255
    Image.fromarray(mask).save("mask.png")
    Image.fromarray(photo(size=(30, 30))).save("guide.png")
    assert command("--mask", "mask.png", "--guide", "guide.png") == 0
    found = pixels_of("dream.png")
    np.testing.assert_array_equal(found[20:], photo()[20:])
    assert np.any(found[:20] != photo()[:20])


def test_zoom_writes_a_film_of_that_many_frames(folder):
    assert command("--zoom", "3", output="dream.gif") == 0
    with Image.open("dream.gif") as film:
        assert film.n_frames == 3
        assert film.size == (48, 40)
        assert json.loads(film.info["comment"])["zoom"] == 3


def test_an_existing_file_is_overwritten_only_with_force(folder, capsys):
    (folder / "dream.png").write_text("mine")
    assert command() == 2
    assert "must not exist yet" in capsys.readouterr().err
    assert (folder / "dream.png").read_text() == "mine"
    assert command("--force") == 0
    assert pixels_of("dream.png").shape == (40, 48, 3)


class InterruptedRunner(OctaveRunner):
    """Raises KeyboardInterrupt, as Ctrl-C does, in its second octave or third frame."""

    frames = 0

    def octaves(self, *args, **kwargs):
        self.frames += 1
        if self.frames == 3:
            raise KeyboardInterrupt
        yield from itertools.islice(super().octaves(*args, **kwargs), 1)
        if self.frames == 1 and self.in_octave:
            raise KeyboardInterrupt


@pytest.mark.parametrize("zoom", [None, 5])
def test_an_interrupted_command_writes_what_is_finished(tmp_path, zoom, capsys):
    net, output = model(), str(tmp_path / ("dream.gif" if zoom else "dream.png"))
    runner = InterruptedRunner(net, "conv1", tile=(32, 32), value_range=(0, 255))
    runner.in_octave = zoom is None
    image, dream_options = image_array_for(net, photo(), (0, 255)), DreamOptions(octaves=2, steps=2)
    options = argparse.Namespace(output=output, zoom=zoom, zoom_scale=1.05, seconds=0.1)
    write, *mask = [dream_command.write_film] if zoom else [dream_command.write_still, None]
    with pytest.raises(KeyboardInterrupt):
        write(options, dream_options, runner, image, *mask, {})
    with Image.open(output) as found:
        assert getattr(found, "n_frames", 1) == (2 if zoom else 1)
        assert np.any(np.asarray(found.convert("RGB")) != photo())
    assert f"holds {'2 finished frames' if zoom else '1 finished octave'}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["none.png", "-o", "x.png"], "There is no file 'none.png'"),
        (["text.png", "-o", "x.png"], "Pillow can read"),
        (["photo.png", "-o", "x.bmp"], "The output must end in .png"),
        (["photo.png", "-o", "x.png", "--zoom", "9", "-o", "x.jpg"], "The output must end in .gif"),
        (["photo.png", "-o", "none/x.png"], "a folder that exists"),
        (["photo.png", "-o", "x.png", "--steps", "0"], "`steps` must be a whole number from 1"),
        (["photo.png", "-o", "x.png", "--layers", "a=much"], "--layers must be NAME"),
        (["photo.png", "-o", "x.png", "--guide", "text.png"], "Pillow can read"),
        (["photo.png", "-o", "x.png", "--model", "no_net"], "neither a file nor a model 'no_net'"),
        (["photo.png", "-o", "x.png", "--model", "none.keras"], "There is no file 'none.keras'"),
        (["photo.png", "-o", "x.png", "--model", "text.png"], "a model that Keras can load by itself"),
        (["photo.png", "-o", "x.png", "--model", "model.keras", "--layers", "conv7"], "calls no 'conv7'"),
        (["clear.png", "-o", "x.jpg"], "must be written as .png or .webp"),
    ],
)
def test_errors_are_printed_in_one_line(folder, arguments, says, capsys):
    (folder / "text.png").write_text("no picture")
    Image.fromarray(photo(4)).save("clear.png")
    assert main(["dream", *arguments]) == 2
    printed = capsys.readouterr().err
    assert says in printed
    assert printed.count("\n") == 1
    assert not (folder / "x.png").exists()


def test_the_help_needs_no_framework():
    block = "import sys; sys.modules['keras'] = None; from keras_see.cli.main import main; main()"
    done = subprocess.run([sys.executable, "-c", block, "dream", "--help"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "--octaves" in done.stdout
