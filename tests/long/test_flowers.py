"""Real training runs on real photographs; want the environment variable KERAS_SEE_DATA."""

import os
from pathlib import Path

import keras
import numpy as np
import pytest
from legibility import at_peak, can_be_read

import keras_see
from keras_see.cli import demo
from keras_see.visualization.map_drawing import upper_limit

DATA = os.environ.get("KERAS_SEE_DATA")
SHOWN = 60

pytestmark = pytest.mark.skipif(not DATA, reason="KERAS_SEE_DATA does not name the folder with real photographs")


def test_a_run_on_photographs_learns_and_shows_every_epoch(tmp_path):
    found = demo.run(data=Path(DATA) / "flowers", log_dir=tmp_path, epochs=3)
    assert found["accuracy"] > 0.4  # five classes
    written = keras_see.read(tmp_path)
    for word in ("saliency", "grad_cam", "overview"):
        assert [step for step, _ in written[f"see/{word}"]] == [-1, 0, 1, 2]
    assert "see/status" not in written


def flowers(part, most):
    """Return photographs 128 × 128 and their classes, in an order that mixes the classes."""
    options = {"image_size": (128, 128), "batch_size": most, "shuffle": True, "seed": 0, "verbose": False}
    x, y = next(iter(keras.utils.image_dataset_from_directory(Path(DATA) / "flowers" / part, **options)))
    return keras.ops.convert_to_numpy(x), keras.ops.convert_to_numpy(y)


@pytest.fixture(scope="module")
def run():
    """Photographs of flowers that were not trained on, and the Grad-CAM maps of a network that knows flowers."""
    keras.utils.set_random_seed(0)
    trained = keras.models.load_model(Path(DATA) / "models/mobilenet_v2.keras", compile=False)
    features = keras.Model(trained.input, trained.get_layer("add_7").output)  # 8 × 8, finer than the last
    x, y = flowers("train", 900)
    x_val, y_val = flowers("val", 300)
    known = features.predict(x / 127.5 - 1, batch_size=32, verbose=0)
    head = keras.Sequential([keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(5, "softmax")])
    head.compile(keras.optimizers.Adam(3e-3), "sparse_categorical_crossentropy", metrics=["accuracy"])
    head.fit(known, y, epochs=15, verbose=0)
    model = keras.Model(features.input, head(features.output))
    predicted = model.predict(x_val / 127.5 - 1, batch_size=32, verbose=0).argmax(axis=1)
    assert (predicted == y_val).mean() >= 0.6
    return x_val[:SHOWN].astype("uint8"), keras_see.grad_cam_maps(model, x_val[:SHOWN] / 127.5 - 1, y_val[:SHOWN])


@pytest.mark.parametrize("peak", [None, 0.1, 0.2])
def test_maps_can_be_seen_on_flowers_and_the_flowers_under_them(run, peak):
    pictures, maps = run
    scale = float(upper_limit(maps, "all"))
    kept = maps.max(axis=(1, 2)) > 0
    pictures, maps = pictures[kept], maps[kept]
    readable = can_be_read(pictures, maps if peak is None else at_peak(maps, peak, scale), scale)
    assert len(readable) >= 40
    assert np.mean(readable) >= 0.9  # not more: colours over the nearly black photographs among them are dark
