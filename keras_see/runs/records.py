"""Records: what an epoch leaves behind under a tag, as plain values; writers turn them into files."""

import dataclasses

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


Record = Picture | Number | Text
