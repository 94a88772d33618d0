"""Where the command line can write a picture."""

from pathlib import Path


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
