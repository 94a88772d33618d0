"""The public `sheet`: checks what a user gives, and arranges it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from PIL import Image

from keras_see._types import Display, Images, PathLike
from keras_see._validation import shown
from keras_see.visualization.display import to_pictures
from keras_see.visualization.sheets import Column, wide_sheet_of
from keras_see.visualization.text import checked_font


def sheet(
    images: Images,
    columns: Mapping[str, np.ndarray] | list[Column],
    *,
    captions: Sequence[Any] | None = None,
    footer: str = "",
    display: Display = None,
    title: str = "input",
    font: PathLike | None = None,
) -> Image.Image:
    """Return one image with a row per input image: the image itself, then one picture per column.

    With few columns, several images stand side by side. Small pictures are enlarged without smoothing.

    Args:
        images: `(n, height, width, channels)` in any range that `display` recognises.
        columns: A mapping from titles to uint8 pictures `(n, height, width, 3)`, such as `overlay` returns.
        captions: Per image a text or a list of lines, drawn under it. A line may be a pair `(text, right)`: it is then
            marked as right or wrong.
        footer: Text below the grid.
        display: As for `overlay`.
        title: The title of the column of images.
        font: The path of a TrueType or OpenType font. Default: Noto Sans, and for what it has not the system's fonts.

    Returns:
        A `PIL.Image.Image`.

    Raises:
        ValueError: If there is not one picture per image in each column, or not one caption per image, or `font` is no
            font file.

    Example:
        >>> import numpy as np
        >>> from keras_see import overlay
        >>> images = np.zeros((3, 32, 32, 1))
        >>> sheet(images, {"Grad-CAM": overlay(images, np.ones((3, 4, 4)))}, captions=["a", "b", "c"]).mode
        'RGB'
    """
    pictures, note = to_pictures(images, display)
    checked, font = _checked_columns(columns), checked_font(font)
    lines = None if captions is None else _checked_captions(captions)
    if not isinstance(footer, str):
        raise TypeError(f"`footer` must be a line of text. Got {shown(footer)}. Leave it out for none.")
    for name, entries in [("captions", lines), *(("columns", column.pictures) for column in checked)]:
        if entries is not None and len(entries) != len(pictures):
            raise ValueError(
                f"`{name}` must have one entry per image, {len(pictures)} in all. Got {len(entries)}. "
                "Pass as many as there are images."
            )
    return wide_sheet_of(pictures, checked, lines, footer=[footer, note], title=title, font=font)


def _checked_columns(columns):
    """Return the columns as a list of `Column`, or raise TypeError or ValueError."""
    if isinstance(columns, Mapping):
        columns = [Column(str(title), pictures) for title, pictures in columns.items()]
    if not isinstance(columns, list) or not all(isinstance(column, Column) for column in columns):
        raise TypeError(
            "`columns` must be a mapping from titles to pictures. "
            f'Got {shown(columns)}. Write {{"Grad-CAM": pictures}}, with pictures as keras_see.overlay makes them.'
        )
    for column in columns:
        shape = getattr(column.pictures, "shape", ())
        if len(shape) != 4 or shape[-1] != 3 or 0 in shape or column.pictures.dtype != np.uint8:
            raise ValueError(
                "`columns` must hold pictures, uint8 arrays of shape (n, height, width, 3). "
                f"Got {shown(column.pictures)} for {column.title!r}. Make them with keras_see.overlay."
            )
    return columns


def _checked_captions(captions):
    """Return the captions as a list of lines per image, or raise TypeError."""
    listed = captions if isinstance(captions, list | tuple) else [None]
    lines = [[caption] if isinstance(caption, str | tuple) else caption for caption in listed]
    if not all(isinstance(each, list) and all(map(_is_line, each)) for each in lines):
        raise TypeError(
            "`captions` must hold, for each image, a text or a list of lines; a line is a text or (text, right). "
            f"Got {shown(captions)}. Make texts of numbers with str(number)."
        )
    return lines


def _is_line(line):
    return isinstance(line, str) or (isinstance(line, tuple) and len(line) == 2 and isinstance(line[0], str))
