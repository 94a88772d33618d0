"""What the examples run on: the small network and images of its own, or those of the command line."""

import argparse
import functools
import sys
from pathlib import Path

import keras
import numpy as np
from PIL import Image
from sklearn.datasets import load_sample_images
from small_network import CLASSES, SIDE, colored_shapes, small_network


def load(count=6):
    """Return `(model, images, preprocess, class_names)` for an example.

    `images` are uint8 `(n, height, width, 3)`, and `preprocess(images)` is what the model takes.
    """
    model, preprocess, class_names = load_model()
    files = _options().image
    if files is None and model.name == "small_network":
        return model, colored_shapes(count, seed=1)[0], preprocess, class_names
    side = side_of(model)
    return model, np.stack([_square(photograph, side) for photograph in load_photographs()]), preprocess, class_names


def load_model():
    """Return `(model, preprocess, class_names)`."""
    options = _options()
    if options.model is None:
        return small_network(), _unchanged, CLASSES
    if not options.model.endswith(".keras"):
        build = getattr(keras.applications, options.model)
        ranked = keras.applications.imagenet_utils.decode_predictions(np.eye(1000), top=1)
        return build(weights="imagenet"), sys.modules[build.__module__].preprocess_input, [row[0][1] for row in ranked]
    model = keras.saving.load_model(options.model, compile=False)
    if options.classes is None:
        class_names = [f"class {number}" for number in range(model.output_shape[-1])]
    else:
        lines = Path(options.classes).read_text(encoding="utf-8").splitlines()
        class_names = [line.partition(",")[0] for line in lines]  # "Eskimo dog, husky" has several names
    return model, _preprocess(options.preprocess), class_names


def load_photographs():
    """Return a list of uint8 RGB photographs `(height, width, 3)`, each in its own size."""
    files = _options().image
    if files is None:
        return list(load_sample_images().images)
    return [np.asarray(Image.open(file).convert("RGB")) for file in files]


def side_of(model):
    """Return the side in pixels of the square images that a model is used with."""
    return model.input_shape[1] or (SIDE if model.name == "small_network" else 224)


def save(picture, name):
    """Save a Pillow image or a uint8 array beside the examples, and print where."""
    path = Path(__file__).with_name(name)
    (picture if isinstance(picture, Image.Image) else Image.fromarray(picture)).save(path)
    print(f"Picture: {path}")


@functools.cache
def _options():
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", help="a model of keras.applications, such as MobileNetV2, or a .keras file")
    parser.add_argument("--image", nargs="+", metavar="FILE", help="photographs in place of the example's own")
    parser.add_argument("--preprocess", choices=("unit", "tf", "torch", "caffe"), help="for a .keras file")
    parser.add_argument("--classes", metavar="FILE", help="class names of a .keras file, one per line")
    return parser.parse_known_args()[0]  # Jupyter adds arguments of its own


def _preprocess(mode):
    """Return a function from images 0–255 to what a model takes; `mode` as in `keras.applications`, or "unit"."""
    if mode is None:
        return _unchanged
    if mode == "unit":
        return lambda images: images / 255
    return functools.partial(keras.applications.imagenet_utils.preprocess_input, mode=mode)


def _unchanged(images):
    return images


def _square(photograph, side):
    """Return the central square of a photograph, resized."""
    height, width = photograph.shape[:2]
    edge = min(height, width)
    left, top = (width - edge) // 2, (height - edge) // 2
    box = (left, top, left + edge, top + edge)
    return np.asarray(Image.fromarray(photograph).resize((side, side), Image.Resampling.LANCZOS, box))
