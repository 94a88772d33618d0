"""A cache per model: its layer calls and its compiled passes.

An entry is found again only while nothing it depends on has changed: see `fingerprint`. The cache keeps nothing alive:
neither the model, nor its layers, nor functions that a user passes in.
"""

import dataclasses
import inspect
import types
import weakref
from collections.abc import Mapping

import keras
import numpy as np

from keras_see.model.attributes import PLAIN
from keras_see.model.image_batches import specification
from keras_see.model.inference import LOCK
from keras_see.model.keras_internals import flatten_layers, is_of_keras
from keras_see.model.layer_calls import first_line
from keras_see.model.tracing import trace_layer_calls

# Entries kept per model. Each new one costs a trace; a new lambda as target makes a new one at each call.
ENTRIES_KEPT = 16

# Lists and arrays of layers up to this length are compared by value: a factor per channel, not a table.
SHORT = 1000

_ENTRIES: weakref.WeakKeyDictionary = weakref.WeakKeyDictionary()  # model -> {key: value}


def layer_calls_of(model, images):
    """Return the `LayerCalls` of a built model for images of this shape; traced once."""
    specs = specification(images)

    def trace():
        try:
            return trace_layer_calls(model, specs)
        except Exception as error:
            shapes = ", ".join(str(("n", *spec.shape[1:])) for spec in keras.tree.flatten(specs)).replace("'", "")
            raise ValueError(
                f"`model` must run on the given images. {model.name!r} fails on shape {shapes}: "
                f"{first_line(error)} Try `model(images, training=False)`. If that works, its `call` "
                "branches on the values of tensors, uses NumPy, or takes one number of images only."
            ) from error

    return cached(model, ("layer_calls", *signature(images, any_number=True)), trace)


def cached(model, key, make):
    """Return `make()`, or what it returned before for the same key of the same, unchanged model.

    Args:
        model: The model that the value depends on.
        key: A hashable tuple, the rest that the value depends on. Of objects it holds their `Identity`.
        make: A function without arguments. What it returns must not keep the model alive.
    """
    if any(isinstance(part, Identity) and part.is_kept for part in key):
        return make()  # an entry would keep alive what cannot be referred to weakly, and perhaps the model with it
    with LOCK:
        entries, found = _ENTRIES.setdefault(model, {}), (*key, fingerprint(model))
        if found in entries:
            value = entries.pop(found)
        else:
            value, found = make(), (*key, fingerprint(model))  # a trace may itself change attributes
        entries[found] = value  # the dict's order is the order of use
        while len(entries) > ENTRIES_KEPT:
            del entries[next(iter(entries))]
        return value


def forget(model):
    """Drop all that is kept for a model, so that changes which no fingerprint shows are seen too."""
    _ENTRIES.pop(model, None)


def signature(images, any_number=False):
    """Return what a compiled function depends on of these images: their structure, shapes (and number) and types."""
    leaves = keras.tree.flatten(images)
    structure = str(keras.tree.map_structure(lambda leaf: 0, images))
    return structure, tuple((leaf.shape[any_number:], leaf.dtype.str) for leaf in leaves)


def fingerprint(model):
    """Return a hashable value that changes when a compiled pass of the model would; not with its weights.

    It holds the identities of variables and layers, and of each layer the type policy, whether it is trainable, the
    functions and tensors it holds (such as its activation), its attributes of plain values (scales, slopes, strides,
    flags), and the order of the layers in its lists; of a user's own layer `get_config()` too. Objects and long arrays
    that a layer holds are not looked into.
    """
    with LOCK:  # another thread's taps are no change
        settings = tuple((Identity(layer), *_settings(layer)) for layer in flatten_layers(model))
    return tuple(map(Identity, model.variables)), settings


class Identity:
    """Compares as the object it refers to, by identity, and equals nothing once that is gone; keeps nothing alive."""

    __slots__ = ("_hash", "_refer", "is_kept")

    def __init__(self, thing):
        self._hash, self._refer = _identity_hash(thing), weak(thing)
        self.is_kept = isinstance(self._refer, _Kept)

    def __hash__(self):
        return self._hash

    def __eq__(self, other):
        mine, its = self._refer(), other._refer() if isinstance(other, Identity) else None
        if isinstance(mine, types.MethodType):  # each access to a method makes a new object
            return isinstance(its, types.MethodType) and mine.__self__ is its.__self__ and mine.__func__ is its.__func__
        return mine is not None and mine is its


def weak(thing):
    """Return a function that returns the thing, or None once it is gone; what cannot be referred to weakly is kept."""
    try:
        return _WeakMethod(thing) if isinstance(thing, types.MethodType) else weakref.ref(thing)
    except TypeError:
        return _Kept(thing)


class _WeakMethod:
    """Returns a bound method while its object and its function live."""

    def __init__(self, method):
        self._parts = weakref.ref(method.__func__), weakref.ref(method.__self__)

    def __call__(self):
        function, owner = (refer() for refer in self._parts)
        return None if function is None or owner is None else types.MethodType(function, owner)


class _Kept:
    """Returns a thing that has no weak references."""

    def __init__(self, thing):
        self._thing = thing

    def __call__(self):
        return self._thing


def hashable(value):
    """Return nested values as tuples that can be compared and hashed; of other objects their identity."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return type(value), tuple(hashable(getattr(value, field.name)) for field in dataclasses.fields(value))
    if isinstance(value, Mapping):
        return tuple((key, hashable(part)) for key, part in value.items())
    if isinstance(value, list | tuple):
        return tuple(hashable(part) for part in value)
    if isinstance(value, set | frozenset):
        return frozenset(map(hashable, value))
    if isinstance(value, np.ndarray):
        return value.shape, value.dtype.str, value.tobytes()
    if isinstance(value, slice) or value != value:  # not hashable before Python 3.12; NaN equals nothing
        return repr(value)
    return value if isinstance(value, PLAIN) else Identity(value)


def state_of(function):
    """Return the plain values that a user's function reads: from its closure, globals, defaults and its object."""
    function = getattr(function, "func", function)  # of a `functools.partial`
    owner = getattr(function, "__self__", function)
    found = [item for item in getattr(owner, "__dict__", {}).items() if isinstance(item[1], PLAIN)]
    function = getattr(function, "__func__", function)
    if not isinstance(function, types.FunctionType):
        return hashable(found)
    names = [name for name in function.__code__.co_names if name in function.__globals__]
    read = inspect.getclosurevars(function).nonlocals if function.__closure__ else {}
    read = read | {name: function.__globals__[name] for name in names} | dict(enumerate(function.__defaults__ or ()))
    return hashable(found + [item for item in read.items() if isinstance(item[1], PLAIN)])


def _identity_hash(thing):
    return hash((id(thing.__self__), id(thing.__func__))) if isinstance(thing, types.MethodType) else id(thing)


def _settings(layer):
    """Yield what a compiled pass depends on of one layer, hashable."""
    is_model = isinstance(layer, keras.Model)
    for name, value in vars(layer).items():
        if name in _OF_EVERY_LAYER or (is_model and (name in _OF_TRAINING or name.startswith("_"))):
            continue
        if isinstance(value, PLAIN):
            yield name, value
        elif callable(value):
            yield name, Identity(value)
        elif name.startswith("_"):
            continue
        elif _is_short(value):
            yield name, hashable(value)
        elif not isinstance(value, keras.Variable | list | tuple | dict) and keras.ops.is_tensor(value):
            yield name, Identity(value)
    policy = getattr(layer, "dtype_policy", None)
    yield getattr(policy, "name", None), layer.trainable
    if not is_model and not is_of_keras(type(layer).__module__):
        yield _config(layer)


# Keras's own bookkeeping, of which type policy and trainability are asked for by themselves.
_OF_EVERY_LAYER = frozenset(vars(keras.layers.Layer(name="keras_see")))  # a name given leaves Keras's numbering alone

# What `fit` and `compile` keep on a model; it changes with each, and no pass depends on it.
_OF_TRAINING = {"train_function", "test_function", "predict_function", "stop_training", "optimizer", "loss", "history"}


def _is_short(value):
    """Return whether this is an array, or a collection of plain values or layers, short enough to compare each time."""
    if isinstance(value, np.ndarray):
        return value.size <= SHORT
    parts = value.values() if isinstance(value, dict) else value
    if not isinstance(value, list | tuple | dict) or len(value) > SHORT:
        return False
    return all(isinstance(part, (*PLAIN, keras.Layer)) or _is_short(part) for part in parts)


def _config(layer):
    try:
        return _by_value(layer.get_config())
    except Exception:  # not every layer has one
        return None


def _by_value(config):
    """Return a config as `hashable` does, but objects that are made anew each time by their type and text."""
    if isinstance(config, Mapping):
        return tuple((key, _by_value(part)) for key, part in config.items())
    if isinstance(config, list | tuple):
        return tuple(map(_by_value, config))
    is_known = isinstance(config, (*PLAIN, np.ndarray, set, frozenset, slice)) or callable(config)
    if is_known:
        return hashable(config)
    text = repr(config)
    return type(config), None if " at 0x" in text else text
