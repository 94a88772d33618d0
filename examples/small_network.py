"""The small network of the examples: it classifies twelve coloured shapes on photographs, and trains in a minute.

The examples use it where no `--model` is given. It is saved as `small_network.keras` beside this file, so that
only the first example trains it; `python examples/small_network.py` trains it again.
"""

from pathlib import Path

import keras
import numpy as np
from keras import layers
from PIL import Image, ImageDraw
from sklearn.datasets import load_sample_images

SIDE = 64
COLORS = {"red": (205, 40, 45), "green": (45, 150, 60), "blue": (45, 85, 205)}
SHAPES = ("disc", "ring", "star", "grid")
CLASSES = [f"{color} {shape}" for color in COLORS for shape in SHAPES]
FILE = Path(__file__).with_name("small_network.keras")


def small_network():
    """Return the trained network: RGB images 0–255 of any size in, probabilities of `CLASSES` out."""
    if FILE.is_file():
        return keras.saving.load_model(FILE)
    print("Training the small network of the examples, once ...", flush=True)
    keras.utils.set_random_seed(0)
    network = untrained_network()
    images, labels, _ = colored_shapes(3200, seed=0)
    network.compile(keras.optimizers.Adam(2e-3), "sparse_categorical_crossentropy", metrics=["accuracy"])
    network.fit(images, labels, epochs=5, verbose=2)
    network.save(FILE)
    return network


def untrained_network():
    """Return the network as it is before training, not compiled."""
    images = features = keras.Input((None, None, 3), name="images")
    features = layers.Rescaling(1 / 127.5, offset=-1)(features)
    for number, filters in enumerate((24, 32, 48, 64, 64, 96), start=1):
        features = layers.Conv2D(filters, 3, padding="same", use_bias=False, name=f"conv{number}")(features)
        features = layers.BatchNormalization(momentum=0.9, name=f"norm{number}")(features)
        features = layers.ReLU(name=f"relu{number}")(features)
        if number in (1, 3, 5):
            features = layers.MaxPooling2D(name=f"pool{number}")(features)
    means = layers.GlobalAveragePooling2D(name="gap")(features)
    return keras.Model(images, layers.Dense(len(CLASSES), "softmax", name="predictions")(means), name="small_network")


def colored_shapes(count, seed):
    """Return images of one coloured shape each, on crops of the two photographs that scikit-learn ships.

    Returns:
        uint8 images `(count, 64, 64, 3)`, class numbers `(count,)`, and boxes `(count, 4)` around the shapes:
        `(x0, y0, x1, y1)`, half-open.
    """
    random = np.random.default_rng(seed)
    photographs = [Image.fromarray(photograph) for photograph in load_sample_images().images]
    labels = random.integers(len(CLASSES), size=count)
    drawn = [_one(photographs[random.integers(2)], CLASSES[label], random) for label in labels]
    return np.stack([image for image, _ in drawn]), labels, np.array([box for _, box in drawn])


def _one(photograph, name, random):
    color, shape = name.split()
    edge = random.integers(SIDE, min(photograph.size))
    left, top = (random.integers(length - edge + 1) for length in photograph.size)
    image = photograph.resize((SIDE, SIDE), Image.Resampling.BILINEAR, (left, top, left + edge, top + edge))
    side = int(random.integers(SIDE * 3 // 8, SIDE * 3 // 4))
    x, y = (int(place) for place in random.integers(SIDE - side + 1, size=2))
    paint = np.clip(np.array(COLORS[color]) + random.normal(0, 20, 3), 0, 255).astype(int)
    image.paste(tuple(paint.tolist()), (x, y), _mask(shape, side, random.uniform(0, 90)))
    noisy = np.asarray(image) * random.uniform(0.7, 1.2) + random.normal(0, 6, (SIDE, SIDE, 3))
    return noisy.clip(0, 255).astype("uint8"), (x, y, x + side, y + side)


def _mask(shape, side, angle):
    """Return the mask of a shape, drawn at four times its size so that its edges become smooth."""
    large = side * 4
    mask = Image.new("L", (large, large))
    pen, thick = ImageDraw.Draw(mask), large // 8
    if shape == "disc":
        pen.ellipse((0, 0, large, large), fill=255)
    elif shape == "ring":
        pen.ellipse((0, 0, large, large), outline=255, width=large // 5)
    elif shape == "star":
        turns = np.deg2rad(angle + 36 * np.arange(10))
        radii = np.where(np.arange(10) % 2, 0.2, 0.5) * large
        points = large / 2 + radii[:, None] * np.stack([np.cos(turns), np.sin(turns)], axis=1)
        pen.polygon([tuple(point) for point in points.tolist()], fill=255)
    else:
        for place in range(0, large, 2 * thick):
            pen.rectangle((place, 0, place + thick, large), fill=255)
            pen.rectangle((0, place, large, place + thick), fill=255)
    return mask.resize((side, side), Image.Resampling.BOX)


if __name__ == "__main__":
    FILE.unlink(missing_ok=True)
    images, labels, _ = colored_shapes(500, seed=1)
    print(f"accuracy on new images: {np.mean(small_network().predict(images, verbose=0).argmax(axis=1) == labels):.1%}")
