"""Make the notebooks again from the scripts: python examples/make_notebooks.py

A script's docstring becomes the first text. Each paragraph of it that begins with a comment becomes a text, the
comment, and a cell of code, the rest; other paragraphs belong to the cell before.
"""

import json
import re
from itertools import takewhile
from pathlib import Path

HERE = Path(__file__).parent
SCRIPTS = sorted(HERE.glob("0*.py"))
INSTALL = '# Once, in the folder `examples` of a clone of the repository.\n%pip install -q "..[demo]"'


def notebook(script):
    """Return the text of the notebook of a script."""
    _, docstring, program = script.read_text(encoding="utf-8").split('"""', 2)
    cells = [_text(f"# {docstring.strip()}"), _code(INSTALL), *_cells(program)]
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number}"
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
    content = {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def _cells(program):
    cells, waiting = [], []
    for paragraph in re.split(r"\n{2,}", program.strip()):
        lines = paragraph.split("\n")
        comment = list(takewhile(lambda line: line.startswith("# "), lines))
        if comment:
            cells += [_code("\n\n".join(waiting)), _text("\n".join(line.removeprefix("# ") for line in comment))]
            waiting = []
        waiting.append("\n".join(lines[len(comment) :]))
    return [*cells, _code("\n\n".join(waiting))]


def _text(source):
    return {"cell_type": "markdown", "metadata": {}, "source": source.splitlines(keepends=True)}


def _code(source):
    lines = source.splitlines(keepends=True)
    return {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": [], "source": lines}


if __name__ == "__main__":
    for script in SCRIPTS:
        script.with_suffix(".ipynb").write_text(notebook(script), encoding="utf-8")
