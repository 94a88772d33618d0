"""Records: what an epoch leaves behind under a tag, as plain values; writers turn them into files."""

import dataclasses

import numpy as np
from PIL import Image


@dataclasses.dataclass(frozen=True)
class Picture:
    """An image, with a description in Markdown."""

    image: Image.Image
    description: str = ""


@dataclasses.dataclass(frozen=True)
class Number:
    """A number, with a description; `is_curve=False` for one that is kept for later runs and not drawn."""

    value: float
    description: str = ""
    is_curve: bool = True


@dataclasses.dataclass(frozen=True)
class Text:
    """A text in Markdown."""

    markdown: str


@dataclasses.dataclass(frozen=True)
class Maps:
    """Raw maps `(n, rows, columns)`, and what belongs to them, which JSON must be able to hold."""

    values: np.ndarray
    about: dict


@dataclasses.dataclass(frozen=True)
class Tiles:
    """Single pictures in the bytes of a picture file, WebP or JPEG, and what belongs to them."""

    encoded: list[bytes]
    about: dict


Record = Picture | Number | Text | Maps | Tiles
