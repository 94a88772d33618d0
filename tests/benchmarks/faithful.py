"""Measure every method on GoogLeNet and photographs beside its controls, and put the table into docs/measures.md.

KERAS_SEE_DATA names the folder with the network and the photographs. `python tests/benchmarks/faithful.py` takes all
methods of the registry that explain a class; words as arguments take these only, and keep the rows of the others;
`passes` alone takes the times again.
"""

import json
import os
import pathlib
import re
import statistics
import sys

import keras
import numpy as np
from floor import floor_of, seconds
from PIL import Image

from keras_see import maps, metrics
from keras_see.attribution.controls import mean_with_interval
from keras_see.attribution.registry import METHODS

DATA = pathlib.Path(os.environ.get("KERAS_SEE_DATA", ""))
PAGE = pathlib.Path(__file__).parents[2] / "docs" / "measures.md"
SIDE, MEANS, STEPS, BATCH = 224, [104, 117, 123], 16, 16
COLUMNS = ("grid pointing", "pointing", "energy inside", "box IoU", "insertion − deletion")


class Photographs:
    """Pairs of a photograph and a class in it, each with its boxes, as far as they can be localized."""

    def __init__(self):
        self.labels, self.boxes, names = [], [], []
        for name, told in json.loads((DATA / "boxes.json").read_text(encoding="utf-8")).items():
            if told["localisable"]:
                scale = np.array([SIDE / told["width"], SIDE / told["height"]] * 2)
                for label in dict.fromkeys(thing["label"] for thing in told["objects"]):
                    boxes = [thing["box_xyxy"] * scale for thing in told["objects"] if thing["label"] == label]
                    names.append(name), self.labels.append(label), self.boxes.append(boxes)
        self.images = np.stack([photo(name) for name in names])
        self.first = [names.index(name) for name in dict.fromkeys(names)]  # one pair of each photograph


def photo(name):
    picture = Image.open(DATA / "photos" / name).convert("RGB").resize((SIDE, SIDE), Image.Resampling.BICUBIC)
    return np.asarray(picture, "float32")[..., ::-1] - MEANS


def figures_of(model, photographs, found, method):
    """Return column -> `(mean, low, high)` of maps; `method` makes those of mosaics."""
    given, size = (model, photographs.images, found, photographs.labels), {"size": (SIDE, SIDE)}
    options = {"steps": STEPS, "batch_size": BATCH}
    numbers = {
        "pointing": metrics.pointing_hits(found, photographs.boxes, **size),
        "energy inside": metrics.energy_inside(found, photographs.boxes, **size),
        "box IoU": metrics.box_iou(found, photographs.boxes, **size),
        "insertion − deletion": metrics.insertion_auc(*given, **options) - metrics.deletion_auc(*given, **options),
    }
    if method is not None:
        images, labels = photographs.images[photographs.first], np.array(photographs.labels)[photographs.first]
        numbers["grid pointing"] = metrics.grid_pointing(model, images, labels, method, batch_size=8)
    return {column: mean_with_interval(each) for column, each in numbers.items()}


def measured(model, photographs, word):
    """Return row -> figures: of one method and of the two controls that are made of its maps."""
    found = maps_of(model, photographs, word)
    controls = metrics.controls(found)
    rows = {word: figures_of(model, photographs, found, word)}
    for name in ("another image", "blurred"):
        rows[f"{word}: {name}"] = figures_of(model, photographs, controls[name], None)
    return rows


def maps_of(model, photographs, word):
    """Return the maps of a method, one channel each."""
    found = maps(model, photographs.images, photographs.labels, word, batch_size=BATCH)[word]
    return found if found.ndim == 3 else found.sum(axis=-1)


def passes_of(model, photographs, words):
    """Return word -> the time of its maps in forward and backward passes over the same images, which take turns."""
    parts = [photographs.images[start : start + BATCH] for start in range(0, len(photographs.images), BATCH)]
    floors = [floor_of(keras.backend.backend(), model, part) for part in parts]
    ratios = {}
    for word in words:
        looks = [lambda: [floor() for floor in floors], lambda word=word: maps_of(model, photographs, word)]
        times = [[seconds(look) for look in looks] for _ in range(6)][1:]  # the first compiles
        ratios[word] = statistics.median(took / base for base, took in times)
    return ratios


def controls_of_all(model, photographs):
    """Return the rows of the controls that are the same for every method."""
    found = metrics.controls(np.ones((len(photographs.labels), 7, 7), "float32"))

    def control(name):
        return lambda model, images, targets: metrics.controls(np.ones((len(images), 14, 14)))[name]

    return {name: figures_of(model, photographs, found[name], control(name)) for name in ("centre", "noise")}


def cell(figure):
    """Return a figure in words: its mean, and the ends of its interval below."""
    if figure is None or np.isnan(figure[0]):
        return ""
    return f"{figure[0]:.2f}<br><small>{figure[1]:.2f} to {figure[2]:.2f}</small>"


def table(rows):
    """Return the lines of the table."""
    lines = [f"| maps | {' | '.join(COLUMNS)} | passes |", "|---" * (len(COLUMNS) + 2) + "|"]
    for name, figures in rows.items():
        passes = f"{figures['passes']:.1f}" if "passes" in figures else ""
        method, _, control = name.partition(": ")
        title = METHODS[method].title if method in METHODS else method
        said = f"{title}, {control}" if control else f"**{title}**" if method in METHODS else title
        lines.append(f"| {said} | {' | '.join(cell(figures.get(column)) for column in COLUMNS)} | {passes} |")
    return "\n".join(lines)


def main(words):
    """Measure, keep what was measured beside this file, and write the table."""
    kept = pathlib.Path(__file__).with_suffix(".json")
    rows = json.loads(kept.read_text(encoding="utf-8")) if kept.exists() and words else {}
    model = keras.models.load_model(DATA / "models/googlenet.keras", compile=False)
    photographs = Photographs()
    explaining = [word for word, method in METHODS.items() if method.layout is None]
    for word in [] if words == ["passes"] else words or explaining:
        rows |= measured(model, photographs, word)
        print(word, rows[word], flush=True)
    if "centre" not in rows:
        rows |= controls_of_all(model, photographs)
    rows |= {name: rows.pop(name) for name in ("centre", "noise")}  # at the end
    for word, passes in passes_of(model, photographs, [word for word in rows if word in METHODS]).items():
        rows[word]["passes"] = passes
    kept.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    text = PAGE.read_text(encoding="utf-8")
    marked = re.compile(r"(?<=<!-- measured -->\n).*?(?=<!-- end -->)", re.DOTALL)
    PAGE.write_text(marked.sub(lambda _: f"\n{table(rows)}\n\n", text), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
