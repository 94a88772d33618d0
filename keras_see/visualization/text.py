"""Text in pictures: any script, measured, and wrapped or shortened to a width in pixels.

A user's own font comes first, then Noto Sans (Latin, Greek and Cyrillic), then the fonts of the system.
"""

import contextlib
import functools
import itertools
import logging
import os
import re
from pathlib import Path

import fontpkg_noto_sans
from PIL import ImageFont

from keras_see._validation import shown

_LOGGER = logging.getLogger("keras_see")

NOTO_SANS = fontpkg_noto_sans.ROOT / "files" / "NotoSans[wdth,wght].ttf"

# Where Linux, macOS and Windows keep fonts, and how many files are looked through for a character at most.
FOLDERS = (
    *("/usr/share/fonts", "/usr/local/share/fonts", "~/.local/share/fonts", "~/.fonts"),
    *("/System/Library/Fonts", "/Library/Fonts", "~/Library/Fonts", os.path.expandvars("%WINDIR%/Fonts")),
)
MOST_FILES = 1000

# What stands for a character that no font has, and a character that none has: its picture is that of missing ones.
SUBSTITUTE, MISSING = "?", "\U0010ffff"

ELLIPSIS = "…"

# Where a line may break: after spaces, and after what separates the parts of a layer's name or a path.
_PIECES = re.compile(r"[^\s_/@:.-]+[\s_/@:.-]*|[\s_/@:.-]+")


class Font:
    """The font in one size: a text is drawn character by character with the first font file that has it.

    Right-to-left and joined scripts (Arabic, Devanagari) are drawn as Pillow lays them out, which may need its Raqm
    library.

    Args:
        size: In pixels.
        file: The font file to try first, as `checked_font` returns it, or None.
    """

    def __init__(self, size: int, file: str | None = None) -> None:
        self.size, self._own = size, file
        self.line_height = round(1.3 * size)

    def width(self, text: str) -> float:
        """Return the width of a text on one line, in pixels."""
        return sum(map(self.advance, text))

    def advance(self, character: str) -> float:
        """Return how far a character moves the next one, in pixels."""
        return _advance(character, self.size, self._own)

    def draw(self, pen, position, text: str, color: str) -> None:
        """Draw a text on one line with its top left corner at a position of an `ImageDraw`."""
        left, top = position
        top += round(1.07 * self.size)  # to the baseline, as far down as in Noto Sans
        pairs = ((character, _file_of(character, self._own)) for character in text)
        for file, run in itertools.groupby(pairs, key=lambda pair: pair[1]):
            part = "".join(character if file else SUBSTITUTE for character, _ in run)
            face = _face(file or str(NOTO_SANS), self.size)
            pen.text((left, top), part, font=face, fill=color, anchor="ls")
            left += face.getlength(part)


def checked_font(font):
    """Return the absolute path of a font file as a str, or None; raise where it is no font that can be drawn with."""
    if font is None:
        return None
    wanted = "`font` must be the path of a font file, TrueType or OpenType. "
    if not isinstance(font, str | os.PathLike):
        raise TypeError(f"{wanted}Got {shown(font)}. Pass for example '/usr/share/fonts/own.ttf'.")
    path = Path(font).expanduser().absolute()
    if not path.is_file():
        raise ValueError(f"{wanted}There is no file {str(font)!r}. Pass the file itself, not a font's name or folder.")
    try:
        _face(str(path), 16).getmask("a")
    except (OSError, ValueError) as error:
        advice = "Pass a file that ends in .ttf, .otf or .ttc."
        raise ValueError(f"{wanted}{str(path)!r} cannot be read as one: {error}. {advice}") from error
    return str(path)


def shortened(text, width, font):
    """Return a text on one line; where it is wider than `width` pixels, its middle is left out."""
    text = on_one_line(text)
    if font.width(text) <= width:
        return text
    half = (width - font.width(ELLIPSIS)) / 2
    start, end = _fitting(text, half, font), _fitting(text[::-1], half, font)
    return text[:start].rstrip() + ELLIPSIS + text[len(text) - end :].lstrip()


def wrapped(text, width, font, most=None):
    """Return a text as a list of lines, each at most `width` pixels wide.

    Lines break after spaces and after `_ / @ : . -`; a piece that is wider than a line breaks anywhere.

    Args:
        text: The text.
        width: In pixels.
        font: The `Font`.
        most: Number of lines; the last of them is shortened in the middle. None for as many as it takes.
    """
    rest, lines = on_one_line(text), []
    while rest and (most is None or len(lines) < most - 1):
        end = _end_of_line(rest, width, font)
        lines.append(rest[:end].rstrip())
        rest = rest[end:].lstrip()
    return [*lines, shortened(rest, width, font)] if rest else lines


def distinct(texts, width, font, most):
    """Return texts wrapped to `most` lines; where some that differ came out alike, without what they share in front."""
    lines = [wrapped(text, width, font, most) for text in texts]
    alike = [number for number, each in enumerate(lines) if lines.count(each) > 1]
    if len({texts[number] for number in alike}) > 1:
        letters = zip(*(texts[number] for number in alike), strict=False)
        shared = sum(1 for _ in itertools.takewhile(lambda together: len(set(together)) == 1, letters))
        for number in alike:
            lines[number] = wrapped(ELLIPSIS + texts[number][shared:], width, font, most)
    return lines


def on_one_line(text):
    """Return a text with single spaces for all white space, and "?" for what is no character."""
    return " ".join("".join(letter if letter.isprintable() or letter.isspace() else "?" for letter in text).split())


def _end_of_line(text, width, font):
    """Return where the first line of a text ends."""
    end = 0
    for piece in (match.group() for match in _PIECES.finditer(text)):
        if font.width(text[: end + len(piece)].rstrip()) > width:
            return end or max(_fitting(piece, width, font), 1)
        end += len(piece)
    return end


def _fitting(text, width, font):
    """Return how many characters of a text fit into a width."""
    widths = itertools.accumulate(map(font.advance, text))
    return sum(1 for _ in itertools.takewhile(lambda total: total <= width, widths))


@functools.lru_cache(4096)
def _advance(character, size, own):
    file = _file_of(character, own)
    return _face(file or str(NOTO_SANS), size).getlength(character if file else SUBSTITUTE)


@functools.lru_cache(64)
def _face(file, size):
    return ImageFont.truetype(file, size)


@functools.lru_cache(4096)
def _file_of(character, own):
    """Return the font file that draws a character, or None, and log that, where none does."""
    for file in filter(None, (own, str(NOTO_SANS))):
        if _has(file, character):
            return file
    found = next((file for file in _system_files() if _has(file, character)), None)
    if found is None and character.isprintable():
        _LOGGER.warning(
            "No font of this machine has the character %s (U+%04X): it is drawn as %s. Pass font= with the path of a "
            "font that has it, or install one, such as Noto Sans CJK.",
            *(character, ord(character), SUBSTITUTE),
        )
    return found


@functools.cache
def _system_files():
    folders = (Path(folder).expanduser() for folder in FOLDERS)
    files = (file for folder in folders if folder.is_dir() for file in folder.rglob("*.[to]t[fc]"))
    return sorted(map(str, itertools.islice(files, MOST_FILES)))


def _has(file, character):
    with contextlib.suppress(OSError, ValueError):  # a font of bitmaps, or a damaged one
        return character.isspace() or _glyph(file, character) != _glyph(file, MISSING)
    return False


def _glyph(file, character):
    mask = _face(file, 16).getmask(character)
    return mask.size, bytes(mask)
