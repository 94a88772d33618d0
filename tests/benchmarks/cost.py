"""How long training waits for a look, as a ratio to the floor: python tests/benchmarks/cost.py [--models ...].

The floor is one compiled forward and backward pass of the same model on the same images, from the logits to the input,
in the same process. Floor and looks take turns, so that a machine whose speed drifts slows both; medians are given.
"""

import argparse
import statistics
import tempfile
import time

import keras
import numpy as np
from keras import ops

import keras_see
from keras_see import backend
from keras_see.callbacks import CAM, GradCAM, Saliency

METHODS = {"Saliency": Saliency, "GradCAM": GradCAM, "CAM": CAM, "Watch (all three)": keras_see.Watch}


def small_cnn():
    """Six convolutions on 32 × 32 pixels."""
    return keras_see.gap_classifier(10, input_shape=(32, 32, 3), activation=None)


def mobilenet():
    """MobileNetV2 at 224, with its own GAP head."""
    return keras.applications.MobileNetV2(weights=None, classifier_activation=None)


def resnet():
    """ResNet50 at 224, with its own GAP head."""
    return keras.applications.ResNet50(weights=None, classifier_activation=None)


MODELS = {"cnn": small_cnn, "mobilenet": mobilenet, "resnet": resnet}


def floor_of(model, images):
    """Return a function that runs one compiled forward and backward pass and waits for it."""
    images = ops.convert_to_tensor(images)
    variables = model.variables

    def step(values, images):
        def score(points):
            with keras.StatelessScope(state_mapping=list(zip(variables, values, strict=False))):
                outputs = model(points["images"], training=False)
            return ops.sum(ops.max(outputs, axis=-1)), outputs

        return backend.gradients(score, {"images": images})[1]["images"]

    compiled = backend.compiled(step)
    return lambda: ops.convert_to_numpy(compiled(backend.values(variables), images))


def look_of(model, images, kind):
    """Return a function that does what training waits for at an epoch's end, and a function for what runs beside it."""
    callback = kind(tempfile.mkdtemp(), images, before_training=False)
    callback.set_model(model)
    callback.set_params({"epochs": 10**6})
    callback.on_train_begin()
    callback.on_epoch_begin(0)
    epochs = iter(range(10**6))
    return lambda: callback.on_epoch_end(next(epochs)), callback._folder.drain


def timed(function):
    """Return the seconds that a function takes."""
    began = time.perf_counter()
    function()
    return time.perf_counter() - began


def measure(name, count, runs):
    """Print one row per callback: the floor, the wait, their ratio, and the work beside training."""
    keras.utils.set_random_seed(0)
    model = MODELS[name]()
    images = np.random.default_rng(0).random((count, *model.input_shape[1:])).astype("float32")
    floor = floor_of(model, images)
    looks = {title: look_of(model, images, kind) for title, kind in METHODS.items()}
    first = {title: timed(look) for title, (look, _) in looks.items()}
    floor()
    times = {title: ([], [], []) for title in looks}
    for _ in range(runs):
        for title, (look, drain) in looks.items():
            drain()
            for values, function in zip(times[title], (floor, look, drain), strict=True):
                values.append(timed(function))
    for title, (floors, waits, beside) in times.items():
        base, wait, after = map(statistics.median, (floors, waits, beside))
        ratio = statistics.median(wait / base for wait, base in zip(waits, floors, strict=True))
        cells = [name, count, title, f"{base * 1e3:.1f}", f"{wait * 1e3:.1f}", f"**{ratio:.2f}**", f"{after * 1e3:.0f}"]
        print("| " + " | ".join(map(str, [*cells, f"{first[title]:.1f}"])) + " |", flush=True)


def main():
    """Print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", nargs="+", choices=MODELS, default=["cnn", "mobilenet"])
    parser.add_argument("--images", nargs="+", type=int, default=[8, 32])
    parser.add_argument("--runs", type=int, default=15)
    options = parser.parse_args()
    print(f"Keras {keras.__version__} on {keras.backend.backend()}\n")
    print("| model | images | callback | floor, ms | training waits, ms | ratio | beside, ms | first look, s |")
    print("|---|---|---|---|---|---|---|---|")
    for name in options.models:
        for count in options.images:
            measure(name, count, options.runs)


if __name__ == "__main__":
    main()
