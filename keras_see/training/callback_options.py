"""The options that all callbacks have: the folder, the name, and what is yes or no."""

import os
import re
from pathlib import Path

import numpy as np

from keras_see._validation import shown


def check_yes_or_no(name, value):
    """Raise unless the value of an option is yes or no."""
    if not isinstance(value, bool | np.bool_ | int):
        raise TypeError(f"`{name}` must be True or False. Got {shown(value)}. True is the default.")


def checked_path(log_dir):
    """Return the folder as an absolute path: a program may change its working folder while it trains."""
    if isinstance(log_dir, str | os.PathLike) and str(log_dir) and "\0" not in str(log_dir):
        return Path(log_dir).expanduser().absolute()
    raise TypeError(
        f"`log_dir` must be the path of a folder. Got {shown(log_dir)}. "
        "Pass the folder that TensorBoard is to show, such as 'logs/run1'."
    )


def checked_name(name):
    """Return a name that can be a part of tags, or raise ValueError."""
    if isinstance(name, str) and re.fullmatch(r"[\w.-]+(/[\w.-]+)*", name) and not {".", ".."} & {*name.split("/")}:
        return name
    raise ValueError(
        f"`name` must be made of letters, digits, '.', '_', '-' and '/', with no part '.' or '..'. Got {shown(name)}. "
        "It becomes a part of the tags: choose another."
    )
