"""A real training run on real photographs; wants the environment variable KERAS_SEE_DATA."""

import os
from pathlib import Path

import pytest

import keras_see
from keras_see.cli import demo

DATA = os.environ.get("KERAS_SEE_DATA")


@pytest.mark.skipif(not DATA, reason="KERAS_SEE_DATA does not name the folder with real photographs")
def test_a_run_on_photographs_learns_and_shows_every_epoch(tmp_path):
    found = demo.run(data=Path(DATA) / "flowers", log_dir=tmp_path, epochs=3)
    assert found["accuracy"] > 0.4  # five classes
    written = keras_see.read(tmp_path)
    for word in ("saliency", "grad_cam", "cam", "overview"):
        tag = f"see/{word}" if word == "overview" else f"see/{word}/maps"
        assert [step for step, _ in written[tag]] == [-1, 0, 1, 2]
    assert "see/status" not in written
