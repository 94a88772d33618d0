"""How long one step of an ascent takes, as a ratio to the floor: python tests/benchmarks/ascent_cost.py [--layer ...].

The floor is one compiled forward and backward pass of the truncated model on the same batch, from the mean of the
layer's channels to the images, in the same process. Floor and steps take turns, so that a machine whose speed drifts
slows both; medians are given. `--model` takes a `.keras` file in place of MobileNetV2 with random weights.
"""

import argparse
import statistics
import time

import keras
import numpy as np
from keras import ops

from keras_see.model import backend
from keras_see.optimization.activation_maximization import neuron_ascent

TOGETHER = 8  # steps per reading: the first of a run waits for nothing


def floor_of(model, layer, images):
    """Return a function that runs one compiled forward and backward pass up to a layer, and waits for it."""
    truncated = keras.Model(model.inputs, model.get_layer(layer).output)
    images, variables = ops.convert_to_tensor(images), truncated.variables

    def step(values, images):
        def score(points):
            with keras.StatelessScope(state_mapping=list(zip(variables, values, strict=False))):
                features = truncated(points["images"], training=False)
            return ops.sum(ops.mean(features, axis=(1, 2))[:, 0]), features[:1, 0, 0]

        return backend.gradients(score, {"images": images})[1]["images"]

    compiled = backend.compiled(step)
    return lambda: ops.convert_to_numpy(compiled(backend.values(variables), images))


def measure(model, layer, count, runs):
    """Print one row: the floor, a step, their ratio."""
    ascent = neuron_ascent(model, layer, list(range(count)), batch_size=count)
    states, _ = ascent.run(ascent.start(), 2)
    images = np.random.default_rng(0).random((count, *ascent.images(states).shape[1:])).astype("float32")
    floor = floor_of(model, layer, images)
    floor()
    floors, steps = [], []
    for _ in range(runs):
        began = time.perf_counter()
        for _ in range(TOGETHER):
            floor()
        floors.append((time.perf_counter() - began) / TOGETHER)
        began = time.perf_counter()
        states, _ = ascent.run(states, TOGETHER)
        steps.append((time.perf_counter() - began) / TOGETHER)
    base, step = statistics.median(floors), statistics.median(steps)
    ratio = statistics.median(one / other for one, other in zip(steps, floors, strict=True))
    print(f"| {model.name} | {layer} | {count} | {base * 1e3:.1f} | {step * 1e3:.1f} | **{ratio:.2f}** |", flush=True)


def main():
    """Print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", help="a .keras file; default: MobileNetV2 at 224 with random weights")
    parser.add_argument("--layer", default="block_13_expand_relu")
    parser.add_argument("--images", nargs="+", type=int, default=[1, 4, 8])
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    if options.model:
        model = keras.models.load_model(options.model, compile=False)
    else:
        model = keras.applications.MobileNetV2(weights=None)
    print(f"Keras {keras.__version__} on {keras.backend.backend()}\n")
    print("| model | layer | images | floor, ms | step, ms | ratio |\n|---|---|---|---|---|---|")
    for count in options.images:
        measure(model, options.layer, count, options.runs)


if __name__ == "__main__":
    main()
