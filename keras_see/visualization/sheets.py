"""Lay pictures out in a grid with captions, as one image to look at."""

import dataclasses
import io
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from keras_see._types import Display, Images
from keras_see._validation import shown
from keras_see.visualization.colormaps import colored
from keras_see.visualization.display import to_pictures
from keras_see.visualization.text import fitting, font, wrapped

# Tiles are about this wide, in pixels: at TensorBoard's card width of 340 four of them can still be told apart.
TILE = 128
# Across, a sheet has about this many tiles; a method with one column shows several images side by side.
ACROSS = 4
# So that captions have room beside narrow pictures, and many images do not make a tower: more than a few stand in so
# many blocks side by side that the sheet is at most so many times as high as wide.
NARROWEST, FEW, TALLEST = 96, 8, 3

GAP, MARGIN, LINE = 6, 10, 17
INK, PALE, GOOD, BAD = "#1f2328", "#6b7280", "#1a7f37", "#cf222e"
MARK = 12


@dataclasses.dataclass(frozen=True)
class Column:
    """One column of a sheet.

    Attributes:
        title: What stands above it.
        pictures: uint8 `(n, height, width, 3)`.
        captions: Lines under each picture.
        bar: `(name of the colour map, what stands at its upper end)`: a colour bar under the title.
    """

    title: str
    pictures: np.ndarray
    captions: Sequence = ()
    bar: tuple | None = None


def sheet(
    images: Images,
    columns: Mapping[str, np.ndarray] | list[Column],
    *,
    captions: Sequence[Any] | None = None,
    footer: str = "",
    display: Display = None,
    title: str = "input",
) -> Image.Image:
    """Return one image with a row per input image: the image itself, then one picture per column.

    Where there are few columns, several images stand side by side. Small pictures are enlarged without smoothing.

    Args:
        images: `(n, height, width, channels)` in any range that `display` recognises.
        columns: A mapping from titles to uint8 pictures `(n, height, width, 3)`, such as `overlay` makes.
        captions: Per image a str or a list of lines for under the image. A line may be a pair `(text, right)`: right
            or wrong is then marked.
        footer: A line for under everything.
        display: As for `overlay`.
        title: What stands above the images.

    Returns:
        A `PIL.Image.Image`.

    Raises:
        ValueError: If there is not one picture per image in each column, or not one caption per image.

    Example:
        >>> import numpy as np
        >>> from keras_see import overlay
        >>> images = np.zeros((3, 32, 32, 1))
        >>> sheet(images, {"Grad-CAM": overlay(images, np.ones((3, 4, 4)))}, captions=["a", "b", "c"]).mode
        'RGB'
    """
    pictures, note = to_pictures(images, display)
    checked, lines = _columns(columns), [()] * len(pictures) if captions is None else _captions(captions)
    if not isinstance(footer, str):
        raise TypeError(f"`footer` must be a line of text. Got {shown(footer)}. Leave it out for none.")
    for what, things in [("captions", lines), *(("columns", column.pictures) for column in checked)]:
        if len(things) != len(pictures):
            raise ValueError(
                f"`{what}` must have one entry per image, {len(pictures)} in all. Got {len(things)}. "
                "Pass as many as there are images."
            )
    return _Grid([Column(title, pictures), *checked], lines, [line for line in (footer, note) if line]).draw()


class _Grid:
    """The places of tiles and texts on a sheet."""

    def __init__(self, columns, captions, footer):
        self.columns, self.captions, self.footer = columns, captions, footer
        self.count = len(captions)
        self.width, self.height = tile_size(columns[0].pictures.shape[1:3])
        self.cell = max(self.width, NARROWEST)
        self.block_width = len(columns) * (self.cell + GAP) + GAP
        self.head = LINE + (LINE if any(column.bar for column in columns) else 0)
        under = max(len(lines) for lines in captions) if captions else 0
        self.foot = LINE * max([under, *(len(lines) for column in columns for lines in column.captions)])
        self.row_height = self.height + self.foot + GAP
        self.blocks = max(1, min(self.count, ACROSS // len(columns)))
        self.blocks = math.ceil(self.count / math.ceil(self.count / self.blocks)) if self.count else 1  # 6 as 3 and 3
        while (
            self.count > FEW and self.count / self.blocks * self.row_height > TALLEST * self.blocks * self.block_width
        ):
            self.blocks += 1
        self.rows = math.ceil(self.count / self.blocks)

    def draw(self):
        wide = 2 * MARGIN + self.blocks * self.block_width - 2 * GAP
        footer = [part for line in self.footer for part in wrapped(line, wide - 2 * MARGIN)]
        high = 2 * MARGIN + self.head + self.rows * self.row_height + LINE * len(footer)
        self.image = Image.new("RGB", (wide, high), "white")
        self.pen = ImageDraw.Draw(self.image)
        for block in range(self.blocks):
            for column in range(len(self.columns)):
                self._title(block, column)
        for number in range(self.count):
            self._row(number)
        for place, line in enumerate(footer, start=1):
            self._text((MARGIN, high - MARGIN - LINE * len(footer) + LINE * (place - 1)), line, wide, PALE)
        return self.image

    def _left(self, block, column):
        return MARGIN + block * self.block_width + column * (self.cell + GAP)

    def _title(self, block, number):
        column, left = self.columns[number], self._left(block, number)
        self._text((left, MARGIN), column.title, self.cell, INK)
        if column.bar is None:
            return
        name, upper = column.bar
        label = fitting(upper, self.cell // 2)
        zero, end = font().getlength("0") + 4, font().getlength(label) + 4
        self._text((left, MARGIN + LINE), "0", self.cell, PALE)
        bar = Image.fromarray(color_bar(name, max(int(self.cell - zero - end), 1)))
        self.image.paste(bar, (int(left + zero), MARGIN + LINE + 4))
        self._text((left + self.cell - end + 4, MARGIN + LINE), label, end, PALE)

    def _row(self, number):
        row, block = divmod(number, self.blocks)
        top = MARGIN + self.head + row * self.row_height
        for place, column in enumerate(self.columns):
            left = self._left(block, place)
            self.image.paste(_tile(column.pictures[number], (self.width, self.height)), (left, top))
            lines = self.captions[number] if place == 0 else column.captions[number] if column.captions else []
            for depth, line in enumerate(lines):
                self._line((left, top + self.height + 1 + LINE * depth), line)

    def _line(self, place, line):
        text, right = line if isinstance(line, tuple) else (line, None)
        left, top = place
        if right is not None:
            _mark(self.pen, left, top + 3, right)
            left += MARK + 2
        self._text((left, top), text, self.cell - (left - place[0]), INK if right is None else GOOD if right else BAD)

    def _text(self, place, text, width, color):
        self.pen.text(place, fitting(text, width), font=font(), fill=color)


def tile_size(size):
    """Return `(width, height)` of the tiles that show pictures of `(height, width)`: about `TILE` wide."""
    height, width = size
    longest = max(height, width)
    factor = TILE / longest if longest > TILE / 2 else round(TILE / longest)  # small ones in whole pixels
    return max(round(width * factor), 16), max(round(height * factor), 16)


def as_tiles(pictures):
    """Return pictures uint8 `(n, height, width, 3)` in the size of tiles."""
    size = tile_size(pictures.shape[1:3])
    return np.stack([np.asarray(_tile(picture, size)) for picture in pictures])


def encoded(image):
    """Return an image as JPEG: of a sheet of photographs a fifth of the PNG, in a thirtieth of the time."""
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=80)
    return buffer.getvalue()


def color_bar(name, width, height=9):
    """Return a bar of the colours from 0 to the upper end, uint8 `(height, width, 3)`."""
    row = np.rint(colored(np.linspace(0, 1, width), name)).astype("uint8")
    return np.repeat(row[None], height, axis=0)


def _tile(picture, size):
    image = Image.fromarray(np.ascontiguousarray(picture))
    if image.size == size:
        return image
    whole = size[0] % image.width == 0 and size[1] % image.height == 0
    return image.resize(size, Image.Resampling.NEAREST if whole else Image.Resampling.LANCZOS)


def _mark(pen, left, top, right):
    """Draw a tick or a cross; the built-in font has neither."""
    if right:
        points = [(left + 1, top + 5), (left + 4, top + 9), (left + 10, top + 1)]
        pen.line(points, fill=GOOD, width=2, joint="curve")
    else:
        pen.line([(left + 2, top + 1), (left + 9, top + 8)], fill=BAD, width=2)
        pen.line([(left + 9, top + 1), (left + 2, top + 8)], fill=BAD, width=2)


def _columns(columns):
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


def _captions(captions):
    """Return the lines under each image."""
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
