"""Checks of arguments, and how messages show a wrong one: never a whole array or the address of an object."""

import math
import numbers

import numpy as np

# The longest text of an argument that a message shows in full.
LONGEST = 60


def shown(thing):
    """Return a short text for an argument: plain values as written in Python, else the kind and size."""
    if isinstance(thing, np.generic) and not isinstance(thing, str | bytes):
        thing = thing.item()
    if isinstance(thing, str | bytes) and len(thing) > LONGEST:
        return f"{thing[: LONGEST // 2]!r}..."
    if _is_plain(thing) and len(repr(thing)) <= LONGEST:
        return repr(thing)
    if isinstance(thing, type):
        return f"the class {thing.__name__}"
    if shape_of(thing) and hasattr(thing, "shape"):
        return f"an array of shape {shape_of(thing)}"
    if isinstance(thing, list | tuple | dict | set | frozenset | range):
        return f"a {type(thing).__name__} of {len(thing)}"
    return type(thing).__name__


def is_whole(thing, least=0):
    """Return whether this is an int of Python or NumPy, at least `least`; bools do not count."""
    return isinstance(thing, int | np.integer) and not isinstance(thing, bool) and thing >= least


def is_number(thing):
    """Return whether this is one finite real number; bools do not count."""
    return isinstance(thing, numbers.Real) and not isinstance(thing, bool) and math.isfinite(thing)


def is_size(thing):
    """Return whether this is a pair of whole numbers from 1, such as `(height, width)`."""
    return shape_of(thing) == (2,) and all(is_whole(side, 1) for side in thing)


def is_word(thing, words):
    """Return whether this is one of `words`. Safe for arrays, whose `==` is not a bool."""
    return isinstance(thing, str) and thing in words


def shape_of(thing):
    """Return the shape of an array or of nested lists, or None where rows differ in length."""
    try:
        return tuple(np.shape(thing))
    except (ValueError, TypeError):
        return None


def numeric(thing):
    """Return an array of numbers or bools, or None where `thing` holds anything else."""
    try:
        array = np.asarray(thing)
    except (ValueError, TypeError):
        return None
    return array if array.dtype.kind in "biuf" or array.dtype.name == "bfloat16" else None


def are_whole(array):
    """Return whether an array of numbers holds nothing but whole ones."""
    return array.dtype.kind in "biu" or bool(np.all(np.isfinite(array)) and np.all(array == np.round(array)))


def _is_plain(thing):
    if isinstance(thing, dict):
        return len(thing) <= LONGEST and all(_is_plain(part) for pair in thing.items() for part in pair)
    if isinstance(thing, list | tuple | set | frozenset):
        return len(thing) <= LONGEST and all(map(_is_plain, thing))
    return thing is None or isinstance(thing, str | bytes | numbers.Number | range)
