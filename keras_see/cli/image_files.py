"""Read photos from files that may hold anything, and write pictures that say how they were made."""

import json
import os
import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, PngImagePlugin

STILL = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff")
MOVING = (".gif", ".webp", ".png")

# Tags of EXIF 2.3, section 4.6.4: what the picture is, and the software that made it.
DESCRIPTION, SOFTWARE = 0x010E, 0x0131


def read_picture(path):
    """Return a file's picture as uint8 `(height, width, k)`, grey or RGB, with alpha if it has that.

    Cameras note which way is up; the picture is turned accordingly. Of a moving picture it is the first frame.

    Raises:
        ValueError: If the file is missing, no picture, broken or far too large, in one line.
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
            "Make it smaller first."
        ) from error
    except Exception as error:  # what Pillow raises depends on the format and on what is broken in it
        raise ValueError(
            f"A picture must be a file that Pillow can read, such as PNG, JPEG or WebP. {str(path)!r} is none, or is "
            "broken. Open it in an image editor and save it anew."
        ) from error


def check_output(path, endings, force=False):
    """Raise unless a picture can be written there: known ending, existing folder, and no file yet (or `force`)."""
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


def write_picture(frames, path, made, seconds=0.1):
    """Write one picture, or several as a moving one, whole or not at all.

    Args:
        frames: uint8 arrays `(height, width, k)`.
        path: As `check_output` has found it right.
        made: A dict that says how it was made; it becomes the description in the file's metadata, as JSON.
        seconds: How long each frame is shown.
    """
    path = Path(path)
    images = [Image.fromarray(frame[..., 0] if frame.shape[-1] == 1 else frame) for frame in frames]
    options = _metadata(path.suffix.lower(), json.dumps(made))
    if len(images) > 1:
        options |= {"save_all": True, "append_images": images[1:], "duration": round(1000 * seconds), "loop": 0}
    part = path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")
    try:
        images[0].save(part, **options)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def check_alpha(path, pixels):
    """Raise if a picture with alpha is to be written into a format without."""
    if pixels.shape[-1] in (2, 4) and Path(path).suffix.lower() in (".jpg", ".jpeg"):
        raise ValueError(
            "A photo with transparency must be written as .png or .webp. "
            f"Got {str(path)!r}, and JPEG has none. Choose another ending."
        )


def _metadata(ending, text):
    software = "keras_see"
    if ending == ".png":
        information = PngImagePlugin.PngInfo()
        information.add_text("Software", software)
        information.add_text("Description", text)
        return {"pnginfo": information}
    if ending == ".gif":
        return {"comment": text.encode()}
    exif = Image.Exif()
    exif[DESCRIPTION], exif[SOFTWARE] = text, software
    quality = {} if ending in (".tif", ".tiff") else {"quality": 95}
    return {"exif": exif, **quality}


def _pixels(image):
    if image.mode.startswith("I;16"):
        return (np.asarray(image) // 257).astype("uint8")[..., None]
    alpha = "A" in image.mode or "a" in image.mode or "transparency" in image.info
    grey = image.mode in ("1", "L", "LA", "La", "I", "F")
    pixels = np.asarray(image.convert(("L" if grey else "RGB") + ("A" if alpha else "")))
    return pixels if pixels.ndim == 3 else pixels[..., None]
