"""Write pictures and animations to files, whole or not at all."""

import json
import uuid
from pathlib import Path

from PIL import Image, PngImagePlugin

# File endings of the formats that hold one picture, and of those that hold an animation.
STILL = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff")
ANIMATED = (".gif", ".webp", ".png")

SOFTWARE = "keras_see"
# Tags of EXIF 2.3, section 4.6.4: the description of a picture, and the software that made it.
EXIF_DESCRIPTION, EXIF_SOFTWARE = 0x010E, 0x0131


def write_picture(frames, path, *, seconds=None, metadata=None, quality=95):
    """Write a picture, or several frames as an animation that repeats forever, and replace an existing file.

    The file is written under a temporary name beside `path` and then renamed: an interrupted write leaves the old
    file, or none.

    Args:
        frames: uint8 arrays `(height, width, k)`: grey, RGB, or either with alpha. Without `seconds` only one.
        path: Where to; its ending is one of `STILL`, or of `ANIMATED` with `seconds`.
        seconds: How long each frame is shown: a number, or one number per frame. None writes a still picture.
        metadata: A dict that is stored as JSON in the file's description, or None.
        quality: Of JPEG and WebP, 1 to 100.
    """
    path = Path(path)
    ending = path.suffix.lower()
    images = [Image.fromarray(frame[..., 0] if frame.shape[-1] == 1 else frame) for frame in frames]
    options = {"quality": quality} if ending in (".jpg", ".jpeg", ".webp") else {}
    if metadata is not None:
        options |= _description(ending, json.dumps(metadata))
    if seconds is not None:
        options |= {"save_all": True, "append_images": images[1:], "duration": _milliseconds(seconds), "loop": 0}
    temporary = path.with_name(f".{uuid.uuid4().hex}{path.suffix}")  # unique among threads and processes
    try:
        images[0].save(temporary, **options)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _milliseconds(seconds):
    return [round(1000 * each) for each in seconds] if isinstance(seconds, list) else round(1000 * seconds)


def _description(ending, text):
    """Return the options with which Pillow stores a text in a file of this format."""
    if ending == ".png":
        information = PngImagePlugin.PngInfo()
        information.add_text("Software", SOFTWARE)
        information.add_text("Description", text)
        return {"pnginfo": information}
    if ending == ".gif":
        return {"comment": text.encode()}
    exif = Image.Exif()
    exif[EXIF_DESCRIPTION], exif[EXIF_SOFTWARE] = text, SOFTWARE
    return {"exif": exif}
