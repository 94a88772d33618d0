"""Picture files of the command line: read any photo, and check where a picture can be written."""

import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps


def read_picture(path):
    """Return a file's picture as uint8 `(height, width, k)`, grey or RGB, with alpha if it has that.

    A picture whose EXIF data give an orientation is turned upright. Of an animation only the first frame is read.

    Raises:
        ValueError: If the file is missing, not a picture, broken or far too large.
    """
    if not Path(path).is_file():
        raise ValueError(f"A picture must be a file. There is no file {str(path)!r}. Check the path.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path) as opened:
                return _pixels(ImageOps.exif_transpose(opened))
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise ValueError(
            f"A picture must have at most {Image.MAX_IMAGE_PIXELS / 1e6:.0f} megapixels. {str(path)!r} has more. "
            "Scale it down first."
        ) from error
    except Exception as error:  # what Pillow raises depends on the format and on what is broken in it
        raise ValueError(
            f"A picture must be a file that Pillow can read, such as PNG, JPEG or WebP. {str(path)!r} is none, or is "
            "broken. Open it in an image editor and save it again."
        ) from error


def check_output(path, endings, force=False):
    """Raise unless a picture can be written to `path`: a known ending, an existing folder, no file (or `force`)."""
    path = Path(path)
    if path.suffix.lower() not in endings:
        raise ValueError(
            f"The output must end in {', '.join(endings)}. Got {str(path)!r}. Choose one of these endings."
        )
    if not path.parent.is_dir() or path.is_dir():
        raise ValueError(
            f"The output must be a file in a folder that exists. Got {str(path)!r}. Make the folder, or choose another."
        )
    if path.exists() and not force:
        raise ValueError(f"The output must not exist yet. {str(path)!r} does. Choose another name, or pass --force.")


def check_alpha(path, pixels):
    """Raise if a picture with alpha is to be written in a format that has none."""
    if pixels.shape[-1] in (2, 4) and Path(path).suffix.lower() in (".jpg", ".jpeg"):
        raise ValueError(
            "A photo with transparency must be written as .png or .webp. "
            f"Got {str(path)!r}, and JPEG has none. Choose another ending."
        )


def _pixels(image):
    if image.mode.startswith("I;16"):
        return (np.asarray(image) // 257).astype("uint8")[..., None]
    alpha = "A" in image.mode or "a" in image.mode or "transparency" in image.info
    grey = image.mode in ("1", "L", "LA", "La", "I", "F")
    pixels = np.asarray(image.convert(("L" if grey else "RGB") + ("A" if alpha else "")))
    return pixels if pixels.ndim == 3 else pixels[..., None]
