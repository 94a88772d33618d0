"""Make the pictures of the README and the documentation again: python docs/make_pictures.py [name ...].

All of them show data that may be published: the handwritten digits and the two photographs that scikit-learn ships.
"""

import sys
import tempfile
from pathlib import Path

import keras
import numpy as np
from PIL import Image

import keras_see
from keras_see.cli.demo_data import SIDE, cluttered_digits
from keras_see.optimization.activation_maximization import neuron_ascent

HERE = Path(__file__).parent / "pictures"
sys.path.append(str(Path(__file__).parents[1] / "examples"))
SHOWN = 5


class Maps(keras.callbacks.Callback):
    """Keeps the Grad-CAM maps of some images before training and after each epoch."""

    def __init__(self, images, labels):
        super().__init__()
        self.images, self.labels, self.kept = images, labels, {}

    def on_train_begin(self, logs=None):
        self.kept["before training"] = keras_see.grad_cam_maps(self.model, self.images, self.labels)

    def on_epoch_end(self, epoch, logs=None):
        self.kept[f"epoch {epoch + 1}"] = keras_see.grad_cam_maps(self.model, self.images, self.labels)


def watched_digits():
    """Train on digits in clutter; save the Grad-CAM maps of the epochs side by side, and the last overview sheet."""
    keras.utils.set_random_seed(0)
    x, y, _ = cluttered_digits(6000, seed=0)
    x_val, y_val, _ = cluttered_digits(SHOWN, seed=1, validation=True)
    model = keras_see.gap_classifier(10, input_shape=(SIDE, SIDE, 1))
    model.compile(keras.optimizers.Adam(1e-3), "sparse_categorical_crossentropy")
    maps, log_dir = Maps(x_val, y_val), tempfile.mkdtemp()
    watch = keras_see.Watch(log_dir, (x_val[:4], y_val[:4]), class_names=[f"a {digit}" for digit in range(10)])
    model.fit(x, y, batch_size=32, epochs=4, callbacks=[maps, watch], verbose=2)
    overview = keras_see.read(log_dir)["see/overview"][-1][1]
    Image.fromarray(overview).save(HERE / "overview.jpg", quality=85)
    upper = max(each.max() for each in maps.kept.values())
    columns = {name: keras_see.overlay(x_val, each, scale=upper) for name, each in maps.kept.items()}
    captions = [f"a hidden {label}" for label in y_val]
    keras_see.sheet(x_val, columns, captions=captions).save(HERE / "watched_digits.png", optimize=True)


class Neurons(keras.callbacks.Callback):
    """Keeps optimized images of some channels before training and after each epoch."""

    def __init__(self, layer, channels, size):
        super().__init__()
        self.layer, self.channels, self.size, self.kept = layer, channels, size, {}

    def on_train_begin(self, logs=None):
        self.ascent = neuron_ascent(self.model, self.layer, self.channels, size=self.size)
        self.buffers = self.ascent.start()
        self._optimize("before training")

    def on_epoch_end(self, epoch, logs=None):
        self._optimize(f"epoch {epoch + 1}")

    def _optimize(self, title):
        self.buffers, _ = self.ascent.run(self.buffers, 16)
        self.kept[title] = np.rint(self.ascent.images(self.buffers)).astype("uint8")


def evolving_neurons():
    """Train the small network of the examples; save the images of four channels from all epochs side by side."""
    from small_network import colored_shapes, untrained_network

    keras.utils.set_random_seed(0)
    images, labels, _ = colored_shapes(3200, seed=0)
    model, neurons = untrained_network(), Neurons("relu6", [2, 5, 17, 30], (96, 96))
    model.compile(keras.optimizers.Adam(2e-3), "sparse_categorical_crossentropy")
    model.fit(images, labels, epochs=5, callbacks=[neurons], verbose=2)
    (title, first), *rest = neurons.kept.items()
    captions = [f"channel {number}" for number in neurons.channels]
    sheet = keras_see.sheet(first, dict(rest), captions=captions, title=title)
    sheet.save(HERE / "evolving_neurons.jpg", quality=88)


def neuron_images():
    """Save optimized images of channels of three layers and of classes side by side."""
    from small_network import CLASSES, small_network

    network, found, captions = small_network(), [], []
    for layer in ("relu2", "relu4", "relu6"):
        found.append(keras_see.neuron_images(network, layer, [2, 5, 11, 17], size=(96, 96), steps=128))
        captions += [f"{layer}, channel {channel}" for channel in (2, 5, 11, 17)]
    found.append(keras_see.class_images(network, [0, 1, 6, 11], size=(96, 96), steps=128))
    captions += [CLASSES[number] for number in (0, 1, 6, 11)]
    images = np.rint(np.concatenate(found)).astype("uint8")
    keras_see.sheet(images, {}, captions=captions, title="").save(HERE / "neuron_images.jpg", quality=88)


def content_images():
    """Save images beside their reconstructions from three layers."""
    from small_network import colored_shapes, small_network

    images, _, _ = colored_shapes(3, seed=1)
    columns = {
        layer: np.rint(keras_see.content_images(small_network(), images, layer, value_range=(0, 255))).astype("uint8")
        for layer in ("relu1", "pool3", "relu6")
    }
    keras_see.sheet(images, columns).save(HERE / "content_images.jpg", quality=88)


PICTURES = [watched_digits, evolving_neurons, neuron_images, content_images]

if __name__ == "__main__":
    HERE.mkdir(exist_ok=True)
    for picture in PICTURES:
        if not sys.argv[1:] or picture.__name__ in sys.argv[1:]:
            picture()
