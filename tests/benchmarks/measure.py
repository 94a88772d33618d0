"""Measure one tool on one model in this environment, and print the figures as lines of JSON."""

import argparse
import importlib
import json
import statistics

from floor import DEPTH, floor_of, images_for, model_of, seconds
from tools import LOOKS


def measured(tool, name, count, repeats, size, depth):
    """Yield a dict for each method: medians in seconds, and the ratio to the floor beside it.

    Floor and looks take turns, so that a machine whose speed drifts slows both.
    """
    keras = importlib.import_module("tf_keras" if tool == "tf-explain" else "keras")
    backend = "tensorflow" if tool == "tf-explain" else keras.backend.backend()
    model = model_of(keras, name, size, depth)
    images = images_for(model, count)
    floor, looks = floor_of(backend, model, images), LOOKS[tool](model, images)
    first = {method: sum(look.timed(seconds)) for method, look in looks.items()}
    floor()
    floors, waits, besides = ({method: [] for method in looks} for _ in range(3))
    for _ in range(repeats):
        for method, look in looks.items():
            floors[method].append(seconds(floor))
            wait, beside = look.timed(seconds)
            waits[method].append(wait)
            besides[method].append(beside)
    for method in looks:
        ratios = [wait / base for wait, base in zip(waits[method], floors[method], strict=True)]
        yield {
            "tool": tool, "backend": backend, "model": name, "images": count, "size": model.input_shape[1],
            "depth": depth if name == "cnn" else 0, "method": method, "ratio": statistics.median(ratios),
            "floor": statistics.median(floors[method]), "wait": statistics.median(waits[method]),
            "beside": statistics.median(besides[method]), "first": first[method], "waits": waits[method],
        }  # fmt: skip


def main():
    """Print a line per method."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tool", choices=LOOKS)
    parser.add_argument("--model", default="cnn")
    parser.add_argument("--images", type=int, default=8)
    parser.add_argument("--size", type=int)
    parser.add_argument("--depth", type=int, default=DEPTH)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    given = (options.tool, options.model, options.images, options.repeats, options.size, options.depth)
    for figures in measured(*given):
        print(json.dumps(figures), flush=True)


if __name__ == "__main__":
    main()
