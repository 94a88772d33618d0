"""How the public names are used, for a type checker: it accepts all of this, and sees each mistake that is marked."""

from pathlib import Path
from typing import Any, assert_type

import keras
import numpy as np
from PIL import Image

import keras_see


def typed_use(model: keras.Model, x: np.ndarray, y: np.ndarray) -> None:
    assert_type(keras_see.gap_classifier(3, (32, 32, 3)), keras.Model)
    assert_type(keras_see.saliency_maps(model, x, targets=[0, 1, 2, 0]), np.ndarray)
    assert_type(keras_see.grad_cam_maps(model, [x], targets=lambda outputs: outputs[:, 0], layer="conv1"), np.ndarray)
    assert_type(keras_see.class_activation_maps(model, {"images": x}, 2, size="images"), np.ndarray)
    keras_see.saliency_maps(model, "cat.jpg")
    keras_see.saliency_maps(model, [Image.new("RGB", (8, 8))])
    keras_see.maps(model, ([Path("cat.jpg"), Path("dog.jpg")], [0, 1]))
    keras_see.overlay(Image.new("RGB", (8, 8)), np.zeros((1, 4, 4)))
    keras_see.class_images(model)
    assert_type(keras_see.maps(model, x, methods={"grad_cam": {"layer": ["conv1", "conv2"]}}), dict[str, Any])
    keras_see.neuron_images(model, "conv1", [0, 1], return_history=True, objective="neuron")
    keras_see.class_images(model, [0, 1], size=(32, 32))
    keras_see.content_images(model, x, ["conv1", "conv2"], rate=0.1)
    keras_see.dream(model, x[0], {"conv1": 1.0}, tile=64)
    keras_see.dream(model, "photo.jpg", guide=Path("guide.jpg"))
    assert_type(keras_see.layers(model)[0].output_shape, tuple[int, ...] | None)
    pictures = keras_see.overlay(x, np.zeros((4, 8, 8)), scale="image", display=(0, 255))
    assert_type(keras_see.sheet(x, {"map": pictures}, captions=["a", ["b"], ("c", True)]), Image.Image)
    steps = keras_see.read("logs", "see/cam")["see/cam"]
    assert_type(steps[0][0], int)
    keras_see.save_film(steps, "film.gif")
    assert_type(keras_see.metrics.energy_inside(np.zeros((1, 8, 8)), [(0, 0, 4, 4)]), np.ndarray)
    callbacks: list[keras.callbacks.Callback] = [
        keras_see.Watch("logs", (x, y), methods=["saliency", "cam"], class_names=["a", "b"], every="auto", budget=0.05),
        keras_see.Watch("logs", [Path("cat.jpg"), Path("dog.jpg")], labels=[0, 1]),
        keras_see.callbacks.Saliency("logs", x, "predicted", epochs=range(3), trackers="folder"),
        keras_see.callbacks.GradCAM("logs", x, layer=["conv1", "conv2"], display=lambda images: images, n=3),
        keras_see.callbacks.CAM(
            "logs", x, labels=y, regions=[(0, 0, 4, 4)] * 4, trackers=[keras_see.writers.Folder("run")]
        ),
        keras_see.callbacks.NeuronImages("logs", channels=[1, 3], images=x, diversity=1.0),
        keras_see.callbacks.ContentImages("logs", x, ["conv1"], prior=0.5, name="val"),
    ]
    keras.callbacks.CallbackList(callbacks)

    keras_see.Watch("logs", x, every=None)  # type: ignore[arg-type]
    keras_see.Watch("logs", x, evry=2)  # type: ignore[call-arg]
    keras_see.Watch("logs", x, trackers=[3])  # type: ignore[list-item]
    keras_see.overlay(x, pictures, alpha="half")  # type: ignore[arg-type]
    keras_see.sheet(x, pictures)  # type: ignore[arg-type]
    keras_see.neuron_images(model, "conv1", steps="many")  # type: ignore[arg-type]
