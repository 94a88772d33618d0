"""Runs for the viewer, written without a network: maps whose every value is known."""

import numpy as np

from keras_see.runs.map_encoding import encoded_pictures
from keras_see.runs.records import Maps, Number, Text, Tiles
from keras_see.runs.tensorboard import TensorBoard

STYLES = {
    "grad_cam": {"colors": "turbo", "over_picture": True, "exponent": 0.7, "smoothing": 0.0},
    "saliency": {"colors": "inferno", "over_picture": False, "exponent": 1.0, "smoothing": 0.01},
}
SIDES = {"grad_cam": 7, "saliency": 48}


def maps_at(method, step, images=2, strength=1.0):
    """Return the maps of a step: a ramp that grows with the step."""
    side = SIDES[method]
    ramp = np.linspace(0, 1, side * side, dtype="float32").reshape(side, side)
    return np.stack([strength * (step + 2) * (number + 1) * ramp for number in range(images)])


def pictures(images=2, side=48):
    ramp = np.linspace(0, 255, side * side * 3).reshape(side, side, 3).astype("uint8")
    return [np.roll(ramp, 5 * number, axis=1) for number in range(images)]


def write_step(
    writer, step, epochs, *, images=2, methods=("saliency", "grad_cam"), names=("rose", "tulip"), strength=1.0
):
    """Write one step of a run as `Watch` does."""
    when = "before training" if step < 0 else f"epoch {step + 1}/{epochs}"
    records = {}
    for order, method in enumerate(methods):
        maps = maps_at(method.partition("@")[0], step, images, strength)
        about = {
            "method": method.partition("@")[0], "title": method, "layer": "conv", "meaning": "", "description": method,
            "style": STYLES[method.partition("@")[0]], "order": order, "sample_images": 77, "when": when, "notes": [],
            "limit": float(maps.max()), "upper": float(maps.max()),
            "images": [
                {
                    "true": names[number % 2], "predicted": names[0], "right": number % 2 == 0,
                    "probability": 0.9, "true_probability": 0.9 if number % 2 == 0 else 0.1,
                    "lines": [[f"true: {names[number % 2]}", None], [f"90 % {names[0]}", number % 2 == 0]],
                    "explained": [f"for {names[number % 2]}", f"peak {maps[number].max():.3g}"],
                    "peak": float(maps[number].max()), "limit": float(maps[number].max()), "score": 1.0,
                }
                for number in range(images)
            ],
        }  # fmt: skip
        records[f"see/{method}/maps"] = Maps(maps, about)
        records[f"see/{method}/peak"] = Number(float(maps.max()))
    if step == -1:
        records["see/sample_images/00004d"] = Tiles(encoded_pictures(pictures(images)), {"fingerprint": 77})
    if step == 3:
        records["see/status"] = Text("Step 3: the outputs are equal for all images.")
    writer.write(step, records)


def write_run(folder, epochs, **options):
    """Write the steps from before training to the last epoch, and return the writer."""
    writer = TensorBoard(folder)
    for step in range(-1, epochs):
        write_step(writer, step, epochs, **options)
    return writer
