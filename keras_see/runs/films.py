"""The pictures of a whole run as one moving picture."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from keras_see._types import Folder
from keras_see._validation import is_number, shape_of, shown
from keras_see.runs.tensorboard import read

ENDINGS = (".gif", ".webp", ".png")


def save_film(
    source: Folder | Mapping[str, Any] | list[Any], path: Folder, *, tag: str | None = None, seconds: float = 0.4
) -> None:
    """Save one tag's pictures, step after step, as an animated GIF, WebP or PNG that any browser plays.

    Args:
        source: The folder of a run, what `read` returned, or a list of `(step, picture)`.
        path: Where to; the ending `.gif`, `.webp` or `.png` says in which format.
        tag: Which pictures, `"see/grad_cam"`. May be left out where there is only one tag of pictures.
        seconds: How long each step is shown; the last is shown four times as long.

    Raises:
        ValueError: If there is no such tag or no picture, or the path has another ending.

    Example:
        >>> import tempfile, numpy as np
        >>> pictures = [(step, np.full((8, 8, 3), 20 * step, "uint8")) for step in range(5)]
        >>> save_film(pictures, tempfile.mkdtemp() + "/film.gif")
    """
    if not isinstance(path, str | os.PathLike) or Path(path).suffix.lower() not in ENDINGS:
        raise ValueError(f"`path` must end in {', '.join(ENDINGS)}. Got {shown(path)}. Choose one of these endings.")
    if not Path(path).parent.is_dir():
        folder = str(Path(path).parent)
        raise FileNotFoundError(
            f"`path` must lie in a folder that exists. There is no folder {folder!r}. Make it first."
        )
    if not is_number(seconds) or seconds <= 0:
        raise ValueError(f"`seconds` must be a number above 0. Got {shown(seconds)}. 0.4 is the default.")
    frames = [Image.fromarray(np.asarray(picture)) for _, picture in _steps(source, tag)]
    size = max(frame.width for frame in frames), max(frame.height for frame in frames)
    frames = [_on_white(frame, size) for frame in frames]
    durations = [round(1000 * seconds)] * (len(frames) - 1) + [round(4000 * seconds)]
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=durations, loop=0)


def _steps(source, tag):
    """Return the `(step, picture)` list that is meant."""
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
    if isinstance(tag, str) and tag in log and all(map(_is_step, log[tag])):
        return log[tag]
    tags = [name for name in log if log[name] and _is_step(log[name][0])]
    if tag is None and len(tags) == 1:
        return log[tags[0]]
    raise ValueError(
        f"`tag` must be one of the tags with pictures: {', '.join(tags) or 'there is none'}. Got {shown(tag)}. "
        "Choose one of these."
    )


def _is_step(pair):
    if not isinstance(pair, tuple | list) or len(pair) != 2:
        return False
    shape = shape_of(pair[1]) or ()
    return len(shape) == 3 and shape[-1] in (3, 4) and np.asarray(pair[1]).dtype == np.uint8


def _on_white(frame, size):
    canvas = Image.new("RGB", size, "white")
    canvas.paste(frame)
    return canvas
