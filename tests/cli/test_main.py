import os
import subprocess
import sys
from importlib.metadata import version

import numpy as np
import pytest

import keras_see
from keras_see.cli.main import main


def test_the_help_lists_the_commands():
    said = subprocess.run([sys.executable, "-m", "keras_see", "--help"], capture_output=True, text=True, check=True)
    for command in ("demo", "dream", "layers", "board"):
        assert command in said.stdout


def test_the_version_is_that_of_the_installed_package(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"keras-see {version('keras_see')}\n"
    assert keras_see.__version__ == version("keras_see")


def test_layers_lists_a_saved_model(tmp_path, capsys):
    keras_see.gap_classifier(4, input_shape=(16, 16, 3)).save(tmp_path / "model.keras")
    assert main(["layers", str(tmp_path / "model.keras")]) == 0
    assert "class_maps    Conv2D" in capsys.readouterr().out.replace("class_maps   Conv2D", "class_maps    Conv2D")


def test_a_missing_framework_is_named(tmp_path):
    (tmp_path / "model.keras").write_text("never read")
    environment = os.environ | {"KERAS_BACKEND": "torch", "PYTHONPATH": os.pathsep.join(sys.path)}
    block = "import sys; sys.modules['torch'] = None; from keras_see.cli.main import main; sys.exit(main())"
    done = subprocess.run(
        [sys.executable, "-c", block, "layers", str(tmp_path / "model.keras")],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "keras-see: this needs torch, which is not installed. Install it" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["layers", "none.keras"], "There is no file 'none.keras'"),
        (["layers", "text.keras"], "'text.keras' is none: "),
        (["board", "none"], "There is no folder 'none'"),
        (["demo", "--data", "none"], "FOLDER/class/picture.jpg"),
    ],
)
def test_errors_are_printed_in_one_line(arguments, message, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text.keras").write_text("no model")
    assert main(arguments) == 2
    said = capsys.readouterr().err
    assert message in said
    assert said.count("\n") == 1


def test_the_demo_runs_on_a_folder_of_pictures(tmp_path, capsys):
    from PIL import Image

    numbers = np.random.default_rng(0)
    for name, shade in (("dark", 60), ("light", 200)):
        (tmp_path / "data" / name).mkdir(parents=True)
        for number in range(6):
            pixels = numbers.integers(shade - 40, shade + 40, (40, 50, 3), dtype="uint8")
            Image.fromarray(pixels).save(tmp_path / "data" / name / f"{number}.png")
    logs = tmp_path / "logs"
    assert main(["demo", "--data", str(tmp_path / "data"), "--epochs", "1", "--log-dir", str(logs)]) == 0
    said = capsys.readouterr().out
    assert "Validation accuracy" in said
    assert "Guessing reaches up to 100% by luck, on 2 photographs" in said
    assert f"Picture: {logs / 'last_sheet.png'}" in said
    assert f"keras-see board {logs}" in said
    assert "http://localhost:6006/#see" in said
    assert "\r" not in said
    assert "\x1b" not in said
    assert [step for step, _ in keras_see.read(logs)["see/overview"]] == [-1, 0]
    with Image.open(logs / "last_sheet.png") as picture:
        assert picture.width > 300
