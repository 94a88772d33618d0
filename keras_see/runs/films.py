"""Save the pictures of a run as an animation."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from keras_see._types import PathLike
from keras_see._validation import is_number, shape_of, shown
from keras_see.runs.reading import read
from keras_see.visualization.animation import ANIMATED, write_picture

# How many times as long the last step is shown, before the film starts again.
LAST_SHOWN = 4

# The default of Pillow for WebP: sheets of photographs stay small.
QUALITY = 80


def save_film(
    source: PathLike | Mapping[str, Any] | list[Any], path: PathLike, *, tag: str | None = None, seconds: float = 0.4
) -> None:
    """Save the pictures of one tag, in the order of steps, as an animated GIF, WebP or PNG.

    Args:
        source: The folder of a run, what `read` returned, or a list of `(step, picture)`.
        path: The file to write, or to overwrite; its ending `.gif`, `.webp` or `.png` selects the format.
        tag: The tag of the pictures, such as `"see/grad_cam"`. Optional where only one tag has pictures.
        seconds: How long each step is shown; the last is shown four times as long.

    Raises:
        ValueError: If there is no such tag or no picture, or the path has another ending.

    Example:
        >>> import tempfile, numpy as np
        >>> pictures = [(step, np.full((8, 8, 3), 20 * step, "uint8")) for step in range(5)]
        >>> save_film(pictures, tempfile.mkdtemp() + "/film.gif")
    """
    _check_path(path)
    if not is_number(seconds) or seconds <= 0:
        raise ValueError(f"`seconds` must be a number above 0. Got {shown(seconds)}. 0.4 is the default.")
    frames = _frames([picture for _, picture in _steps(source, tag)])
    durations = [seconds] * (len(frames) - 1) + [LAST_SHOWN * seconds]
    write_picture(frames, path, seconds=durations, quality=QUALITY)


def _check_path(path):
    if not isinstance(path, str | os.PathLike) or Path(path).suffix.lower() not in ANIMATED:
        raise ValueError(f"`path` must end in {', '.join(ANIMATED)}. Got {shown(path)}. Choose one of these endings.")
    if not Path(path).parent.is_dir():
        folder = str(Path(path).parent)
        raise FileNotFoundError(
            f"`path` must lie in a folder that exists. There is no folder {folder!r}. Make it first."
        )


def _steps(source, tag):
    """Return the `(step, picture)` pairs of the tag."""
    if isinstance(source, list | tuple):
        wrong = [pair for pair in source if not _is_step(pair)]
        if source and not wrong:
            return source
        raise ValueError(
            "`source` as a list must hold pairs (step, picture), pictures being uint8 of shape (height, width, 3). "
            f"Got {shown(wrong[0]) if wrong else 'none'}. Pairs are made with list(enumerate(pictures))."
        )
    if not isinstance(source, str | os.PathLike | Mapping):
        raise TypeError(
            "`source` must be the folder of a run, what keras_see.read returned, or a list of (step, picture). "
            f"Got {shown(source)}. Pairs are made with list(enumerate(pictures))."
        )
    if not isinstance(source, Mapping) and not Path(source).is_dir():
        raise FileNotFoundError(
            f"`source` must be a folder that exists. There is no folder {str(source)!r}. Check the path."
        )
    log = source if isinstance(source, Mapping) else read(source)
    if isinstance(tag, str) and tag in log and all(map(_is_step, steps := log[tag])):
        return steps  # looked up once: a log decodes its pictures when they are looked up
    tags = {name: steps for name in log if (steps := log[name]) and _is_step(steps[0])}
    if tag is None and len(tags) == 1:
        return next(iter(tags.values()))
    if not tags:
        raise ValueError(
            "`source` must hold pictures. There are none: its tags are "
            f"{', '.join(log) or 'none'}. Pass the folder that a callback was given, after a step was written."
        )
    raise ValueError(
        f"`tag` must be one of the tags with pictures: {', '.join(tags)}. Got {shown(tag)}. Choose one of these."
    )


def _is_step(pair):
    if not isinstance(pair, tuple | list) or len(pair) != 2:
        return False
    shape = shape_of(pair[1]) or ()
    return len(shape) == 3 and shape[-1] in (3, 4) and np.asarray(pair[1]).dtype == np.uint8


def _frames(pictures):
    """Return pictures as RGB arrays of one size, that of the largest: smaller ones lie at the top left, on white."""
    images = [Image.fromarray(np.asarray(picture)) for picture in pictures]
    size = max(image.width for image in images), max(image.height for image in images)
    return [_on_white(image, size) for image in images]


def _on_white(image, size):
    frame = Image.new("RGB", size, "white")
    frame.paste(image)
    return np.asarray(frame)
