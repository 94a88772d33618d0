"""The pictures of a whole run as one moving picture."""

import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PIL import Image

from keras_see.tensorboard import read

ENDINGS = (".gif", ".webp", ".png")


def save_film(source, path, *, tag=None, seconds=0.4):
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
    path = Path(path)
    if path.suffix.lower() not in ENDINGS:
        raise ValueError(f"`path` must end in {', '.join(ENDINGS)}. Got {str(path)!r}. Choose one of these endings.")
    frames = [Image.fromarray(np.asarray(picture)) for _, picture in _steps(source, tag)]
    size = max(frame.width for frame in frames), max(frame.height for frame in frames)
    frames = [_on_white(frame, size) for frame in frames]
    durations = [round(1000 * seconds)] * (len(frames) - 1) + [round(4000 * seconds)]
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=durations, loop=0)


def _steps(source, tag):
    """Return the `(step, picture)` list that is meant."""
    if isinstance(source, list):
        return _some(source, source)
    log = source if isinstance(source, Mapping) else read(os.fspath(source))
    if tag is not None and tag in log:
        return _some(log[tag], tag)
    tags = [name for name in log if log[name] and np.ndim(log[name][0][1]) == 3]
    if tag is None and len(tags) == 1:
        return log[tags[0]]
    raise ValueError(
        f"`tag` must be one of the tags with pictures: {', '.join(tags) or 'there is none'}. Got {tag!r}. "
        "Choose one of these."
    )


def _some(steps, what):
    if steps and all(np.ndim(picture) == 3 for _, picture in steps):
        return steps
    raise ValueError(f"A film needs (step, picture) pairs, one at least. {what!r} has none. Choose another tag.")


def _on_white(frame, size):
    canvas = Image.new("RGB", size, "white")
    canvas.paste(frame)
    return canvas
