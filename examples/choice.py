"""The model and the images that an example looks at: those of the command line, or the small network and its own."""

import argparse
import inspect
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
from PIL import Image
from sklearn.datasets import load_sample_images
from small_network import CLASSES, SIDE, colored_shapes, small_network

# How files of models may want their images: 0 to 1, or in one of the ways of `keras.applications`.
WAYS = ("unit", "tf", "torch", "caffe")


@dataclass
class Choice:
    """What an example looks at.

    Attributes:
        model: The `keras.Model`.
        images: uint8 RGB `(n, height, width, 3)`, as a person wants to see them.
        labels: Their class numbers, or None where nobody has told.
        preprocess: Makes of images what the model takes, or None if it takes them as they are.
        class_names: In the order of the class numbers, or None.
        small: Whether the model is the small network.
        given: Whether the images are those of the command line.
        photographs: uint8 RGB arrays `(height, width, 3)`, the given ones in their own sizes, or those of scikit-learn.
    """

    model: keras.Model
    images: np.ndarray
    labels: np.ndarray | None
    preprocess: object
    class_names: list | None
    small: bool
    given: bool
    photographs: list

    def prepared(self, images=None):
        """Return images, its own unless others are given, as the model takes them, float32."""
        images = self.images if images is None else images
        return np.asarray(self.preprocess(images) if self.preprocess else images, "float32")

    def name(self, number):
        """Return the name of a class, the first of several ("Eskimo dog, husky")."""
        return self.class_names[number].split(",")[0] if self.class_names else f"class {number}"


def choose(description, count=6):
    """Return the `Choice` that the command line makes; without arguments, `count` new images for the small network."""
    options = _options(description)
    model, preprocess, class_names = _model(options)
    given = [_opened(file) for file in options.image or ()]
    photographs = given or list(load_sample_images().images)
    small, labels = options.model is None, None
    if small and not given:
        images, labels, _ = colored_shapes(count, seed=1)
    else:
        side = SIDE if small else model.input_shape[1] or 224
        images = np.stack([_square(photograph, side) for photograph in photographs])
    return Choice(model, images, labels, preprocess, class_names, small, bool(given), photographs)


def save(picture, name):
    """Save a picture, an image of Pillow or a uint8 array, beside the examples, and say where."""
    file = Path(__file__).with_name(name)
    (picture if isinstance(picture, Image.Image) else Image.fromarray(picture)).save(file)
    print(f"Picture: {file}")


def resized(images, side):
    """Return uint8 images `(n, height, width, 3)` as squares of the given side."""
    scaled = [Image.fromarray(image).resize((side, side), Image.Resampling.LANCZOS) for image in images]
    return np.stack([np.asarray(image) for image in scaled])


def _options(description):
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", help="a name in keras.applications, with its ImageNet weights, or a .keras file")
    parser.add_argument("--image", nargs="+", metavar="FILE", help="photographs to look at")
    parser.add_argument("--preprocess", choices=WAYS, help="how the .keras file wants its images; default: 0 to 255")
    parser.add_argument("--classes", metavar="FILE", help="names of the classes of the .keras file, one a line")
    return parser.parse_known_args()[0]  # Jupyter has arguments of its own


def _model(options):
    """Return the model, its `preprocess` and the names of its classes."""
    if options.model is None:
        return small_network(), None, CLASSES
    if options.model.endswith(".keras"):
        names = Path(options.classes).read_text(encoding="utf-8").splitlines() if options.classes else None
        return keras.saving.load_model(options.model, compile=False), _way(options.preprocess), names
    build, module = _application(options.model)
    model = build(weights="imagenet")
    ranked = keras.applications.imagenet_utils.decode_predictions(np.eye(1000), top=1)
    return model, lambda images: module.preprocess_input(np.array(images, "float32")), [one[0][1] for one in ranked]


def _way(way):
    if way in (None, "unit"):
        return way and (lambda images: np.asarray(images, "float32") / 255)
    return lambda images: keras.applications.imagenet_utils.preprocess_input(np.array(images, "float32"), mode=way)


def _application(name):
    """Return the function that builds a model of `keras.applications`, such as "MobileNetV2", and its module."""
    for module in vars(keras.applications).values():
        for known, build in vars(module).items() if inspect.ismodule(module) else ():
            if known.lower() == name.lower().replace("_", "") and callable(build):
                return build, module
    raise SystemExit(f"--model must be a name in keras.applications or a .keras file. Got {name!r}. Try MobileNetV2.")


def _opened(file):
    with Image.open(file) as image:
        return np.asarray(image.convert("RGB"))


def _square(photograph, side):
    """Return the middle square of a photograph, in the given size."""
    height, width = photograph.shape[:2]
    edge = min(height, width)
    top, left = (height - edge) // 2, (width - edge) // 2
    return resized(photograph[None, top : top + edge, left : left + edge], side)[0]
