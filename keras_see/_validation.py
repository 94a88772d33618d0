"""What arguments are, and how messages show what came instead: never as a whole array or the address of an object."""

import difflib
import inspect
import math
import numbers

import numpy as np

# As many letters of what came fit in a message.
LETTERS = 60


def shown(thing):
    """Return in words what a user passed: plain values as they are written, of anything else its kind and size."""
    if isinstance(thing, np.generic) and not isinstance(thing, str | bytes):
        thing = thing.item()
    if isinstance(thing, str | bytes) and len(thing) > LETTERS:
        return f"{thing[: LETTERS // 2]!r}..."
    if _is_plain(thing) and len(repr(thing)) <= LETTERS:
        return repr(thing)
    if isinstance(thing, type):
        return f"the class {thing.__name__}"
    if shape_of(thing) and hasattr(thing, "shape"):
        return f"an array of shape {shape_of(thing)}"
    if isinstance(thing, list | tuple | dict | set | frozenset | range):
        return f"a {type(thing).__name__} of {len(thing)}"
    return type(thing).__name__


def is_whole(thing, least=0):
    """Whether this is a whole number, of Python or NumPy, and not below `least`."""
    return isinstance(thing, int | np.integer) and not isinstance(thing, bool) and thing >= least


def is_number(thing):
    """Whether this is one finite real number."""
    return isinstance(thing, numbers.Real) and not isinstance(thing, bool) and math.isfinite(thing)


def is_size(thing):
    """Whether this is a pair of whole numbers from 1, such as `(height, width)`."""
    return shape_of(thing) == (2,) and all(is_whole(side, 1) for side in thing)


def is_word(thing, words):
    """Whether this is one of some words; things that cannot be compared with words are none."""
    return isinstance(thing, str) and thing in words


def shape_of(thing):
    """Return the shape of what may be an array, or None where its rows are of unequal length."""
    try:
        return tuple(np.shape(thing))
    except (ValueError, TypeError):
        return None


def numeric(thing):
    """Return an array of what holds numbers or truth values, or None where it holds anything else."""
    try:
        array = np.asarray(thing)
    except (ValueError, TypeError):
        return None
    return array if array.dtype.kind in "biuf" or array.dtype.name == "bfloat16" else None


def keywords_of(function):
    """Return the names of the arguments that a function takes by name alone."""
    return {name for name, each in inspect.signature(function).parameters.items() if each.kind is each.KEYWORD_ONLY}


def refuse_unknown(unknown, known, where, advice=None):
    """Raise if there are keyword arguments that nothing takes.

    Args:
        unknown: Their names.
        known: The names that there are.
        where: What takes them, in words.
        advice: A name -> what to do instead, for names that people try.
    """
    for name in sorted(unknown):
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"Did you mean `{near[0]}`?" if near else f"There are: {', '.join(sorted(known))}."
        raise TypeError(f"`{name}` is no option of {where}. {(advice or {}).get(name, hint)}")


def _is_plain(thing):
    if isinstance(thing, dict):
        return len(thing) <= LETTERS and all(_is_plain(part) for pair in thing.items() for part in pair)
    if isinstance(thing, list | tuple | set | frozenset):
        return len(thing) <= LETTERS and all(map(_is_plain, thing))
    return thing is None or isinstance(thing, str | bytes | numbers.Number | range)
