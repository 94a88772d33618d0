"""How long a step of a dream takes, as a ratio to the floor per pixel: python tests/benchmarks/dream_cost.py.

The floor is one compiled forward and backward pass of the same model, cut off after the layers dreamt of, over one
tile, written in plain Keras. A step visits all tiles of the photo. Both take turns in one process, so that a machine
whose speed drifts slows both; medians are given. KERAS_SEE_DATA names a folder with `models/googlenet.keras`;
without it an untrained InceptionV3 is measured.
"""

import argparse
import os
import pathlib
import statistics
import time

import keras
import numpy as np
from keras import ops

from keras_see.deepdream.deep_dream import image_array_for, octave_runner
from keras_see.deepdream.options import DreamOptions
from keras_see.model import backend

SIZE = (768, 1024)


def measured():
    """Return the model, its layers and its `preprocess`."""
    if "KERAS_SEE_DATA" in os.environ:
        path = pathlib.Path(os.environ["KERAS_SEE_DATA"]) / "models/googlenet.keras"
        layers = ["inception_3b_output", "inception_4c_output"]
        return keras.models.load_model(path, compile=False), layers, lambda x: x[..., ::-1] - [104, 117, 123]
    model = keras.applications.InceptionV3(weights=None, include_top=False)
    return model, ["mixed2", "mixed6"], lambda x: x / 127.5 - 1


def floor_of(model, layers, tile):
    """Return a function that runs one forward and backward pass over a tile and waits for it."""
    cut = keras.Model(model.inputs[0], [model.get_layer(layer).output for layer in layers])
    variables = cut.variables

    def step(values, images):
        def score(points):
            with keras.StatelessScope(state_mapping=list(zip(variables, values, strict=False))):
                outputs = cut(points["images"], training=False)
            return sum(ops.mean(ops.square(output)) for output in outputs), ()

        return backend.gradients(score, {"images": images})[1]["images"]

    compiled, images = backend.compiled(step), ops.convert_to_tensor(tile[None])
    return lambda: ops.convert_to_numpy(compiled(backend.values(variables), images))


class Turns:
    """A progress function, called after each tile: times every whole step, and the floor after it."""

    def __init__(self, tiles, floor):
        self.steps, self.floors = [], []
        self._tiles, self._floor, self._calls = tiles, floor, 0
        self._began = time.perf_counter()

    def __call__(self, value):
        self._calls += 1
        if self._calls % self._tiles == 0:
            ended = time.perf_counter()
            self.steps.append(ended - self._began)
            self._floor()
            self._began = time.perf_counter()
            self.floors.append(self._began - ended)


def main():
    """Print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tiles", nargs="+", type=int, default=[512])
    parser.add_argument("--runs", type=int, default=7)
    options = parser.parse_args()
    model, layers, preprocess = measured()
    image = np.random.default_rng(0).integers(0, 256, (*SIZE, 3), "uint8")
    print(f"Keras {keras.__version__} on {keras.backend.backend()}, {SIZE[1]} × {SIZE[0]} pixels\n")
    print("| tile | tiles | floor per megapixel, s | step per megapixel, s | ratio |\n|---|---|---|---|---|")
    for tile in options.tiles:
        dream_options, photo = DreamOptions(octaves=1, steps=1, tile=tile), image_array_for(model, image)
        runner = octave_runner(model, layers, photo, dream_options, preprocess=preprocess)
        rows, columns = runner.sides(SIZE)
        turns = Turns(runner.count_tiles(SIZE), floor_of(model, layers, photo.colors[:rows, :columns]))
        list(runner.octaves(photo.colors, [SIZE], steps=options.runs + 1, step_size=0.01, progress=turns))
        steps = np.array(turns.steps[1:]) / np.prod(SIZE) * 1e6  # the first of both was compiled
        floors = np.array(turns.floors[1:]) / (rows * columns) * 1e6
        base, took, ratio = map(statistics.median, (floors, steps, steps / floors))
        print(f"| {rows} × {columns} | {runner.count_tiles(SIZE)} | {base:.2f} | {took:.2f} | **{ratio:.2f}** |")


if __name__ == "__main__":
    main()
