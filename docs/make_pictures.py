"""Make the pictures of the README and the documentation again: python docs/make_pictures.py.

All of them show data that may be shown: the handwritten digits that scikit-learn ships.
"""

from pathlib import Path

import keras

import keras_see
from keras_see.demo_data import SIDE, cluttered_digits

HERE = Path(__file__).parent / "pictures"
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
    """Train on digits in clutter, and lay the Grad-CAM maps of the epochs side by side."""
    keras.utils.set_random_seed(0)
    x, y, _ = cluttered_digits(6000, seed=0)
    x_val, y_val, _ = cluttered_digits(SHOWN, seed=1, validation=True)
    model = keras_see.gap_classifier(10, input_shape=(SIDE, SIDE, 1))
    model.compile(keras.optimizers.Adam(1e-3), "sparse_categorical_crossentropy")
    maps = Maps(x_val, y_val)
    model.fit(x, y, batch_size=32, epochs=4, callbacks=[maps], verbose=2)
    upper = max(each.max() for each in maps.kept.values())
    columns = {name: keras_see.overlay(x_val, each, scale=upper) for name, each in maps.kept.items()}
    captions = [f"a hidden {label}" for label in y_val]
    keras_see.sheet(x_val, columns, captions=captions).save(HERE / "watched_digits.png", optimize=True)


if __name__ == "__main__":
    HERE.mkdir(exist_ok=True)
    watched_digits()
