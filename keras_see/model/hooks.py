"""Tap the layers of a live model while it runs.

A tap is an instance-level `call` that stands before the layer's own for the length of one run. It leaves no
trace: what was there before is put back, a `call` of the user's included. The model is never cloned.
"""

import contextlib
import threading

import keras

# Taps and their removal are a read-modify-write of attributes of the user's objects.
_ONE_AT_A_TIME = threading.RLock()

_ABSENT = object()


@contextlib.contextmanager
def tapped(model, around, operations=None):
    """Run `around(operation, call, args, kwargs)` in place of `call(*args, **kwargs)` of each operation.

    Args:
        model: The model that will run inside the `with` block.
        around: Called for each call of a tapped operation, in the thread that opened the block only; returns
            the output.
        operations: The layers and operations to tap; by default all that the model holds.
    """
    thread = threading.get_ident()

    def tap(operation, call):
        def tapped_call(*args, **kwargs):
            if threading.get_ident() != thread:
                return call(*args, **kwargs)
            return around(operation, call, args, kwargs)

        return tapped_call

    everything = operations_of(model)
    with _ONE_AT_A_TIME, contextlib.ExitStack() as stack:
        for operation in (model, *everything):
            _make_traceable(stack, operation)
        for operation in everything if operations is None else operations:
            for name in ("call", "quantized_call"):
                if hasattr(operation, name):
                    stack.enter_context(put(operation, name, tap(operation, getattr(operation, name))))
        yield


def operations_of(model):
    """Return all layers and operations that the model holds, at any depth, each once, without the model."""
    found = {}
    layers = model._flatten_layers(include_self=True, recursive=True)
    for layer in layers:
        found[id(layer)] = layer
        for operation in getattr(layer, "operations", ()):  # a functional graph also holds plain operations
            if isinstance(operation, keras.Operation):
                found[id(operation)] = operation
    del found[id(model)]
    return list(found.values())


@contextlib.contextmanager
def put(thing, name, value):
    """Set an attribute on the instance alone, and put back exactly what was there.

    `object.__setattr__` goes past Keras's attribute tracking and PyTorch's module registry.
    """
    before = vars(thing).get(name, _ABSENT)
    object.__setattr__(thing, name, value)
    try:
        yield
    finally:
        if before is _ABSENT:
            object.__delattr__(thing, name)
        else:
            object.__setattr__(thing, name, before)


def _make_traceable(stack, operation):
    """Lay aside what hides a layer's inside from a trace: rematerialisation and `tf.function` on `call`."""
    if getattr(operation, "_remat_mode", None) is not None:
        stack.enter_context(put(operation, "_remat_mode", None))
    python_call = getattr(operation.call, "python_function", None)
    if python_call is not None:
        stack.enter_context(put(operation, "call", python_call))
