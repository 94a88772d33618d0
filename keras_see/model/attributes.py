"""Attributes of a user's objects, set for a while and then put back exactly as they were."""

import contextlib
import types

import numpy as np

_ABSENT = object()

# Types of attributes whose values can be compared, and put back, by themselves.
PLAIN = (bool, int, float, complex, str, bytes, type(None), np.generic)


@contextlib.contextmanager
def attributes_set(changes):
    """Set attributes on instances for the length of a `with` block.

    An interrupt at any point, also while attributes are being set or put back, leaves none behind: each change is noted
    before it is made, and putting back starts again where it was broken off.

    Args:
        changes: An iterable of `(thing, name, value)`. `object.__setattr__` goes past Keras's attribute tracking and
            PyTorch's module registry, so that what these hold stays as it is.
    """
    undo = []
    try:
        try:
            for thing, name, value in changes:
                undo.append((thing, name, vars(thing).get(name, _ABSENT)))
                _set(thing, name, value)
            yield
        finally:
            _put_back(undo)
    finally:
        _put_back(undo)  # does nothing unless an interrupt ended the first


@contextlib.contextmanager
def attributes_kept(things):
    """Put back, after the block, which attributes things have and what they refer to; nothing is copied."""
    kept = [(thing, dict(vars(thing))) for thing in things]
    try:
        yield
    finally:
        for thing, attributes in kept:
            for name in vars(thing).keys() - attributes.keys():
                del vars(thing)[name]
            for name, value in attributes.items():
                if vars(thing).get(name, _ABSENT) is not value:
                    object.__setattr__(thing, name, value)


def _put_back(undo):
    while undo:
        thing, name, before = undo[-1]
        if before is _ABSENT:
            vars(thing).pop(name, None)
        else:
            _set(thing, name, before)
        undo.pop()


def _set(thing, name, value):
    setter = setattr if isinstance(thing, types.ModuleType) else object.__setattr__
    setter(thing, name, value)
