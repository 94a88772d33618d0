"""What the examples run on: the small network and its images, or what the command line names."""

import argparse
from functools import partial
from pathlib import Path

import keras
import numpy as np
from keras.applications.imagenet_utils import preprocess_input
from PIL import Image, ImageOps
from small_network import CLASSES, SIDE, colored_shapes, small_network

parser = argparse.ArgumentParser()
parser.add_argument("--model", metavar="FILE", help="a .keras file in place of the small network")
parser.add_argument("--preprocess", choices=("tf", "torch", "caffe"), help="a mode of keras.applications")
parser.add_argument("--classes", metavar="FILE", help="names of the model's classes, one per line")
parser.add_argument("--image", metavar="FILE", nargs="+", help="photographs in place of the example's own")
options = parser.parse_known_args()[0]  # Jupyter adds arguments of its own
photographs = [Image.open(file).convert("RGB") for file in options.image or ()]


def setup():
    """Return a model, uint8 images, the function that prepares them for the model, and class names."""
    model = keras.saving.load_model(options.model, compile=False) if options.model else small_network()
    side = model.input_shape[1] or (224 if options.model else SIDE)
    pictures = photographs or [Image.fromarray(image) for image in colored_shapes(6, seed=1)[0]]
    images = np.stack([ImageOps.fit(picture, (side, side)) for picture in pictures])
    mode = options.preprocess
    names = [f"class {number}" for number in range(model.output_shape[-1])] if options.model else CLASSES
    if options.classes:
        names = [line.partition(",")[0] for line in Path(options.classes).read_text(encoding="utf-8").splitlines()]
    return model, images, partial(preprocess_input, mode=mode) if mode else lambda images: images, names


def show(picture, name):
    """Save a picture beside the examples, print where, and return it: a notebook shows what its cell ends in."""
    picture.save(Path(__file__).with_name(name))
    print(f"Picture: {Path(__file__).with_name(name)}")
    return picture
