"""Which file may name what, read off the imports of all files."""

import ast
import graphlib
import os
import pathlib
import subprocess
import sys

import keras
import pytest

import keras_see

FOLDER = pathlib.Path(keras_see.__file__).parent
FILES = {
    ".".join(path.relative_to(FOLDER).with_suffix("").parts).removesuffix(".__init__"): ast.parse(
        path.read_text(encoding="utf-8")
    )
    for path in sorted(FOLDER.rglob("*.py"))
}
# In the order of their layers: a package imports only from those after it.
PACKAGES = [
    *("cli", "callbacks", "training", "metrics", "transforms", "writers"),
    "viewer",
    *("runs", "attribution", "deepdream", "optimization"),
    *("visualization", "model", "pictures", "_progress", "_types", "_validation", "_version"),
]
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
    assert files_that_name(FRAMEWORKS) == {"model.backend"}


def test_only_the_file_of_the_writer_and_the_plugin_name_tensorboard():
    assert files_that_name({"tensorboard", "tensorboardX"}) == {"runs.tensorboard", "viewer.plugin"}


def test_only_one_file_touches_private_attributes_of_others():
    own = {node.attr for tree in FILES.values() for node in ast.walk(tree) if is_private(node) and base(node) == "self"}
    own |= {node.name for tree in FILES.values() for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    touched = {
        name: {node.attr for node in ast.walk(tree) if is_private(node) and node.attr not in own}
        for name, tree in FILES.items()
    }
    texts = {
        name: {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and is_private_name(node.value)}
        for name, tree in FILES.items()
    }
    assert {name for name, attributes in touched.items() if attributes} <= {"model.keras_internals"}
    assert touched["model.keras_internals"] | texts["model.keras_internals"] == {
        *("_flatten_layers", "_remat_mode", "_losses", "_loss_ids")
    }


def is_private(node):
    return isinstance(node, ast.Attribute) and is_private_name(node.attr)


def is_private_name(text):
    return isinstance(text, str) and text.isidentifier() and text.startswith("_") and text.strip("_") and text[1] != "_"


def base(node):
    return getattr(node.value, "id", None)


def inside(tree):
    """Return the files of keras_see that a file imports; "__init__" where it takes a public name from the package."""
    found = set()
    for name in imported(tree):
        first, _, rest = name.partition(".")
        parts = rest.split(".")
        if first == "keras_see":
            known = [".".join(parts[:end]) for end in range(len(parts), 0, -1) if ".".join(parts[:end]) in FILES]
            found.add(known[0] if known else "__init__")
    return found


def test_imports_between_files_have_no_circle():
    arrows = {name: inside(tree) for name, tree in FILES.items()}
    list(graphlib.TopologicalSorter(arrows).static_order())  # raises where there is a circle


def test_arrows_between_packages_point_one_way():
    against = [
        f"{name} imports {other}"
        for name, tree in FILES.items()
        for other in inside(tree)
        if name not in ("__init__", "__main__") and other != "__init__" and depth_of(other) < depth_of(name)
    ]
    assert not against


def depth_of(name):
    return PACKAGES.index(name.partition(".")[0])


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


def test_watch_loads_no_optimization_and_no_deep_dream(tmp_path):
    script = "import sys; from keras_see import Watch; print(*(name for name in sys.modules if name.startswith({})))"
    done = run(script.format("('keras_see.optimization', 'keras_see.deepdream')"), BACKEND, tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "\n"
