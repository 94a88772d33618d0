"""Arrange pictures in a grid with titles and captions, as one image."""

from __future__ import annotations

import dataclasses
import io
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from keras_see._types import Display, Images
from keras_see._validation import shown
from keras_see.visualization.display import to_pictures
from keras_see.visualization.map_drawing import color_bar
from keras_see.visualization.resizing import resized_picture
from keras_see.visualization.text import font, shortened, wrapped

# Pixels of a tile's longer side: at TensorBoard's card width of 340 four tiles can still be told apart.
TILE = 128
# A sheet is about this many tiles wide; with a single column of maps, several images stand side by side.
TILES_ACROSS = 4
# Narrow pictures get cells of this width, in pixels, so that their captions have room.
MIN_CELL_WIDTH = 96
# A sheet of more images than this gets as many blocks as keep its height below this multiple of its width.
FEW_IMAGES, MAX_HEIGHT = 8, 3

GAP, MARGIN, LINE_HEIGHT, MARK_WIDTH = 6, 10, 17, 12  # pixels
TEXT_COLOR, MUTED_COLOR, RIGHT_COLOR, WRONG_COLOR = "#1f2328", "#6b7280", "#1a7f37", "#cf222e"


@dataclasses.dataclass(frozen=True)
class Column:
    """One column of a sheet.

    Attributes:
        title: The text above it.
        pictures: uint8 `(n, height, width, 3)`.
        captions: A list of lines per picture; a line is a text or a pair `(text, right)`. Empty for none.
        bar: `(the style of the maps, label of its upper end)` for a colour bar under the title, or None.
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

    With few columns, several images stand side by side. Small pictures are enlarged without smoothing.

    Args:
        images: `(n, height, width, channels)` in any range that `display` recognises.
        columns: A mapping from titles to uint8 pictures `(n, height, width, 3)`, such as `overlay` returns.
        captions: Per image a text or a list of lines, drawn under it. A line may be a pair `(text, right)`: it is then
            marked as right or wrong.
        footer: Text below the grid.
        display: As for `overlay`.
        title: The title of the column of images.

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
    checked = _checked_columns(columns)
    lines = None if captions is None else _checked_captions(captions)
    if not isinstance(footer, str):
        raise TypeError(f"`footer` must be a line of text. Got {shown(footer)}. Leave it out for none.")
    for name, entries in [("captions", lines), *(("columns", column.pictures) for column in checked)]:
        if entries is not None and len(entries) != len(pictures):
            raise ValueError(
                f"`{name}` must have one entry per image, {len(pictures)} in all. Got {len(entries)}. "
                "Pass as many as there are images."
            )
    return sheet_of(pictures, checked, lines, footer=[footer, note], title=title)


def sheet_of(pictures, columns, captions=None, *, footer=(), title="input"):
    """Return the sheet of pictures that are uint8 RGB already; nothing is checked.

    Args:
        pictures: uint8 `(n, height, width, 3)`.
        columns: A list of `Column`.
        captions: A list of lines per picture, or None.
        footer: Texts below the grid, each on lines of its own; empty ones are left out.
        title: The title of the column of pictures.
    """
    return _Sheet([Column(title, pictures, captions or ()), *columns], list(filter(None, footer))).draw()


def tile_size(size):
    """Return the `(height, width)` at which pictures of `(height, width)` are drawn: longer side about `TILE`."""
    longer = max(size)
    factor = TILE / longer if longer > TILE / 2 else round(TILE / longer)  # small pictures by a whole factor
    return tuple(max(round(side * factor), 16) for side in size)


def as_tiles(pictures):
    """Return pictures uint8 `(n, height, width, 3)` in the size at which a sheet draws them."""
    size = tile_size(pictures.shape[1:3])
    return np.stack([resized_picture(picture, size) for picture in pictures])


def to_jpeg(image):
    """Return the bytes of an image as JPEG: of photographs a fifth of a PNG, encoded 30 times as fast."""
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=80)
    return buffer.getvalue()


class _Layout:
    """Positions on a sheet, in pixels: blocks side by side, each with rows of one image and its columns."""

    def __init__(self, columns):
        self.count, width = len(columns[0].pictures), len(columns)
        self.tile = tile_size(columns[0].pictures.shape[1:3])
        self.cell_width = max(self.tile[1], MIN_CELL_WIDTH)
        self.block_width = width * (self.cell_width + GAP) + GAP
        self.header_height = LINE_HEIGHT * (2 if any(column.bar for column in columns) else 1)
        lines = max((len(lines) for column in columns for lines in column.captions), default=0)
        self.row_height = self.tile[0] + LINE_HEIGHT * lines + GAP
        self.blocks = self._blocks(max(1, min(self.count, TILES_ACROSS // width)))
        self.rows = math.ceil(self.count / self.blocks)
        self.width = 2 * MARGIN + self.blocks * self.block_width - 2 * GAP

    def _blocks(self, at_most):
        rows = math.ceil(self.count / at_most)
        blocks = math.ceil(self.count / rows)  # 6 images as 3 and 3, not as 4 and 2
        if self.count > FEW_IMAGES:
            while self.count / blocks * self.row_height > MAX_HEIGHT * blocks * self.block_width:
                blocks += 1
        return blocks

    def left(self, block, column):
        return MARGIN + block * self.block_width + column * (self.cell_width + GAP)

    def top(self, row):
        return MARGIN + self.header_height + row * self.row_height


class _Sheet:
    """Draws a sheet of columns, the first of which are the images."""

    def __init__(self, columns, footer):
        self.columns, self.layout = columns, _Layout(columns)
        self.footer = [line for text in footer for line in wrapped(text, self.layout.width - 2 * MARGIN)]
        self.bottom = self.layout.top(self.layout.rows)
        size = self.layout.width, self.bottom + LINE_HEIGHT * len(self.footer) + MARGIN
        self.image = Image.new("RGB", size, "white")
        self.pen = ImageDraw.Draw(self.image)

    def draw(self):
        for block in range(self.layout.blocks):
            for place, column in enumerate(self.columns):
                self._draw_header(column, self.layout.left(block, place))
        for number in range(self.layout.count):
            self._draw_row(number)
        for number, line in enumerate(self.footer):
            self._draw_text((MARGIN, self.bottom + LINE_HEIGHT * number), line, self.layout.width, MUTED_COLOR)
        return self.image

    def _draw_header(self, column, left):
        self._draw_text((left, MARGIN), column.title, self.layout.cell_width, TEXT_COLOR)
        if column.bar is not None:
            self._draw_bar((left, MARGIN + LINE_HEIGHT), *column.bar)

    def _draw_bar(self, position, style, label):
        (left, top), width = position, self.layout.cell_width
        label = shortened(label, width // 2)
        zero_width, label_width = font().getlength("0") + 4, font().getlength(label) + 4
        self._draw_text(position, "0", width, MUTED_COLOR)
        bar = color_bar(style, max(int(width - zero_width - label_width), 1))
        self.image.paste(Image.fromarray(bar), (int(left + zero_width), top + 4))
        self._draw_text((left + width - label_width + 4, top), label, label_width, MUTED_COLOR)

    def _draw_row(self, number):
        row, block = divmod(number, self.layout.blocks)
        top = self.layout.top(row)
        for place, column in enumerate(self.columns):
            left = self.layout.left(block, place)
            picture = resized_picture(column.pictures[number], self.layout.tile)
            self.image.paste(Image.fromarray(picture), (left, top))
            for depth, line in enumerate(column.captions[number] if column.captions else []):
                self._draw_line((left, top + self.layout.tile[0] + 1 + LINE_HEIGHT * depth), line)

    def _draw_line(self, position, line):
        (left, top), (text, right) = position, (line, None) if isinstance(line, str) else line
        indent, color = 0, TEXT_COLOR
        if right is not None:
            _draw_mark(self.pen, left, top + 3, right)
            indent, color = MARK_WIDTH + 2, RIGHT_COLOR if right else WRONG_COLOR
        self._draw_text((left + indent, top), text, self.layout.cell_width - indent, color)

    def _draw_text(self, position, text, width, color):
        self.pen.text(position, shortened(text, width), font=font(), fill=color)


def _draw_mark(pen, left, top, right):
    """Draw a tick or a cross; the built-in font has neither."""
    if right:
        points = [(left + 1, top + 5), (left + 4, top + 9), (left + 10, top + 1)]
        pen.line(points, fill=RIGHT_COLOR, width=2, joint="curve")
    else:
        pen.line([(left + 2, top + 1), (left + 9, top + 8)], fill=WRONG_COLOR, width=2)
        pen.line([(left + 9, top + 1), (left + 2, top + 8)], fill=WRONG_COLOR, width=2)


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
