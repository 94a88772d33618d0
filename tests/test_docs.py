import pkgutil
import re
import runpy
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers

import keras_see
from keras_see.attribution.registry import METHODS
from keras_see.training.epoch_callback import EpochCallback

ROOT = Path(__file__).parents[1]
PAGES = {page.name: page for page in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]}
PICTURES = np.random.default_rng(0).random((8, 64, 64, 3)) * 255


def blocks(page, language):
    return re.findall(rf"^```{language}\n(.*?)^```", PAGES[page].read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


def shortened(block):
    """Let a block train for an epoch or two on a few images, from random weights, and unfreeze one layer only."""
    block = block.replace("backbone.trainable = True", "backbone.get_layer('Conv_1').trainable = True")
    block = block.replace("fit(x, y, validation_data=(x_val, y_val)", "fit(x[:32], y[:32]")
    block = block.replace("initial_epoch=5, epochs=10", "initial_epoch=1, epochs=2").replace('"imagenet"', "None")
    return re.sub(r"epochs=([3-9]|\d\d)\b", "epochs=1", block)


class Photographs(keras.utils.PyDataset):
    def __len__(self):
        return 2

    def __getitem__(self, number):
        random = np.random.default_rng(number)
        return random.random((4, 96, 96, 3)) * 255, random.integers(5, size=4)


def small_model(channels=3):
    """A stand-in for the reader's model, with layers named as on the pages."""
    first = [layers.Rescaling(1 / 255), layers.Conv2D(4, 3, name="conv1"), layers.Conv2D(8, 3, 2, name="conv2")]
    named = [layers.Conv2D(4, 3, strides=2, name=name) for name in ("conv4_block6_out", "conv5_block3_out")]
    backbone = keras.Sequential(named, name="resnet50")
    outputs = [layers.GlobalAveragePooling2D(), layers.Dense(3)]
    model = keras.Sequential([keras.Input((64, 64, channels)), *first, backbone, *outputs])
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return model


def what_readers_have():
    labels = np.arange(8) % 3
    images = dict.fromkeys(("photos", "images", "x_train", "x_val"), PICTURES)
    images |= {"x_grey": PICTURES[..., 0], "normalized": PICTURES / 127.5 - 1}
    datasets = {"training": Photographs(), "validation": Photographs(), "names": list("abcde")}
    return (
        images
        | datasets
        | {
            "y_train": labels,
            "y_val": labels,
            "model": small_model(),
            "make_model": small_model,
            "keras_see": keras_see,
        }
    )


@pytest.fixture(autouse=True)
def methods_put_back():
    """Forget the methods that a page adds."""
    before = dict(METHODS)
    yield
    METHODS.clear()
    METHODS.update(before)


def evaluates_one_of(callback, models):
    """Let a callback of a page evaluate the first model that it suits, as when a training begins."""
    errors = []
    for model in models:
        callback.set_model(model)
        try:
            callback.on_train_begin()
        except ValueError as error:
            errors.append(error)
            continue
        callback.on_epoch_begin(0)
        callback.on_train_end()
        return
    raise AssertionError(errors)


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page, "python")])
def test_every_python_block_of_a_page_runs_and_its_callbacks_evaluate_a_model(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names, callbacks, original = what_readers_have(), [], EpochCallback.__init__

    def collecting(self, *args, **options):
        original(self, *args, **options)
        callbacks.append(self)

    monkeypatch.setattr(EpochCallback, "__init__", collecting)
    for block in blocks(page, "python"):
        exec(shortened(block), names)
    models = [names["model"], small_model(channels=1), names.get("flowers")]
    for callback in callbacks:
        if callback.model is None:
            evaluates_one_of(callback, models)
        assert not callback.failures


def test_the_readme_saves_its_sheet(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = what_readers_have()
    for block in blocks("README.md", "python"):
        if "sheet.png" in block:
            exec(block, names)
    assert Path("sheet.png").exists()


def test_every_command_is_one_that_there_is(capsys):
    from keras_see.cli.main import main

    said = [line for page in PAGES for block in blocks(page, "bash") for line in block.splitlines()]
    said = [line for line in said if "keras-see " in line]
    assert said
    with pytest.raises(SystemExit):
        main(["--help"])
    known = capsys.readouterr().out
    for line in said:
        assert re.search(r"keras-see (\w+)", line)[1] in known


def test_the_api_page_has_every_public_name_and_no_other():
    listed = set(re.findall(r"^::: keras_see\.(.+)$", PAGES["api.md"].read_text(), re.MULTILINE))
    modules = ("callbacks", "metrics", "transforms", "writers")
    public = set(keras_see.__all__) - {"__version__", *modules}
    for module in modules:
        names = set(getattr(keras_see, module).__all__) - set(keras_see.__all__)
        public |= {f"{module}.{name}" for name in names}
    assert listed == public


def test_every_page_is_in_the_navigation_and_there_is_nothing_else_in_it():
    navigation = re.findall(r": ([\w/]+\.md)$", (ROOT / "mkdocs.yml").read_text(), re.MULTILINE)
    assert sorted(navigation) == sorted(set(PAGES) - {"README.md"})


def test_the_links_of_the_readme_lead_to_files():
    for link in re.findall(r"\]\((?!http)([^)#]+)\)", PAGES["README.md"].read_text(encoding="utf-8")):
        assert (ROOT / link).exists(), link


def test_the_figure_of_the_architecture_is_what_its_script_draws():
    figure = runpy.run_path(str(ROOT / "docs" / "architecture_figure.py"))
    assert figure["FIGURE"].read_text(encoding="utf-8") == figure["svg"]()


def test_every_arrow_of_the_figure_points_down():
    figure = runpy.run_path(str(ROOT / "docs" / "architecture_figure.py"))
    rows = {name: row for name, (_, _, row, _, _) in figure["BOXES"].items()}
    assert all(rows[start] < rows[end] for start, end in figure["arrows"]())


@pytest.mark.parametrize("page", ["architecture.md", "add_a_method.md", "contributing.md"])
def test_files_and_functions_that_a_page_names_exist(page):
    text = PAGES[page].read_text(encoding="utf-8")
    files = re.findall(r"`((?:[\w.-]+/)*[\w-]+\.(?:pyi?|md))`", text)
    places = [ROOT, ROOT / "keras_see", ROOT / "keras_see" / "attribution"]
    assert [name for name in files if not any((place / name).exists() for place in places)] == []
    names = re.findall(r"`((?:training|attribution|model|runs|visualization)\.[\w.]+)`", text)
    for name in names:
        pkgutil.resolve_name(f"keras_see.{name}")
    assert page != "architecture.md" or (files and names)


def calls_beside_those_of_other_tools():
    """Return the right sides of the tables for those who come from other tools, each once."""
    page = PAGES["coming_from.md"].read_text(encoding="utf-8")
    return list(dict.fromkeys(re.findall(r"^\| `.*` \| `(keras_see.*)` \|$", page, re.MULTILINE)))


def test_each_call_for_those_who_come_from_other_tools_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    model = small_model()
    names = {"keras_see": keras_see, "model": model, "images": PICTURES[:2]}
    calls = calls_beside_those_of_other_tools()
    assert len(calls) > 25
    for row in calls:
        found = eval(row, names)
        if isinstance(found, EpochCallback):
            evaluates_one_of(found, [model])
            assert not found.failures
        else:
            first = next(iter(found.values())) if isinstance(found, dict) else found
            assert len(first) in (1, 2), row
            assert np.isfinite(first).all(), row
