"""What everything is measured against: models with random weights, and one compiled pass forward and back.

Works with Keras 3 and with `tf_keras`, and needs nothing else: other tools live in environments without keras_see.
"""

import time

import numpy as np

SIZES = {"cnn": 32, "mobilenet": 224, "resnet": 224}
DEPTH = 6


def model_of(keras, name, size=None, depth=DEPTH):
    """Return a classifier of images of this size, with random weights and without a softmax."""
    keras.utils.set_random_seed(0)
    shape = (size or SIZES[name],) * 2 + (3,)
    if name == "cnn":
        return small_cnn(keras, shape, depth)
    kind = {"mobilenet": keras.applications.MobileNetV2, "resnet": keras.applications.ResNet50}[name]
    return kind(input_shape=shape, weights=None, classifier_activation=None)


def small_cnn(keras, shape, depth):
    """Convolutions of 3 × 3, each with its batch normalisation, in three sizes."""
    layers, parts = keras.layers, [keras.Input(shape)]
    for number in range(depth):
        block = 3 * number // depth
        if number and 3 * (number - 1) // depth < block:
            parts.append(layers.MaxPooling2D())
        parts += [layers.Conv2D(32 << block, 3, padding="same", use_bias=False), layers.BatchNormalization()]
        parts.append(layers.ReLU())
    return keras.Sequential([*parts, layers.GlobalAveragePooling2D(), layers.Dense(10)])


def images_for(model, count):
    """Return float32 images `(count, height, width, 3)`."""
    return np.random.default_rng(0).random((count, *model.input_shape[1:])).astype("float32")


def last_features(model):
    """Return the number of the last layer whose output has rows and columns."""
    spatial = [number for number, layer in enumerate(model.layers) if len(layer.output.shape) == 4]
    return spatial[-1]


def floor_of(backend, model, images):
    """Return a function that runs one compiled forward and backward pass, and waits for the input's gradient."""
    return {"tensorflow": _tensorflow, "jax": _jax, "torch": _torch}[backend](model, images)


def _tensorflow(model, images):
    import tensorflow as tf

    images = tf.constant(images)

    @tf.function(autograph=False)
    def step(images):
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(images)
            score = tf.reduce_sum(tf.reduce_max(model(images, training=False), axis=-1))
        return tape.gradient(score, images)

    return lambda: step(images).numpy()


def _jax(model, images):
    import jax

    images = jax.numpy.asarray(images)
    values = [variable.value for variable in model.trainable_variables]
    others = [variable.value for variable in model.non_trainable_variables]

    def score(images, values, others):
        return model.stateless_call(values, others, images, training=False)[0].max(axis=-1).sum()

    step = jax.jit(jax.grad(score))
    return lambda: np.asarray(step(images, values, others))


def _torch(model, images):
    import torch

    device = next(model.parameters()).device
    images = torch.tensor(images, device=device, requires_grad=True)

    def step():
        score = model(images, training=False).max(dim=-1).values.sum()
        return torch.autograd.grad(score, images)[0].cpu().numpy()

    return step


def seconds(function):
    """Return how long a function takes."""
    began = time.perf_counter()
    function()
    return time.perf_counter() - began
