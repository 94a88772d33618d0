"""What the sampled methods cost, in passes of the same model written in the framework alone, in the same process.

    python tests/benchmarks/family_cost.py --model mobilenet

The unit of SmoothGrad and integrated gradients is the floor, a compiled pass forward and back over one batch; that of
occlusion and Score-CAM a compiled forward pass over one batch. A ratio of 1 means that nothing is lost beside passes
that a method needs. The memory is the growth of the process's peak while the number of samples grows tenfold.
"""

import argparse
import json
import resource
import statistics

import keras
import numpy as np
from floor import floor_of, images_for, model_of, seconds

import keras_see

BATCH = 32


def forward_of(backend, model, images):
    """Return a function that runs one compiled forward pass, and waits for the outputs."""
    if backend == "tensorflow":
        import tensorflow as tf

        tensor, step = tf.constant(images), tf.function(lambda x: model(x, training=False), autograph=False)
        return lambda: step(tensor).numpy()
    if backend == "jax":
        import jax

        tensor = jax.numpy.asarray(images)
        values, others = (
            [v.value for v in part] for part in (model.trainable_variables, model.non_trainable_variables)
        )
        step = jax.jit(lambda x, values, others: model.stateless_call(values, others, x, training=False)[0])
        return lambda: np.asarray(step(tensor, values, others))
    import torch

    tensor = torch.tensor(images, device=next(model.parameters()).device)

    def step():
        with torch.no_grad():
            return model(tensor, training=False).cpu().numpy()

    return step


def cases(model, one):
    """Return name -> (function, its passes over a batch, whether they go back too); of one image."""
    channels = next(row for row in reversed(keras_see.layers(model)) if "grad_cam" in row.methods).output_shape[-1]
    channels = min(channels, 256)
    grid = keras_see.occlusion_maps(model, one, 0, batch_size=BATCH).shape[1:]
    options = {"batch_size": BATCH}
    return {
        "smooth_grad 64": (lambda: keras_see.smooth_grad_maps(model, one, 0, samples=64, **options), 2, True),
        "integrated_gradients 64": (
            lambda: keras_see.integrated_gradients(model, one, 0, steps=64, **options),
            2,
            True,
        ),
        "occlusion": (lambda: keras_see.occlusion_maps(model, one, 0, **options), np.prod(grid) / BATCH, False),
        "score_cam": (
            lambda: keras_see.score_cam_maps(model, one, 0, channels=channels, **options),
            channels / BATCH,
            False,
        ),
    }


def peak():
    """Return the greatest memory that the process has had, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main():
    """Print a line per method, and one of the memory."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="cnn")
    parser.add_argument("--size", type=int)
    parser.add_argument("--repeats", type=int, default=3)
    given = parser.parse_args()
    backend = keras.backend.backend()
    model = model_of(keras, given.model, given.size)
    images = images_for(model, BATCH)
    units = {True: floor_of(backend, model, images), False: forward_of(backend, model, images)}
    for name, (run, passes, back) in cases(model, images[:1]).items():
        run(), units[back]()
        ratios = []
        for _ in range(given.repeats):  # by turns, so that a machine whose speed drifts slows both
            unit = seconds(units[back])
            took = seconds(run)
            ratios.append(took / passes / statistics.mean([unit, seconds(units[back])]))
        print(
            json.dumps({"backend": backend, "model": given.model, "method": name, "ratio": statistics.median(ratios)})
        )
    keras_see.smooth_grad_maps(model, images[:1], 0, samples=64, batch_size=BATCH)
    before = peak()
    keras_see.smooth_grad_maps(model, images[:1], 0, samples=640, batch_size=BATCH)
    print(json.dumps({"backend": backend, "model": given.model, "memory_of_640_samples_mb": round(peak() - before)}))


if __name__ == "__main__":
    main()
