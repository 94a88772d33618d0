"""Draw docs/pictures/architecture.svg: the packages of keras_see, with an arrow for each import between two of them.

The arrows are read from the source, so the figure shows what is there: python docs/architecture_figure.py
"""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
SOURCE, FIGURE = ROOT / "keras_see", ROOT / "docs" / "pictures" / "architecture.svg"

WIDTH, HEIGHT, MARGIN = 270, 60, 24
COLUMNS = (MARGIN, MARGIN + 300, MARGIN + 600)
ROWS = tuple(MARGIN + top for top in (0, 100, 200, 340, 460, 560, 660, 750))
COLORS = {"user": "#e8eefc", "inside": "#f4f4f1", "model": "#fdf0dc"}

FOR_ALL, BOX_FOR_ALL = ("_progress", "_types", "_validation", "_version"), "used by all others"
# Per box: its packages, column, row, color and what it holds.
BOXES = {
    "cli": (("cli", "__main__"), 1, 0, "user", "the command keras-see"),
    "callbacks": (("callbacks",), 0, 1, "user", "one file per callback: options, docstring"),
    "metrics, transforms, writers": (("metrics", "transforms", "writers"), 1, 2, "user", "public names only"),
    "training": (("training",), 0, 2, "inside", "when to log, sample images, views"),
    "deepdream": (("deepdream",), 2, 2, "user", "octaves, tiles, zoom"),
    "viewer": (("viewer",), 2, 1, "user", "the page, the See tab, the report"),
    "runs": (("runs",), 0, 3, "inside", "records, writers, event files, films"),
    "attribution": (("attribution",), 1, 3, "user", "one file per method, the shared pass"),
    "optimization": (("optimization",), 2, 3, "user", "gradient ascent, feature inversion"),
    "visualization": (("visualization",), 1, 4, "user", "arrays to pictures: overlay, sheets, text"),
    "model": (("model",), 1, 5, "model", "all that touches a Keras model; backends"),
    "pictures": (("pictures",), 1, 6, "inside", "picture files and lists of images to arrays"),
    BOX_FOR_ALL: (FOR_ALL, 1, 7, "inside", ", ".join(FOR_ALL)),
}
BOX_OF = {package: name for name, (packages, *_) in BOXES.items() for package in packages}


def arrows():
    """Return the imports between boxes as a set of pairs, without those that follow from others."""
    found = {name: set() for name in BOXES}
    for path in SOURCE.rglob("*.py"):
        package = path.relative_to(SOURCE).with_suffix("").parts[0]
        if package != "__init__":
            imported = {BOX_OF[each] for each in imported_packages(path)}
            found[BOX_OF[package]] |= imported - {BOX_OF[package], BOX_FOR_ALL}
    reached = {name: _reached_from(name, found) for name in found}
    return {
        (name, other)
        for name, others in found.items()
        for other in others
        if not any(other in reached[between] for between in others - {other})
    }


def imported_packages(path):
    """Return the packages of keras_see that a file imports; a public name counts as the package that defines it."""
    public, found = _public_names(), set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module == "keras_see":
            found |= {public.get(alias.name, alias.name) for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module.startswith("keras_see."):
            found.add(node.module.split(".")[1])
        elif isinstance(node, ast.Attribute) and getattr(node.value, "id", None) == "keras_see":
            found.add(public.get(node.attr, node.attr))
    return found


def svg():
    """Return the figure."""
    parts = [_arrow(*each) for each in _ends(arrows())] + [_box(name) for name in BOXES]
    width, height = COLUMNS[-1] + WIDTH + MARGIN, ROWS[-1] + HEIGHT + MARGIN
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif">',
            '<defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" '
            'orient="auto"><path d="M0 0 8 4 0 8z" fill="#666"/></marker></defs>',
            f'<rect width="{width}" height="{height}" fill="#fff"/>',
            *parts,
            "</svg>\n",
        ]
    )


def _public_names():
    """Return the package that defines each public name, as `__init__.pyi` declares it."""
    stub = (SOURCE / "__init__.pyi").read_text(encoding="utf-8")
    return {name: package or name for package, name in re.findall(r"^from \.(\w*)\S* import (\w+) as", stub, re.M)}


def _reached_from(name, found):
    reached, waiting = set(), [name]
    while waiting:
        new = found[waiting.pop()] - reached
        reached |= new
        waiting += new
    return reached


def _ends(pairs):
    """Yield the points at which each arrow starts and ends, spread over the edges of its boxes."""
    leaving = {name: sorted((_left(end), end) for start, end in pairs if start == name) for name in BOXES}
    coming = {name: sorted((_left(start), start) for start, end in pairs if end == name) for name in BOXES}
    for start, end in sorted(pairs):
        yield (
            _spread(start, [name for _, name in leaving[start]].index(end), len(leaving[start])),
            _top(start) + HEIGHT,
            _spread(end, [name for _, name in coming[end]].index(start), len(coming[end])),
            _top(end),
        )


def _left(name):
    return COLUMNS[BOXES[name][1]]


def _top(name):
    return ROWS[BOXES[name][2]]


def _spread(name, number, count):
    return _left(name) + WIDTH * (number + 1) // (count + 1)


def _arrow(x0, y0, x1, y1):
    return f'<path d="M{x0} {y0}L{x1} {y1 - 2}" stroke="#666" stroke-width="1.3" marker-end="url(#tip)"/>'


def _box(name):
    _, _, _, color, text = BOXES[name]
    x, y, middle = _left(name), _top(name), _left(name) + WIDTH // 2
    return (
        f'<rect x="{x}" y="{y}" width="{WIDTH}" height="{HEIGHT}" rx="6" fill="{COLORS[color]}" stroke="#888"/>'
        f'<text x="{middle}" y="{y + 26}" text-anchor="middle" font-size="15" font-weight="bold">{name}</text>'
        f'<text x="{middle}" y="{y + 46}" text-anchor="middle" font-size="12" fill="#333">{text}</text>'
    )


if __name__ == "__main__":
    FIGURE.write_text(svg(), encoding="utf-8")
