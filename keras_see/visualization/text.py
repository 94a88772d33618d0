"""Texts in pictures: in the letters that the built-in font has, and no wider than their place."""

import functools
import unicodedata

from PIL import ImageFont

SIZE = 13


def fitting(text, width):
    """Return as much of a text as fits, in letters that the built-in font has."""
    text = " ".join(_spelled(text).split())
    if font().getlength(text) <= width:
        return text
    while text and font().getlength(text + "..") > width:
        text = text[:-1]
    return text + ".."


def wrapped(text, width):
    """Return a text as lines of whole words that fit."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and font().getlength(longer) > width:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines


@functools.cache
def font():
    """Return the font that Pillow brings."""
    return ImageFont.load_default(SIZE)


def _spelled(text):
    """Return a text in the letters that the built-in font has, which is those of ASCII: without accents."""
    letters = unicodedata.normalize("NFKD", text.replace("−", "-").replace("ß", "ss"))
    return (
        "".join(letter for letter in letters if not unicodedata.combining(letter)).encode("ascii", "replace").decode()
    )
