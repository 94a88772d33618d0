import re
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers

README = Path(__file__).parents[1] / "README.md"


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```", README.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


def test_every_python_block_runs_as_it_stands(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    images, labels = np.random.default_rng(0).random((8, 64, 64, 3)) * 255, np.arange(8) % 3
    names_in_resnet = ("conv4_block6_out", "conv5_block3_out")  # a small stand-in with names of the real one
    backbone = keras.Sequential(
        [layers.Conv2D(4, 3, strides=4, name=name) for name in names_in_resnet], name="resnet50"
    )
    model = keras.Sequential([keras.Input((64, 64, 3)), backbone, layers.GlobalAveragePooling2D(), layers.Dense(3)])
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    names = {"model": model, "photos": images, "images": images}
    names |= {"x_train": images, "y_train": labels, "x_val": images, "y_val": labels}
    found = blocks("python")
    assert len(found) >= 4
    for block in found:
        exec(block.replace("epochs=20", "epochs=1"), names)
    assert Path("sheet.png").exists()
    model.fit(images, labels, callbacks=[names["gradcam"]], verbose=0)
    assert not names["gradcam"].failures


def test_every_command_is_one_that_there_is(capsys):
    from keras_see.__main__ import main

    said = [line for block in blocks("bash") for line in block.splitlines() if "keras-see" in line]
    assert said
    with pytest.raises(SystemExit):
        main(["--help"])
    known = capsys.readouterr().out
    for line in said:
        assert re.search(r"keras-see (\w+)", line)[1] in known
