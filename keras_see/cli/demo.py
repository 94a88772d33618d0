"""The demo: train a small classifier and log its attribution maps."""

import time
from pathlib import Path

import keras
import numpy as np

import keras_see
from keras_see._progress import can_redraw
from keras_see.cli.demo_data import SIDE, cluttered_digits, photographs
from keras_see.cli.demo_report import EpochProgress, say_what_to_look_at, say_whether_by_luck
from keras_see.runs.event_files import is_address
from keras_see.visualization.animation import write_picture

# Number of training and of validation images.
TRAINING, VALIDATION = 6000, 1000
# Side of the user's photographs, in pixels.
PHOTOGRAPH_SIDE = 96


def run(data=None, log_dir=None, epochs=None):
    """Train on digits in clutter, or on a folder of photographs, with `Watch`, and save the last sheet.

    Args:
        data: A folder of class folders, or None for the digits.
        log_dir: Where to write; a new folder in `logs` by default.
        epochs: Number of epochs; by default 6 on digits, 12 on photographs.

    Returns:
        A dict with `"accuracy"`; on digits also `"area"`, the share of the image inside the digit's box, and `"before"`
        and `"after"`, the share of the Grad-CAM energy inside it before and after training.
    """
    if is_address(log_dir):
        raise ValueError(f"--log-dir must be a local folder. Got {log_dir!r}. Leave it out for a new one in logs.")
    log_dir = Path(log_dir or time.strftime("logs/demo-%Y%m%d-%H%M%S"))
    epochs = epochs or (6 if data is None else 12)
    keras.utils.set_random_seed(0)
    result = _on_digits(log_dir, epochs) if data is None else _on_photographs(data, log_dir, epochs)
    picture = log_dir / "last_sheet.png"
    write_picture([keras_see.read(log_dir, "see/overview")["see/overview"][-1][1]], picture)
    say_what_to_look_at(picture, log_dir, epochs, "the digits" if data is None else "what the classes are named after")
    return result


def _on_digits(log_dir, epochs):
    print(f"Hiding handwritten digits among clutter, {TRAINING} images to train on ...", flush=True)
    x, y, _ = cluttered_digits(TRAINING, seed=0)
    x_val, y_val, boxes = cluttered_digits(VALIDATION, seed=1, validation=True)
    model = keras_see.gap_classifier(10, input_shape=(SIDE, SIDE, 1))
    model.compile(keras.optimizers.Adam(2e-3), "sparse_categorical_crossentropy", metrics=["accuracy"])
    watch = keras_see.Watch(log_dir, (x_val[:8], y_val[:8]), class_names=list("0123456789"), regions=boxes[:8])
    area = float(np.mean((boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])) / SIDE**2)
    before = _energy_on_digit(model, x_val, y_val, boxes)
    accuracy = _train(model, x, y, (x_val, y_val), epochs, watch)
    after = _energy_on_digit(model, x_val, y_val, boxes)
    print("\nShare of the Grad-CAM energy that lies on the digit:")
    print(f"    before training {before:.0%}, after {after:.0%}; the digit fills {area:.0%} of the image")
    return {"accuracy": accuracy, "area": area, "before": before, "after": after}


def _energy_on_digit(model, images, labels, boxes):
    maps = keras_see.grad_cam_maps(model, images, targets=labels)
    return float(np.nanmean(keras_see.metrics.energy_inside(maps, boxes, size=(SIDE, SIDE))))


def _on_photographs(data, log_dir, epochs):
    training, validation, classes = photographs(data, PHOTOGRAPH_SIDE)
    print(f"Photographs of {len(classes)} classes: {', '.join(classes)}", flush=True)
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((PHOTOGRAPH_SIDE, PHOTOGRAPH_SIDE, 3)),
            layers.RandomFlip("horizontal"),
            layers.RandomTranslation(0.1, 0.1),
            layers.Rescaling(1 / 127.5, offset=-1),
            keras_see.gap_classifier(len(classes), input_shape=(PHOTOGRAPH_SIDE, PHOTOGRAPH_SIDE, 3)),
        ]
    )
    model.compile(keras.optimizers.Adam(2e-3), "sparse_categorical_crossentropy", metrics=["accuracy"])
    watch = keras_see.Watch(log_dir, _some_of_each(validation, len(classes)), class_names=classes)
    accuracy = _train(model, training, None, validation, epochs, watch)
    say_whether_by_luck(accuracy, validation.labels)
    return {"accuracy": accuracy}


def _some_of_each(dataset, classes, count=8):
    """Return `count` images and their labels, the classes in rotation."""
    pairs = [(image, label) for number in range(len(dataset)) for image, label in zip(*dataset[number], strict=True)]
    by_class = [[pair for pair in pairs if pair[1] == label] for label in range(classes)]
    chosen = [each[place] for place in range(count) for each in by_class if place < len(each)][:count]
    return np.stack([image for image, _ in chosen]), np.array([label for _, label in chosen])


def _train(model, x, y, validation, epochs, watch):
    # The learning rate falls to zero over the whole training, so that the maps of the last epochs hardly change.
    steps = len(x) if y is None else -(-len(x) // 32)
    model.optimizer.learning_rate = keras.optimizers.schedules.CosineDecay(2e-3, steps * epochs)
    verbose, progress = (1, []) if can_redraw() else (2, [EpochProgress()])
    history = model.fit(
        x, y, epochs=epochs, validation_data=validation, batch_size=None if y is None else 32,
        callbacks=[watch, *progress], verbose=verbose,
    )  # fmt: skip
    accuracy = float(history.history["val_accuracy"][-1])
    print(f"\nValidation accuracy: {accuracy:.1%}")
    return accuracy
