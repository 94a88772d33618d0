"""How long one step of an ascent takes, as a ratio to the floor: python tests/benchmarks/ascent_cost.py [--layer ...].

The floor is one compiled forward and backward pass of the truncated model on the same batch, from the mean of the
layer's channels to the images, in the same process. Floor and steps take turns, so that a machine whose speed drifts
slows both; medians are given. A step in which the gradient leaks through closed activations, for an image that has no
gradient of its own, runs another program: it is measured apart. `--model` takes a `.keras` file in place of MobileNetV2
with random weights.
"""

import argparse
import dataclasses
import statistics
import time

import keras
import numpy as np
from keras import ops

from keras_see.model import backend
from keras_see.optimization import rescue
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


def active_channels(model, layer, count):
    """Return the numbers of channels whose images have a gradient of their own from the start."""
    channels = list(range(min(8 * count, model.get_layer(layer).output.shape[-1])))
    ascent = neuron_ascent(model, layer, channels, batch_size=count)
    states, _ = ascent.run(ascent.start(), 2)
    active = np.flatnonzero(ascent.conditions(states) == rescue.ACTIVE)
    if len(active) < count:
        raise SystemExit(f"`--layer` must have {count} active channels among its first. {layer} has {len(active)}.")
    return [int(channel) for channel in active[:count]]


def measure(model, layer, count, runs):
    """Print one row: the floor, a step and a leaking step, and their ratios to the floor."""
    batched = neuron_ascent(model, layer, active_channels(model, layer, count), batch_size=count)
    (state,) = batched.start()
    images = np.random.default_rng(0).random(batched.images([state]).shape).astype("float32")
    floor = floor_of(model, layer, images)
    leaking = dataclasses.replace(state, mode=np.full(count, rescue.LEAKING, "float32"))
    readings = [_seconds(floor, batched, state, leaking) for _ in range(runs + 1)][1:]  # the first compiles
    base, step, leak = (statistics.median(column) for column in zip(*readings, strict=True))
    ratios = [statistics.median(reading[column] / reading[0] for reading in readings) for column in (1, 2)]
    times = " | ".join(f"{seconds * 1e3:.1f}" for seconds in (base, step, leak))
    print(f"| {model.name} | {layer} | {count} | {times} | **{ratios[0]:.2f}** | {ratios[1]:.2f} |", flush=True)


def _seconds(floor, batched, state, leaking):
    """Return the seconds of a floor, of a step and of a leaking step, in turn."""

    def of(function):
        began = time.perf_counter()
        function()
        return (time.perf_counter() - began) / TOGETHER

    goals = batched.goals
    return (
        of(lambda: [floor() for _ in range(TOGETHER)]),
        of(lambda: batched.ascent.run(state, TOGETHER, goals)),
        of(lambda: [batched.ascent.run(leaking, 1, goals) for _ in range(TOGETHER)]),
    )


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
    print("| model | layer | images | floor, ms | step, ms | leaking step, ms | step / floor | leaking / floor |")
    print("|---|---|---|---|---|---|---|---|")
    for count in options.images:
        measure(model, options.layer, count, options.runs)


if __name__ == "__main__":
    main()
