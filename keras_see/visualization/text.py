"""Text in pictures: shortened or wrapped to a width in pixels, in ASCII."""

import functools
import unicodedata

from PIL import ImageFont

SIZE = 13  # pixels


def shortened(text, width):
    """Return a text in ASCII on one line, cut and ended with ".." where it is wider than `width` pixels."""
    text = " ".join(_ascii(text).split())
    if font().getlength(text) <= width:
        return text
    while text and font().getlength(text + "..") > width:
        text = text[:-1]
    return text + ".."


def wrapped(text, width):
    """Return a text as a list of lines of whole words, at most `width` pixels wide if no single word is wider."""
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
    """Return the font that Pillow ships."""
    return ImageFont.load_default(SIZE)


def _ascii(text):
    """Return a text without accents, "?" for any other letter that is not ASCII: the font has ASCII only."""
    decomposed = unicodedata.normalize("NFKD", text.replace("−", "-").replace("ß", "ss"))
    letters = "".join(letter for letter in decomposed if not unicodedata.combining(letter))
    return letters.encode("ascii", "replace").decode()
