import ast
import json
import re
import runpy
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"
SCRIPTS = sorted(EXAMPLES.glob("0*.py"))


def code_of(notebook):
    """Return the code of a notebook without the first cell, which installs."""
    install, *cells = [cell for cell in json.loads(notebook)["cells"] if cell["cell_type"] == "code"]
    assert "%pip install" in "".join(install["source"])
    return ["".join(cell["source"]) for cell in cells]


def text_of(notebook):
    cells = [cell["source"] for cell in json.loads(notebook)["cells"] if cell["cell_type"] == "markdown"]
    return ["".join(cell) for cell in cells]


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
def test_the_notebook_of_a_script_is_up_to_date(script):
    made = runpy.run_path(str(EXAMPLES / "make_notebooks.py"))["notebook"](script)
    kept = script.with_suffix(".ipynb").read_text(encoding="utf-8")
    assert kept == made, "run `python examples/make_notebooks.py`"


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
def test_a_notebook_runs_what_its_script_runs_and_keeps_no_output(script):
    notebook = script.with_suffix(".ipynb").read_text(encoding="utf-8")
    program = ast.parse(script.read_text(encoding="utf-8"))
    cells = [ast.parse(cell) for cell in code_of(notebook)]
    assert [ast.dump(each) for each in program.body[1:]] == [ast.dump(each) for cell in cells for each in cell.body]
    assert all(cell["outputs"] == [] for cell in json.loads(notebook)["cells"] if cell["cell_type"] == "code")


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
def test_a_notebook_says_what_its_script_says_and_each_picture_ends_a_cell(script):
    notebook, program = (path.read_text(encoding="utf-8") for path in (script.with_suffix(".ipynb"), script))
    first, *texts = text_of(notebook)
    assert first == f"# {ast.get_docstring(ast.parse(program))}"
    assert "\n".join(texts).split("\n") == re.findall(r"^# (.*)$", program, re.MULTILINE)
    shown = [cell for cell in code_of(notebook) if "show(" in cell]
    assert shown
    assert all(cell.count("show(") == 1 and cell.splitlines()[-1].startswith("show(") for cell in shown)


def test_there_is_no_notebook_without_a_script():
    assert sorted(EXAMPLES.glob("*.ipynb")) == [script.with_suffix(".ipynb") for script in SCRIPTS]
