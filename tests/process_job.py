"""A training in one of several processes, or on several devices: run as a program by the tests of processes.

    python process_job.py KIND NUMBER PORT FOLDER CASE

The model has no batch normalization, whose statistics differ between replicas of one batch.
"""

import contextlib
import json
import os
import sys
import time
import zlib

KIND, NUMBER, PORT, FOLDER, CASE = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4], sys.argv[5]
HOST = f"localhost:{PORT}"

if KIND.startswith("jax-devices"):
    os.environ["XLA_FLAGS"] = "--xla_force_host_platform_device_count=2"
if KIND == "multiworker":
    workers = {"worker": [HOST, f"localhost:{PORT + 1}"]}
    os.environ["TF_CONFIG"] = json.dumps({"cluster": workers, "task": {"type": "worker", "index": NUMBER}})

import keras
import numpy as np
from keras import layers

import keras_see
from keras_see.training import processes


def distributed():
    """Begin the job, and return the strategy of TensorFlow's, or None."""
    if KIND == "torch":
        import torch

        torch.distributed.init_process_group("gloo", init_method=f"tcp://{HOST}", rank=NUMBER, world_size=2)
    if KIND.startswith("jax-processes"):
        keras.distribution.initialize(HOST, 2, NUMBER)
    if KIND.endswith("-data"):
        keras.distribution.set_distribution(keras.distribution.DataParallel(auto_shard_dataset=False))
    if KIND.endswith("-model"):
        layout = keras.distribution.LayoutMap(keras.distribution.DeviceMesh((1, 2), ["batch", "model"]))
        layout[".*conv.*kernel"] = (None, None, None, "model")
        model_parallel = keras.distribution.ModelParallel(layout_map=layout, auto_shard_dataset=False)
        keras.distribution.set_distribution(model_parallel)
    if KIND in ("mirrored", "multiworker"):
        import tensorflow as tf

        if KIND == "multiworker":
            return tf.distribute.MultiWorkerMirroredStrategy()
        cpus = tf.config.list_physical_devices("CPU")
        tf.config.set_logical_device_configuration(cpus[0], [tf.config.LogicalDeviceConfiguration()] * 2)
        return tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    return None


def network():
    steps = [layers.Conv2D(4, 3, activation="relu", name="conv"), layers.GlobalAveragePooling2D()]
    model = keras.Sequential([keras.Input((16, 16, 3)), *steps, layers.Dense(2, "softmax")])
    model.compile(keras.optimizers.SGD(0.5), "sparse_categorical_crossentropy")
    return model


def own_loop(strategy, model, x, y, callbacks):
    """Train as a user must with several workers of TensorFlow: Keras's `fit` does not start there."""
    import tensorflow as tf

    optimizer, loss_of = model.optimizer, keras.losses.SparseCategoricalCrossentropy(reduction="sum")
    with strategy.scope():
        optimizer.build(model.trainable_variables)

    def step(images, labels):
        with tf.GradientTape() as tape:
            loss = loss_of(labels, model(images, training=True)) / len(x)
        weights = model.trainable_variables
        optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights, strict=True))

    train, part = tf.function(lambda *batch: strategy.run(step, batch)), slice(8 * NUMBER, 8 * NUMBER + 8)
    for callback in callbacks:
        callback.set_model(model)
        callback.set_params({"epochs": 3})
        callback.on_train_begin()
    for epoch in range(3):
        for callback in callbacks:
            callback.on_epoch_begin(epoch)
        train(tf.constant(x[part]), tf.constant(y[part]))
        for callback in callbacks:
            callback.on_epoch_end(epoch)
    for callback in callbacks:
        callback.on_train_end()


def fails_once(view):
    """Let the second evaluation of a view raise."""
    evaluate, calls = view.evaluate, []

    def evaluated(model):
        calls.append(model)
        if len(calls) == 2:
            raise MemoryError("the device has no memory left")
        return evaluate(model)

    view.evaluate = evaluated


def main():
    strategy = distributed()
    keras.utils.set_random_seed(0)
    x, y = np.random.default_rng(0).random((16, 16, 16, 3)).astype("float32"), np.arange(16) % 2
    with strategy.scope() if strategy else contextlib.nullcontext():
        model = network()
    watch = keras_see.Watch(FOLDER, (x[:4], y[:4]), methods=["saliency", "grad_cam"])
    if CASE == "fails" and NUMBER == 0:
        fails_once(watch._views[0])
    if CASE == "only the first has one":
        processes.PATIENCE = 5
    if CASE == "late" and NUMBER == 1:
        time.sleep(4)
    is_without = CASE == "without" or (CASE == "only the first has one" and NUMBER == 1)
    callbacks = [] if is_without else [watch]
    if KIND == "multiworker":
        own_loop(strategy, model, x, y, callbacks)
    else:
        model.fit(x, y, epochs=3, batch_size=16, shuffle=False, callbacks=callbacks, verbose=0)
    here = [w.value.addressable_data(0) if KIND.startswith("jax-processes") else w for w in model.weights]
    weights = b"".join(np.ascontiguousarray(keras.ops.convert_to_numpy(each)).tobytes() for each in here)
    print(json.dumps({"weights": zlib.crc32(weights), "failures": len(watch.failures)}))


if __name__ == "__main__":
    try:
        main()
    except ValueError as error:
        print(error, file=sys.stderr, flush=True)
        os._exit(1)  # at a usual exit JAX waits for the other processes
