"""The one way to run a model: in inference mode, unchanged, each call passing through interceptors."""

import collections
import functools
import threading
from collections.abc import Callable
from typing import NamedTuple

import keras

from keras_see.model import backend
from keras_see.model.activations import CLOSING_FUNCTIONS, computes_as
from keras_see.model.attributes import attributes_kept, attributes_set
from keras_see.model.keras_internals import (
    activation_function,
    flatten_layers,
    is_of_keras,
    losses_kept,
    no_cast_to_integers,
    no_rematerialization,
)

# Taps are attributes of the user's layers: while one thread has set them, another neither sets nor reads any.
LOCK = threading.RLock()


class Invocation(NamedTuple):
    """One call of one operation in a run.

    Attributes:
        operation: The layer, or the operation of a functional graph.
        turn: 0 for the operation's first call in the run, 1 for the second.
        proceed: Takes the arguments, makes the call and returns its output.
    """

    operation: keras.Operation
    turn: int
    proceed: Callable


class Interceptor:
    """Sees calls of a run, and may change their arguments and outputs.

    Attributes:
        operations: The layers and operations whose calls are intercepted; None for all that the model holds.
    """

    operations = None

    def around(self, invocation, args, kwargs):
        """Return the output of a call; by default that of the call itself."""
        return invocation.proceed(*args, **kwargs)


class StopRun(BaseException):
    """Raised by an interceptor to end a run early; no `Exception`, so that no layer takes it for an error."""


def infer(model, inputs, interceptors=(), values=()):
    """Return `model(inputs, training=False)`, or None if an interceptor ended the run early; traced.

    Variables are held still (`keras.StatelessScope`). The modes and buffers of wrapped torch modules, losses that
    layers have added, and the attributes of a user's own layers are put back after the run. So are the global random
    states of Python, NumPy and PyTorch, where the model holds a user's own code: Keras's layers draw nothing in
    inference. Layers are tapped by an instance-level `call` that is there for the length of the run and heeds only the
    thread that runs it; nothing is cloned.

    `stateless_call` would not do: it goes past `__call__`, which leaves augmentation layers switched on.

    Args:
        model: A built model or layer.
        inputs: Tensors, or `keras.KerasTensor`, in the structure that the model takes.
        interceptors: What each call passes through, the first outermost.
        values: The variables' values, as `backend.values` returns them.
    """
    state = keras.StatelessScope(state_mapping=list(zip(model.variables, values, strict=False)))
    operations = [model, *operations_of(model)]
    of_user = [operation for operation in operations if _is_of_user(operation)]
    with (
        state,
        backend.state_kept(operations, draws=bool(of_user)),
        LOCK,
        attributes_kept(of_user),
        losses_kept(model),
        attributes_set(_taps(model, interceptors)),
    ):
        try:
            return model(inputs, training=False)
        except StopRun:
            return None


def operations_of(model):
    """Return all layers and operations that the model holds, at any depth, each once, without the model."""
    found = {}
    for layer in flatten_layers(model):
        found[id(layer)] = layer
        for operation in getattr(layer, "operations", ()):  # a functional graph also holds plain operations
            if isinstance(operation, keras.Operation):
                found[id(operation)] = operation
    del found[id(model)]
    return list(found.values())


def _taps(model, interceptors):
    """Yield the attributes to set on the model's operations, as `attributes_set` takes them."""
    operations = operations_of(model)
    for operation in (model, *operations):
        yield from _traceable(operation)
    turns, thread = collections.Counter(), threading.get_ident()
    chains = {id(operation): [each for each in interceptors if _wants(each, operation)] for operation in operations}
    for name, function in CLOSING_FUNCTIONS.items():
        chain = [each for each in interceptors if _wants(each, function)]
        place = activation_function(name) if chain else None
        if place is not None:
            yield *place, _tap(function, getattr(*place), chain, turns, thread)
    for operation in operations:
        if _is_dense_over_time(operation):
            yield operation, "call", functools.partial(_over_time, operation)
        for name in ("call", "quantized_call"):
            if chains[id(operation)] and hasattr(operation, name):
                call = getattr(operation, name)
                yield operation, name, _tap(operation, call, chains[id(operation)], turns, thread)


def _traceable(operation):
    """Yield what makes a layer's inside visible to a trace, and its images float: no rematerialisation, for example."""
    yield from no_rematerialization(operation)
    yield from no_cast_to_integers(operation)
    python_call = getattr(operation.call, "python_function", None)
    if python_call is not None:
        yield operation, "call", python_call


def _is_dense_over_time(operation):
    """Return whether it is a dense layer at each step, which Keras calls once per step, out of reach of one tap."""
    is_over_time = computes_as(operation, keras.layers.TimeDistributed)
    return is_over_time and computes_as(operation.layer, keras.layers.Dense)


def _over_time(operation, inputs, training=None, mask=None):
    """Return what the operation gives, from one call of its dense layer, which takes any number of axes."""
    return operation.layer(inputs)


def _is_of_user(operation):
    """Return whether a call of the operation runs code of a user's."""
    kinds = (keras.layers.Lambda, getattr(keras.layers, "TorchModuleWrapper", keras.layers.Lambda))
    return isinstance(operation, kinds) or not is_of_keras(type(operation).__module__)


def _wants(interceptor, operation):
    return interceptor.operations is None or any(each is operation for each in interceptor.operations)


def _tap(operation, call, chain, turns, thread):
    """Return the replacement of an operation's `call`: through its interceptors, in one thread only."""

    def tapped_call(*args, **kwargs):
        if threading.get_ident() != thread:
            return call(*args, **kwargs)
        turn = turns[id(operation)]
        turns[id(operation)] += 1
        proceed = call
        for interceptor in reversed(chain):
            proceed = functools.partial(_intercepted, interceptor, Invocation(operation, turn, proceed))
        return proceed(*args, **kwargs)

    return tapped_call


def _intercepted(interceptor, invocation, /, *args, **kwargs):
    return interceptor.around(invocation, args, kwargs)
