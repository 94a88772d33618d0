"""Maps in colour: their range, for one call or for a run, their style, and how they are drawn."""

import dataclasses
from collections.abc import Mapping

import numpy as np

from keras_see._validation import is_number, numeric, shown
from keras_see.visualization.captions import short_number
from keras_see.visualization.colormaps import STEPS, color_table
from keras_see.visualization.resizing import resized_maps

# The percentile of the positive and zero values that is drawn as the strongest colour: single outliers must not
# darken the rest (Smilkov et al. 2017, *SmoothGrad*, section 3.1, arXiv:1706.03825, cap at the 99th percentile).
PERCENTILE = 99.0

# After this many steps in a row that need less than half of a range, it falls.
PATIENCE = 3

# How a picture lies under a map. These and the curve of `OVERLAY` were chosen on maps of a GoogLeNet and of a small
# network on photographs: a map at a tenth of the range is visible, and the photograph can still be recognised.
UNDER_BRIGHTNESS = 0.45  # of the grey picture under a map
DARKEST = 0.25  # of a colour over black, as a share of the same colour over white
CONTRAST = 1.4  # exponent of the picture's brightness in the colours over it
OPAQUE_FROM = 0.2  # share of the range from which colours have their full opacity
FULL_EFFECT_FROM = 0.1  # share of the range from which a map's highest value makes the picture grey

ALPHA = 0.65

# What red, green and blue add to brightness: ITU-R BT.601, 2.5.1.
BRIGHTNESS = np.array([0.299, 0.587, 0.114], "float32")


@dataclasses.dataclass(frozen=True)
class MapStyle:
    """How the values of a map become colours.

    Attributes:
        colors: The name of a colour map.
        over_picture: Whether the map is drawn over its picture; else on black.
        exponent: The colour of a share $v$ of the range is that at $v^e$ of the colour map.
        smoothing: Standard deviation of the Gaussian that smooths a map before it is drawn, as a share of its longer
            side: single pixels of a saliency map cannot be told apart at the size of a tile.
    """

    colors: str
    over_picture: bool = True
    exponent: float = 1.0
    smoothing: float = 0.0


OVERLAY = MapStyle("turbo", exponent=0.7)
HEAT = MapStyle("inferno", over_picture=False, smoothing=0.01)
HEAT_UNSMOOTHED = MapStyle("inferno", over_picture=False)


def draw_maps(pictures, maps, upper, style, alpha=ALPHA):
    """Return maps as pictures, uint8 `(n, height, width, 3)`; nothing is checked.

    Args:
        pictures: uint8 `(n, height, width, 3)`, drawn over or only asked for their size.
        maps: `(n, rows, columns)`, smoothed already where the style wants it.
        upper: The value drawn as the strongest colour: one number, or one per map as `upper_limit` returns them.
        style: A `MapStyle`.
        alpha: As for `keras_see.overlay`.
    """
    if style.over_picture:
        return _overlaid(pictures, maps, upper, style, alpha)
    return _on_black(maps, upper, pictures.shape[1:3], style)


def smoothed(maps, style):
    """Return maps `(n, rows, columns)` as smooth as the style draws them, float32."""
    return blurred(maps, style.smoothing)


def blurred(maps, share):
    """Return maps `(n, rows, columns)` under a Gaussian, its standard deviation a share of the longer side, float32."""
    deviation = share * max(maps.shape[1:])
    if deviation < 0.3:  # the Gaussian would leave its neighbours less than a hundredth of a pixel
        return maps
    reach = int(np.ceil(3 * deviation))
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / deviation) ** 2)
    for axis in (1, 2):
        maps = _weighted_sum(maps, weights / weights.sum(), axis)
    return maps.astype("float32")


def color_bar(style, width, height=9):
    """Return a bar of a style's colours from 0 to the upper limit, uint8 `(height, width, 3)`: over grey, as drawn."""
    values = np.linspace(0, 1, width, dtype="float32")[None, None].repeat(height, axis=1)
    grey = np.full((1, height, width, 3), 128, "uint8")
    return draw_maps(grey, values, 1.0, style)[0]


def upper_limit(maps, scale):
    """Return the value that is drawn as the strongest colour: one number, or `(n, 1, 1)` with `scale="image"`."""
    if isinstance(scale, str) and scale in ("all", "image"):
        positive = np.nan_to_num(maps, nan=0.0, posinf=0.0, neginf=0.0).clip(0)
        over = {"axis": (1, 2), "keepdims": True} if scale == "image" else {}
        limit = np.percentile(positive, PERCENTILE, **over)
        return np.where(limit > 0, limit, positive.max(**over))  # fewer than 1 % of the values may be positive
    if is_number(scale) and scale > 0:
        return float(scale)
    raise ValueError(f'`scale` must be "all", "image" or a number above 0. Got {shown(scale)}. Choose one of these.')


class ColorRange:
    """The upper end of the colours of one method's maps: kept from step to step as long as it serves.

    It is set by the first step after training has begun, as a high percentile of the maps. It grows in doublings where
    a step needs more, and falls where several steps in a row need less than half of it.

    Args:
        upper: Its value in an earlier part of the run, or None.
        since: The step from which on it had this value, or None.

    Attributes:
        upper: The value that is drawn as the strongest colour; 0 where nothing has been above 0 yet.
        since: The step from which on it has this value.
        previous: The value before that, or None.
    """

    def __init__(self, upper=None, since=None):
        self.upper, self.since, self.previous = upper or 0.0, None if since is None else int(since), None
        self._low = []

    def settle(self, maps, step):
        """Set, widen or narrow the range for the maps of a step."""
        needed, upper = float(upper_limit(maps, "all")), self.upper
        self._low = [*self._low, needed] if needed < upper / 2 else []
        if not upper:
            upper = needed
        while upper < needed:
            upper *= 2
        if len(self._low) == PATIENCE:
            upper, self._low = max(self._low) or upper, []
        if upper != self.upper:
            self.previous, self.upper, self.since = self.upper or None, upper, step

    def note(self, step, maps):
        """Return what a sheet of this step says about the range."""
        if not self.upper:
            return "nothing above 0 yet"
        if self.since is None:
            return "the range of the earlier run"
        if step < self.since:
            beyond = float(upper_limit(maps, "all")) > self.upper
            return f"the range of step {self.since}" + (", which this step exceeds" if beyond else "")
        if step == self.since and self.previous is not None:
            return f"range changed here, from {short_number(self.previous)} to {short_number(self.upper)}"
        return f"one range since step {self.since}"


def normalized(maps, upper):
    """Return maps divided by `upper` and clipped to 0–1, float32; NaN is 0, and so is everything if `upper` is 0."""
    maps, upper = np.asarray(maps, "float32"), np.asarray(upper, "float32")
    values = np.divide(maps, upper, out=np.zeros_like(maps), where=upper > 0)
    return np.nan_to_num(values, nan=0.0).clip(0, 1)


def checked_maps(maps, what="`maps`"):
    """Return maps as float32 `(n, rows, columns)`, or raise ValueError; `what` is their name in the message."""
    array = numeric(maps)
    if array is None or array.ndim != 3 or not array.size:
        advice = (
            "Pass one of its entries." if isinstance(maps, Mapping) else "Pass maps as keras_see's functions give them."
        )
        raise ValueError(f"{what} must be numbers of shape (n, rows, columns). Got {shown(maps)}. {advice}")
    return array.astype("float32")


def _overlaid(pictures, maps, upper, style, alpha):
    """Return pictures in dark grey with the maps' colours over them; where nothing is above zero, as they are."""
    values = resized_maps(normalized(maps, upper), pictures.shape[1:3]).clip(0, 1)[..., None]
    effect = np.minimum(values.max(axis=(1, 2, 3), keepdims=True) / FULL_EFFECT_FROM, 1)
    pictures = pictures.astype("float32")
    grey = (pictures @ BRIGHTNESS)[..., None]
    under = pictures + effect * (UNDER_BRIGHTNESS * grey - pictures)
    share = np.minimum(values / OPAQUE_FROM, 1)
    opacity = alpha * share**2 * (3 - 2 * share)  # smooth at both ends, so that a map has no edge
    colors = _colored(values[..., 0], style) * (DARKEST + (1 - DARKEST) * (grey / 255) ** CONTRAST)
    return np.rint(under + opacity * (colors - under)).astype("uint8")


def _on_black(maps, upper, size, style):
    """Return maps as pictures of their own: zero and below black, `upper` and above bright."""
    values = normalized(maps, upper)
    if size[0] % values.shape[1] == 0 and size[1] % values.shape[2] == 0:  # whole pixels, as the image has them
        values = values.repeat(size[0] // values.shape[1], axis=1).repeat(size[1] // values.shape[2], axis=2)
    values = resized_maps(values, size).clip(0, 1)
    return np.rint(_colored(values, style)).astype("uint8")


def _weighted_sum(maps, weights, axis):
    """Return sums of neighbours along an axis, mirrored at the edges."""
    reach, length = len(weights) // 2, maps.shape[axis]
    padded = np.pad(maps, [(reach, reach) if axis == each else (0, 0) for each in range(3)], mode="symmetric")
    parts = (weight * np.take(padded, np.arange(place, place + length), axis) for place, weight in enumerate(weights))
    return sum(parts)


def _colored(values, style):
    """Return the colours of values in 0–1 as float32 0–255, with a last axis of three."""
    return color_table(style.colors)[np.rint(values**style.exponent * STEPS).astype("int32")]
