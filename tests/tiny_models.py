"""Tiny models whose weights NumPy makes, so that they are the same on every backend.

Most are one and the same function in different dress: two convolutions, global average pooling and a dense layer.
"""

import keras
import numpy as np
from keras import layers, ops

SHAPE = (8, 6, 3)  # not square: an exchange of rows and columns must show
FEATURES = (4, 3)  # rows and columns of the last features
CLASSES = 3


def photos(count=2, seed=7, shape=SHAPE):
    return np.random.default_rng(seed).random((count, *shape), "float32")


def outputs_of(model, images):
    """Run a model in inference mode, without compiling anything."""
    return ops.convert_to_numpy(model(images, training=False))


def filled(model, seed=0, spread=0.6):
    """Fill a model with the numbers that depend on nothing but the seed and the shapes."""
    numbers = np.random.default_rng(seed)
    for weight in model.weights:
        values = numbers.normal(0, spread, weight.shape).astype("float32")
        weight.assign(np.abs(values) + 0.5 if weight.path.endswith("moving_variance") else values)
    return model


def conv(filters, name, activation, **options):
    return layers.Conv2D(filters, 3, padding="same", activation=activation, name=name, **options)


def blocks(dtype=None):
    """The layers from images to features of all models that are the same function."""
    return [
        conv(4, "a", "relu", dtype=dtype),
        layers.MaxPooling2D(name="pool", dtype=dtype),
        conv(5, "b", "tanh", dtype=dtype),
    ]


def head(activation="softmax", dtype=None):
    return [layers.GlobalAveragePooling2D(name="gap", dtype=dtype), layers.Dense(CLASSES, activation, name="head")]


def through(steps, tensor):
    for step in steps:
        tensor = step(tensor)
    return tensor


def flat(activation="softmax", dtype=None, seed=0):
    inputs = keras.Input(SHAPE)
    return filled(keras.Model(inputs, through([*blocks(dtype), *head(activation, dtype)], inputs)), seed)


def sequential(activation="softmax"):
    return filled(keras.Sequential([keras.Input(SHAPE), *blocks(), *head(activation)]))


def backbone(name="backbone", steps=None):
    inputs = keras.Input(SHAPE)
    return keras.Model(inputs, through(steps or blocks(), inputs), name=name)


def nested():
    inputs = keras.Input(SHAPE)
    return filled(keras.Model(inputs, through([backbone(), *head()], inputs)))


def nested_twice():
    inputs = keras.Input(SHAPE)
    return filled(keras.Model(inputs, through([backbone("outer", [backbone("inner")]), *head()], inputs)))


def nested_head():
    inputs = keras.Input(SHAPE)
    top = keras.Sequential([keras.Input((*FEATURES, 5)), *head()], name="top")
    return filled(keras.Model(inputs, through([*blocks(), top], inputs)))


class Subclassed(keras.Model):
    """Layers in a list and in a dict; `call` takes `training`."""

    def __init__(self):
        super().__init__()
        self.steps = blocks()
        self.top = dict(zip(("gap", "head"), head(), strict=True))

    def call(self, images, training=None):
        return self.top["head"](self.top["gap"](through(self.steps, images)))


class WithoutTraining(keras.Model):
    """`call` takes the images alone, and starts with an augmentation that is on unless told otherwise."""

    def __init__(self):
        super().__init__()
        self.augment = layers.RandomBrightness(0.5, value_range=(0, 1), seed=1)
        self.steps = [*blocks(), *head()]

    def call(self, images):
        return through(self.steps, self.augment(images))


class OwnWeights(keras.Model):
    """Multiplies with its own weights in `call`; gives logits, and no layer is the last."""

    def __init__(self):
        super().__init__()
        self.steps = blocks()
        self.gap = layers.GlobalAveragePooling2D(name="gap")
        self.kernel = self.add_weight(shape=(5, CLASSES), name="kernel")
        self.bias = self.add_weight(shape=(CLASSES,), name="bias")

    def call(self, images):
        return ops.matmul(self.gap(through(self.steps, images)), self.kernel) + self.bias


def built(model):
    """Build a subclassed model by a run in inference mode, and give it the weights of the flat one."""
    model(np.zeros((1, *SHAPE), "float32"), training=False)
    source = flat().get_weights()
    own = list(model.get_weights())
    order = [next(i for i, value in enumerate(source) if value.shape == weight.shape) for weight in own]
    assert sorted(order) == list(range(len(source)))
    model.set_weights([source[place] for place in order])
    return model


SAME_FUNCTION = {
    "Sequential": sequential,
    "nested": nested,
    "nested in nested": nested_twice,
    "nested head": nested_head,
    "subclassed": lambda: built(Subclassed()),
    "subclassed, no training in call, augmenting": lambda: built(WithoutTraining()),
    "subclassed, own weights": lambda: built(OwnWeights()),
}


def linear(classes=CLASSES, activation=None):
    steps = [layers.Flatten(), layers.Dense(classes, activation, name="head")]
    return filled(keras.Sequential([keras.Input(SHAPE), *steps]))


def gap_conv(activation="softmax", dtype=None):
    """A head as in Network in Network: as many filters as classes, then the average."""
    steps = [
        *blocks(dtype),
        layers.Conv2D(CLASSES, 1, name="class_maps", dtype=dtype),
        layers.GlobalAveragePooling2D(name="gap", dtype="float32"),
        layers.Activation(activation or "linear", name="predictions", dtype="float32"),
    ]
    return filled(keras.Sequential([keras.Input(SHAPE), *steps]))


def one_unit(activation="sigmoid"):
    inputs = keras.Input(SHAPE)
    steps = [*blocks(), layers.GlobalAveragePooling2D(name="gap"), layers.Dense(1, activation, name="head")]
    return filled(keras.Model(inputs, through(steps, inputs)))


def augmented():
    """Everything that behaves otherwise in training: augmentation, batch normalisation, dropout."""
    first, pool, second = blocks()
    steps = [
        layers.RandomFlip(seed=1),
        layers.RandomContrast(0.5, seed=2),
        first,
        layers.BatchNormalization(name="norm"),
        pool,
        layers.Dropout(0.5, seed=3),
        second,
        *head(),
    ]
    return filled(keras.Sequential([keras.Input(SHAPE), *steps]))


def plain_twin(model):
    """Return `augmented()` without augmentation and dropout, with the same weights."""
    first, pool, second = blocks()
    steps = [first, layers.BatchNormalization(name="norm"), pool, second, *head()]
    twin = keras.Sequential([keras.Input(SHAPE), *steps])
    twin.set_weights(model.get_weights())
    return twin


def shared():
    """One backbone looks at the image and at its negative."""
    inputs = keras.Input(SHAPE)
    eye = backbone("eye")
    both = layers.Concatenate(name="both")([eye(inputs), eye(1.0 - inputs)])
    return filled(keras.Model(inputs, through(head(), both)))


def unshared(model):
    """Return `shared()` with two backbones of the same weights: `first` and `second`."""
    inputs = keras.Input(SHAPE)
    first, second = backbone("first"), backbone("second")
    both = layers.Concatenate(name="both")([first(inputs), second(1.0 - inputs)])
    twin = keras.Model(inputs, through(head(), both))
    for part in (first, second):
        part.set_weights(model.get_layer("eye").get_weights())
    twin.get_layer("head").set_weights(model.get_layer("head").get_weights())
    return twin


def segmentation(activation="softmax"):
    steps = [conv(4, "a", "tanh"), conv(4, "b", "tanh"), layers.Conv2D(CLASSES, 1, activation=activation, name="mask")]
    return filled(keras.Sequential([keras.Input(SHAPE), *steps]))


def dict_outputs():
    inputs = keras.Input(SHAPE)
    features = layers.GlobalAveragePooling2D(name="gap")(through(blocks(), inputs))
    kind = layers.Dense(CLASSES, "softmax", name="kind")(features)
    size = layers.Dense(1, name="size")(features)
    return filled(keras.Model(inputs, {"kind": kind, "size": size}))


def two_inputs():
    """The score is linear in the images, with a factor that a second input gives."""
    images, factor = keras.Input(SHAPE, name="images"), keras.Input((1,), name="factor")
    logits = layers.Dense(CLASSES, name="head")(layers.Flatten()(images))
    return filled(keras.Model({"images": images, "factor": factor}, layers.Multiply()([logits, factor])))
