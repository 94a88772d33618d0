"""Picture files: the one reader of all kinds of pictures that Pillow can open."""

import logging
import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

_LOGGER = logging.getLogger("keras_see")

# Formats whose further frames belong to an animation or to further pages; those of others are thumbnails or layers.
FORMATS_WITH_FRAMES = ("GIF", "WEBP", "PNG", "TIFF", "AVIF")

# Formats whose whole numbers go to 65535 where Pillow opens them in mode I.
FORMATS_OF_16_BITS = ("PNG", "PPM")

# What modes of Pillow become; all others become RGB.
KEPT_MODES = {"1": "L", "L": "L", "LA": "LA", "La": "LA", "PA": "RGBA", "RGBA": "RGBA", "RGBa": "RGBA"}

# A float image in 0–255 has bright pixels; values whose highest lies between 1 and this are in no usual range.
BRIGHT = 8


def read_picture(path, what="A picture"):
    """Return a file's picture as uint8 `(height, width, 1 | 2 | 3 | 4)`, and a note on what was changed in it.

    The pixels are grey or RGB, with alpha if the file has that, turned as the EXIF orientation says. The note is empty
    unless values were stretched, or frames left out.

    Args:
        path: The path of the file.
        what: The name of the picture in messages.

    Raises:
        ValueError: If the file is missing, not a picture, broken or far too large.
    """
    if not Path(path).is_file():
        raise ValueError(f"{what} must be a file. There is no file {str(path)!r}. Check the path.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path) as opened:
                return pixels_of(opened)
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise ValueError(
            f"{what} must have at most {Image.MAX_IMAGE_PIXELS / 1e6:.0f} megapixels. {str(path)!r} has more. "
            "Scale it down first."
        ) from error
    except Exception as error:  # what Pillow raises depends on the format and on what is broken in it
        raise ValueError(
            f"{what} must be a file that Pillow can read, such as PNG, JPEG or WebP. {str(path)!r} is none, or is "
            f"broken: {_cause(error)}. Open it in an image editor and save it as PNG."
        ) from error


def logged_picture(path, what="A picture"):
    """Return a file's pixels, and log the note, if there is one, with the file's name."""
    pixels, note = read_picture(path, what)
    if note:
        _LOGGER.warning("%s: %s.", path, note)
    return pixels


def pixels_of(image):
    """Return the pixels of a `PIL.Image.Image` and a note, as `read_picture` does."""
    kind, dropped = image.format, _frames_note(image)
    image = ImageOps.exif_transpose(image)
    pixels, stretched = _from_numbers(image, kind) if image.mode[0] in "IF" else (_from_colors(image), "")
    pixels = pixels if pixels.ndim == 3 else pixels[..., None]
    return pixels, "; ".join(filter(None, [dropped, stretched]))


def _frames_note(image):
    if image.format not in FORMATS_WITH_FRAMES or not getattr(image, "is_animated", False):
        return ""
    return f"only the first frame is used: there are {image.n_frames}"


def _from_colors(image):
    """Return the pixels of an image whose values are bytes or bits."""
    if image.mode == "LAB":
        profiles = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
        return np.asarray(ImageCms.profileToProfile(image, *profiles, outputMode="RGB"))
    mode = KEPT_MODES.get(image.mode, "RGB")
    if "transparency" in image.info:
        mode = {"L": "LA", "RGB": "RGBA"}.get(mode, mode)
    return np.asarray(image.convert(mode))


def _from_numbers(image, kind):
    """Return the pixels of an image whose values are floats or larger whole numbers, and a note if stretched."""
    values = np.asarray(image).astype("float64")
    low, high, note = _range(values, image.mode, kind)
    scaled = (values - low) * (255 / ((high - low) or 1))
    return np.rint(scaled).astype("uint8"), note


def _range(values, mode, kind):
    """Return the values of black and white, and a note if these are the least and the greatest value there."""
    least, most = float(values.min()), float(values.max())
    if not np.isfinite([least, most]).all():
        raise ValueError("it holds NaN or infinity")
    if mode.startswith("I;16") or (mode == "I" and kind in FORMATS_OF_16_BITS):
        return 0, 65535, ""
    if mode == "F" and least >= 0 and most <= 1:
        return 0, 1, ""
    if least >= 0 and most <= 255 and (mode == "I" or most > BRIGHT):
        return 0, 255, ""
    return least, most, f"values are stretched: {least:g} is black, {most:g} is white"


def _cause(error):
    """Return in few words why Pillow could not read a file."""
    if isinstance(error, UnidentifiedImageError):  # its message is the path again
        return "its format is not known"
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0].rstrip(".: ")
