"""Event files: which there are in a folder, in the order in which TensorBoard reads them, and the name of the next."""

import itertools
import os
import re
import socket
import time
from pathlib import Path

SUFFIX = ".keras_see"

_NUMBERS = itertools.count()

# The time in a name: seconds of ten digits, until the year 2286.
_SECONDS = re.compile(r"tfevents\.(\d{10})(?!\d)")


def is_address(path):
    """Return whether this is the address of a remote folder, such as "gs://bucket/run", and not a local path.

    An address that went through `pathlib.Path` has one slash left. A drive of Windows has one letter.
    """
    return isinstance(path, str | os.PathLike) and re.match(r"[A-Za-z][A-Za-z0-9+.-]+(::|:/)", str(path)) is not None


def event_files(folder, pattern="*tfevents*", below=True):
    """Return the event files of a local folder in the order of their paths: only what can be opened and read to an end.

    A pipe would block who opens it, and a folder may be named like a file.

    Args:
        folder: The folder.
        pattern: Of their names.
        below: Whether to look into the folders below too.
    """
    folder = Path(folder)
    found = folder.rglob(pattern) if below else folder.glob(pattern)
    return sorted(path for path in found if path.is_file() and os.access(path, os.R_OK))


def next_name(names):
    """Return the name of a new event file, which comes after the names of all others in a folder.

    TensorBoard reads the files of a folder in the order of their names, and those of W&B's files must have the time in
    whole seconds, followed by the name of the machine: `events.out.tfevents.<seconds>.<machine>.`.

    Args:
        names: The names of the event files that are there.
    """
    moment = time.time()
    name = _name(int(moment), moment)
    later = [int(found[1]) for other in names if other >= name and (found := _SECONDS.search(other))]
    return _name(max(later) + 1, moment) if later else name  # the clock may have been set back


def _name(seconds, moment):
    place = f"{socket.gethostname()}.{os.getpid()}.{int(moment % 1 * 1e6):06d}.{next(_NUMBERS):06d}"
    return f"events.out.tfevents.{seconds:010d}.{place}{SUFFIX}"
