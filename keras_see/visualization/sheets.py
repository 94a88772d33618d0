"""Arrange pictures in a grid with titles and captions, as one image."""

import dataclasses
import math
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

from keras_see.visualization.map_drawing import color_bar
from keras_see.visualization.resizing import resized_picture
from keras_see.visualization.text import Font, distinct, shortened, wrapped

# Pixels of a tile's longer side.
TILE = 160
# A sheet is about this many tiles wide; with a single column of maps, several images stand side by side.
TILES_ACROSS = 4
# Narrow pictures get cells of this width, in pixels, so that their captions have room.
MIN_CELL_WIDTH = 128
# TensorBoard's card is this wide by default, and text in it should be this high at least, in pixels.
CARD_WIDTH, CARD_TEXT = 340, 11
# Wider sheets, of many columns, are not made for a card: their text is no larger than on this width.
WIDEST = 700
# The most lines of a title, and of one caption.
TITLE_LINES, CAPTION_LINES = 3, 2
# A sheet of more images than this gets as many blocks as keep its height below this multiple of its width.
FEW_IMAGES, MAX_HEIGHT = 8, 3

GAP, MARGIN = 8, 10  # pixels
# Dark, so that a sheet does not glare on a dark page, and a map on black does not stand in a bright frame.
BACKGROUND = "#22262b"
TEXT_COLOR, MUTED_COLOR, RIGHT_COLOR, WRONG_COLOR = "#eceff1", "#a9b1ba", "#5fd38d", "#ff8a80"


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


def wide_sheet_of(pictures, columns, captions=None, *, footer=(), title="input"):
    """Return the sheet of pictures that are uint8 RGB already, all columns side by side; see `sheet_of`."""
    return _Sheet([Column(title, pictures, captions or ()), *columns], list(filter(None, footer))).draw()


def sheet_of(pictures, columns, captions=None, *, footer=(), title="input"):
    """Return the sheet of pictures that are uint8 RGB already, for a card of TensorBoard; nothing is checked.

    With more columns than fit side by side there, several sheets of the same pictures lie below each other.

    Args:
        pictures: uint8 `(n, height, width, 3)`.
        columns: A list of `Column`.
        captions: A list of lines per picture, or None.
        footer: Texts below the grid, each on lines of its own; empty ones are left out.
        title: The title of the column of pictures.
    """
    most = TILES_ACROSS - 1
    groups = [columns[start : start + most] for start in range(0, len(columns), most)] or [[]]
    footers = [()] * (len(groups) - 1) + [footer]
    parts = [
        wide_sheet_of(pictures, group, captions, footer=below, title=title)
        for group, below in zip(groups, footers, strict=True)
    ]
    return parts[0] if len(parts) == 1 else _below_each_other(parts)


def tile_size(size):
    """Return the `(height, width)` at which pictures of `(height, width)` are drawn: longer side about `TILE`."""
    longer = max(size)
    factor = TILE / longer if longer > TILE / 2 else round(TILE / longer)  # small pictures by a whole factor
    return tuple(max(round(side * factor), 16) for side in size)


def as_tiles(pictures):
    """Return pictures uint8 `(n, height, width, 3)` in the size at which a sheet draws them."""
    size = tile_size(pictures.shape[1:3])
    return np.stack([resized_picture(picture, size) for picture in pictures])


class _Layout:
    """Positions on a sheet, in pixels: blocks side by side, each with rows of one image and its columns."""

    def __init__(self, columns):
        self.count, width = len(columns[0].pictures), len(columns)
        self.tile = tile_size(columns[0].pictures.shape[1:3])
        self.cell_width = max(self.tile[1], MIN_CELL_WIDTH)
        self.block_width = width * (self.cell_width + GAP) + GAP
        self.blocks = self._blocks(max(1, min(self.count, TILES_ACROSS // width)))
        self.rows = math.ceil(self.count / self.blocks)
        self.width = 2 * MARGIN + self.blocks * self.block_width - 2 * GAP
        across = min(max(self.width, CARD_WIDTH), WIDEST)
        self.font = Font(math.ceil(across * CARD_TEXT / CARD_WIDTH))
        self.line = self.font.line_height
        self.titles = distinct([column.title for column in columns], self.cell_width, self.font, TITLE_LINES)
        self.captions = [[self._lines(lines) for lines in column.captions] for column in columns]
        self.title_lines = max(map(len, self.titles))
        self.header_height = (
            self.line * (self.title_lines + any(column.bar is not None for column in columns)) + GAP // 2
        )
        self.row_heights = [self._row_height(row) for row in range(self.rows)]

    def _blocks(self, at_most):
        rows = math.ceil(self.count / at_most)
        blocks = math.ceil(self.count / rows)  # 6 images as 3 and 3, not as 4 and 2
        if self.count > FEW_IMAGES:
            height = 1.5 * self.tile[0]  # of a row with its captions, about
            while self.count / blocks * height > MAX_HEIGHT * blocks * self.block_width:
                blocks += 1
        return blocks

    def _lines(self, lines):
        """Return the wrapped lines of one caption as `(text, mark, right)`: only the first line of a pair is marked."""
        pairs = [(line, None) if isinstance(line, str) else line for line in lines]
        return [
            (part, right if number == 0 else None, right)
            for text, right in pairs
            for number, part in enumerate(self._wrapped(text, right))
        ]

    def _wrapped(self, text, right):
        width = self.cell_width - (0 if right is None else self.font.size)
        return wrapped(text, width, self.font, CAPTION_LINES) or [""]

    def _row_height(self, row):
        numbers = range(row * self.blocks, min((row + 1) * self.blocks, self.count))
        captions = [column[number] for column in self.captions for number in numbers if column]
        return self.tile[0] + self.line * max(map(len, captions), default=0) + GAP

    def left(self, block, column):
        return MARGIN + block * self.block_width + column * (self.cell_width + GAP)

    def top(self, row):
        return MARGIN + self.header_height + sum(self.row_heights[:row])


class _Sheet:
    """Draws a sheet of columns, the first of which are the images."""

    def __init__(self, columns, footer):
        self.columns, self.layout = columns, _Layout(columns)
        self.font, self.line = self.layout.font, self.layout.line
        width = self.layout.width - 2 * MARGIN
        self.footer = [line for text in footer for line in wrapped(text, width, self.font)]
        self.bottom = self.layout.top(self.layout.rows)
        size = self.layout.width, self.bottom + self.line * len(self.footer) + MARGIN
        self.image = Image.new("RGB", size, BACKGROUND)
        self.pen = ImageDraw.Draw(self.image)

    def draw(self):
        for block in range(self.layout.blocks):
            for place, column in enumerate(self.columns):
                self._draw_header(place, column, self.layout.left(block, place))
        for number in range(self.layout.count):
            self._draw_row(number)
        for number, line in enumerate(self.footer):
            self.font.draw(self.pen, (MARGIN, self.bottom + self.line * number), line, MUTED_COLOR)
        return self.image

    def _draw_header(self, place, column, left):
        for number, line in enumerate(self.layout.titles[place]):
            self.font.draw(self.pen, (left, MARGIN + self.line * number), line, TEXT_COLOR)
        if column.bar is not None:
            self._draw_bar((left, MARGIN + self.line * self.layout.title_lines), *column.bar)

    def _draw_bar(self, position, style, label):
        (left, top), width = position, self.layout.cell_width
        low, label = ("−", f"±{label}") if style.signed else ("0", label)
        label = shortened(label, 0.7 * width, self.font)
        space = self.font.size // 3
        start, end = self.font.width(low) + space, width - self.font.width(label) - space
        self.font.draw(self.pen, position, low, MUTED_COLOR)
        bar = color_bar(style, max(int(end - start), 1), self.font.size // 2)
        self.image.paste(Image.fromarray(bar), (int(left + start), top + (self.line - len(bar)) // 2 + 2))
        self.font.draw(self.pen, (left + end + space, top), label, MUTED_COLOR)

    def _draw_row(self, number):
        row, block = divmod(number, self.layout.blocks)
        top = self.layout.top(row)
        for place, column in enumerate(self.columns):
            left = self.layout.left(block, place)
            picture = resized_picture(column.pictures[number], self.layout.tile)
            self.image.paste(Image.fromarray(picture), (left, top))
            captions = self.layout.captions[place]
            for depth, line in enumerate(captions[number] if captions else []):
                self._draw_line((left, top + self.layout.tile[0] + self.line * depth), *line)

    def _draw_line(self, position, text, mark, right):
        (left, top), size = position, self.font.size
        if mark is not None:
            _draw_mark(self.pen, left, top + self.line // 4, size // 2, right)
        indent = 0 if right is None else size
        color = TEXT_COLOR if right is None else RIGHT_COLOR if right else WRONG_COLOR
        self.font.draw(self.pen, (left + indent, top), text, color)


def _below_each_other(images):
    """Return images of any widths as one, on the ground of a sheet."""
    whole = Image.new("RGB", (max(image.width for image in images), sum(image.height for image in images)), BACKGROUND)
    top = 0
    for image in images:
        whole.paste(image, (0, top))
        top += image.height
    return whole


def _draw_mark(pen, left, top, size, right):
    """Draw a tick or a cross in a square of this size."""
    width = max(size // 5, 2)
    if right:
        points = [(left, top + 0.6 * size), (left + 0.35 * size, top + size), (left + size, top + 0.1 * size)]
        pen.line(points, fill=RIGHT_COLOR, width=width, joint="curve")
    else:
        pen.line([(left, top), (left + size, top + size)], fill=WRONG_COLOR, width=width)
        pen.line([(left + size, top), (left, top + size)], fill=WRONG_COLOR, width=width)
