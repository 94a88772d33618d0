"""Which file may name what, read off the imports of all files."""

import ast
import graphlib
import importlib
import os
import pathlib
import subprocess
import sys

import keras
import pytest

import keras_see

FOLDER = pathlib.Path(keras_see.__file__).parent
FILES = {path.stem: ast.parse(path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("*.py"))}
FRAMEWORKS = {"tensorflow", "jax", "torch"}
BACKEND = keras.backend.backend()


def imported(tree):
    """Return the full names of all that a file imports, anywhere in it."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are written in full"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Call) and getattr(node.func, "attr", getattr(node.func, "id", "")) in (
            "import_module",
            "__import__",
        ):
            found |= {argument.value for argument in node.args if isinstance(argument, ast.Constant)}
    return found


def files_that_name(packages):
    return {name for name, tree in FILES.items() if {each.partition(".")[0] for each in imported(tree)} & packages}


def test_only_the_backend_file_names_a_framework():
    assert files_that_name(FRAMEWORKS) == {"backend"}


def test_only_the_tensorboard_file_names_tensorboard():
    assert files_that_name({"tensorboard", "tensorboardX"}) == {"tensorboard"}


def test_imports_between_files_point_one_way():
    inside = {}
    for name, tree in FILES.items():
        names = {each.removeprefix("keras_see.") for each in imported(tree) if each.partition(".")[0] == "keras_see"}
        first = {each.partition(".")[0] for each in names}
        # Who takes a public name from the package itself stands above all that the package gathers.
        inside[name] = {each if each in FILES else "__init__" for each in first}
    order = list(graphlib.TopologicalSorter(inside).static_order())  # raises where there is a circle
    assert order.index("backend") < order.index("passes") < order.index("saliency") < order.index("__init__")


def test_importing_the_package_tries_no_framework_that_keras_does_not_try_itself(tmp_path):
    for name in FRAMEWORKS - {BACKEND}:  # stand-ins that tell of each try, whether the framework is installed or not
        (tmp_path / f"{name}.py").write_text(f"print('tried {name}')\nraise ImportError\n")
    keras_alone, both = (run(script, BACKEND, tmp_path) for script in ("import keras", "from keras_see import *"))
    assert both.returncode == 0, both.stderr
    assert sorted(both.stdout.splitlines()) == sorted(keras_alone.stdout.splitlines())
    assert {path.name for path in tmp_path.iterdir()} <= {"__pycache__", *(f"{name}.py" for name in FRAMEWORKS)}


def test_a_backend_without_gradients_is_refused_on_import(tmp_path):
    done = run("from keras_see import Watch", "numpy", tmp_path)
    if "ModuleNotFoundError" in done.stderr:
        pytest.skip("this environment has not what Keras's NumPy backend needs")
    assert done.returncode != 0
    assert "needs a Keras backend with gradients: tensorflow, jax or torch" in done.stderr


def run(script, backend, folder):
    return subprocess.run(
        [sys.executable, "-c", script],
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(folder), str(FOLDER.parent)]), "KERAS_BACKEND": backend},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_the_package_itself_imports_nothing_before_a_public_name_is_used(tmp_path):
    heavy = "{'keras', 'numpy', 'tensorboard'}"
    done = run(f"import sys, keras_see; dir(keras_see); print({heavy} & {{*sys.modules}})", BACKEND, tmp_path)
    assert done.stdout == "set()\n", done.stderr


def test_each_public_name_is_imported_from_where_its_reader_is_told_that_it_is():
    told = {}
    for node in ast.walk(FILES["__init__"]):
        if isinstance(node, ast.ImportFrom) and node.module.startswith("keras_see"):
            told |= {each.name: node.module.partition(".")[2] or each.name for each in node.names}
    assert told == keras_see._HOMES
    assert sorted(told) == sorted(keras_see.__all__)
    for name, home in told.items():
        module = importlib.import_module(f"keras_see.{home}")
        assert getattr(keras_see, name) is (module if name == home else getattr(module, name))
    with pytest.raises(AttributeError, match=r"has no attribute 'wach'\. It has Watch, "):
        keras_see.wach  # noqa: B018
