"""From maps to pictures: size, scale, colour and overlay."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike
from PIL import Image

from keras_see._types import Display, Images
from keras_see._validation import is_number, is_size, is_word, numeric, shown
from keras_see.model.inputs import picture_of
from keras_see.visualization.colormaps import colored
from keras_see.visualization.display import to_pictures

# The share of watched values that a range leaves out at its upper end: single hot pixels must not darken the rest
# (Smilkov et al. 2017, *SmoothGrad*, section 3.1, arXiv:1706.03825, cap at the 99th percentile).
PERCENTILE = 99.0


def overlay(
    images: Images,
    maps: ArrayLike,
    *,
    alpha: float = 0.65,
    colors: str = "turbo",
    scale: str | float = "all",
    display: Display = None,
) -> np.ndarray:
    r"""Return the images with maps laid over them in colour; where a map is zero or below, the image shows unchanged.

    Each pixel is $(1 - o) x + o\, c(v)$ with the picture $x$, the colour map $c$, the map's value $v$ as a share of the
    range, and the opacity $o = \alpha \min(1, 2v)$. Only what speaks for the target is drawn: negative values count as
    zero.

    Args:
        images: `(n, height, width, channels)` in any range that `display` recognises.
        maps: `(n, rows, columns)`, of any size: enlarged (bicubic) to that of the images.
        alpha: How much of the picture the colours of the range's upper half cover, 0 to 1.
        colors: `"turbo"`, `"inferno"`, `"magma"`, `"viridis"` or `"gray"`.
        scale: `"all"`: one range, from 0 to the 99th percentile of all the maps. `"image"`: each map its own, which
            cannot be compared. A number: the upper end of the range.
        display: What makes pictures of the images: `None` recognises uint8, 0–1, −1–1 and 0–255 and stretches anything
            else; a pair `(low, high)`; a function; or an array of pictures.

    Returns:
        uint8 `(n, height, width, 3)`.

    Raises:
        ValueError: If images and maps are not equally many, or an option is none of the above.

    Example:
        >>> import numpy as np
        >>> overlay(np.zeros((2, 32, 32, 3)), np.ones((2, 4, 4))).shape
        (2, 32, 32, 3)
    """
    pictures, _ = to_pictures(images, display)
    checked = checked_maps(maps)
    if len(checked) != len(pictures):
        raise ValueError(
            f"`maps` must hold one map for each of the {len(pictures)} images. Got {len(checked)}. "
            "Pass the maps of the same images."
        )
    if not is_number(alpha) or not 0 <= alpha <= 1:
        raise ValueError(f"`alpha` must be a number from 0 to 1. Got {shown(alpha)}. 0.65 is the default.")
    return laid_over(pictures, checked, upper_end(checked, scale), colors, alpha)


def laid_over(pictures, maps, upper, colors="turbo", alpha=0.65):
    """Return pictures uint8 `(n, height, width, 3)` with maps over them, `upper` being the strongest colour."""
    shares = resized(shares_of(maps, upper), pictures.shape[1:3]).clip(0, 1)
    opacity = alpha * (2 * shares).clip(0, 1)[..., None]
    mixed = pictures + opacity * (colored(shares, colors) - pictures)
    return np.rint(mixed).astype("uint8")


def heat(maps, upper, size, colors="inferno"):
    """Return maps as pictures of their own, uint8 `(n, *size, 3)`: zero and below black, `upper` and above bright."""
    shares = shares_of(maps, upper)
    if size[0] % shares.shape[1] == 0 and size[1] % shares.shape[2] == 0:  # its own pixels, as the image shows its own
        shares = shares.repeat(size[0] // shares.shape[1], axis=1).repeat(size[1] // shares.shape[2], axis=2)
    shares = resized(shares, size).clip(0, 1)
    return np.rint(colored(shares, colors)).astype("uint8")


def upper_end(maps, scale):
    """Return the value that is drawn as the strongest colour: one number, or one per map."""
    if isinstance(scale, str) and scale in ("all", "image"):
        positive = np.nan_to_num(maps, nan=0.0, posinf=0.0, neginf=0.0).clip(0)
        over = {"axis": (1, 2), "keepdims": True} if scale == "image" else {}
        high = np.percentile(positive, PERCENTILE, **over)
        return np.where(high > 0, high, positive.max(**over))  # few places may be all that there is
    if is_number(scale) and scale > 0:
        return float(scale)
    raise ValueError(f'`scale` must be "all", "image" or a number above 0. Got {shown(scale)}. Choose one of these.')


def shares_of(maps, upper):
    """Return maps as shares of the range from 0 to `upper`; nothing (and what is no number) is 0."""
    upper = np.asarray(upper, "float32")
    positive = np.nan_to_num(np.asarray(maps, "float32"), nan=0.0, neginf=0.0).clip(0)
    return np.divide(positive, upper, out=np.zeros_like(positive), where=upper > 0).clip(0, 1)


def resized(maps, size):
    """Return maps `(n, rows, columns)` enlarged or reduced to `(height, width)`, bicubic, centres aligned."""
    if maps.shape[1:3] == tuple(size):
        return maps
    height, width = map(int, size)
    images = [Image.fromarray(np.asarray(each, "float32"), "F") for each in maps]
    return np.stack([np.asarray(image.resize((width, height), Image.Resampling.BICUBIC)) for image in images])


def check_size(size):
    """Raise unless this is a size that a user may ask for: None (as maps are), "images" or `(height, width)`."""
    if size is not None and not is_size(size) and not is_word(size, ["images"]):
        raise ValueError(
            f'`size` must be None, "images" or (height, width) in pixels. Got {shown(size)}. Choose one of these.'
        )


def resized_to(maps, size, images):
    """Return maps in a size that `check_size` lets pass."""
    if size is None:
        return maps
    return resized(maps, np.shape(picture_of(images))[1:3] if is_word(size, ["images"]) else size)


def checked_maps(maps):
    """Return maps as float32 `(n, rows, columns)`, sure that they are that."""
    array = numeric(maps)
    if array is None or array.ndim != 3 or not array.size:
        advice = (
            "Pass one of its entries." if isinstance(maps, Mapping) else "Pass maps as keras_see's functions give them."
        )
        raise ValueError(f"`maps` must be numbers of shape (n, rows, columns). Got {shown(maps)}. {advice}")
    return array.astype("float32")
