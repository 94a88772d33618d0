"""References that keep nothing alive, and hashable forms of values: what keys of a cache are made of."""

import dataclasses
import types
import weakref
from collections.abc import Mapping

import numpy as np

PLAIN = (bool, int, float, str, bytes, type(None))


class Identity:
    """Compares as the object it refers to, by identity, and equals nothing once that is gone; keeps nothing alive."""

    __slots__ = ("_hash", "_refer")

    def __init__(self, thing):
        self._hash, self._refer = _identity_hash(thing), weak(thing)

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
        return weakref.WeakMethod(thing) if isinstance(thing, types.MethodType) else weakref.ref(thing)
    except TypeError:
        return lambda: thing


def hashable(value):
    """Return nested values as tuples that can be compared and hashed; of other objects their identity."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return type(value), tuple(hashable(getattr(value, field.name)) for field in dataclasses.fields(value))
    if isinstance(value, Mapping):
        return tuple((key, hashable(part)) for key, part in value.items())
    if isinstance(value, list | tuple):
        return tuple(hashable(part) for part in value)
    if isinstance(value, np.ndarray):
        return value.shape, value.dtype.str, value.tobytes()
    return value if isinstance(value, PLAIN) else Identity(value)


def _identity_hash(thing):
    return hash((id(thing.__self__), id(thing.__func__))) if isinstance(thing, types.MethodType) else id(thing)
