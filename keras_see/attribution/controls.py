"""Controls: maps that know nothing of the network, beside which a figure of a method must be read."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import ArrayLike

from keras_see._validation import is_whole, shown
from keras_see.visualization.map_drawing import blurred, checked_maps

__all__ = ["Comparison", "compare_with_controls", "controls"]

# Standard deviations, as shares: of the centred Gaussian of each side; of the blur of the longer side.
CENTRE, BLUR = 0.25, 0.1

# Number of bootstrap samples of the images, and the share of them that an interval leaves out at each end.
SAMPLES, TAIL = 2000, 0.025


@dataclasses.dataclass(frozen=True)
class Comparison:
    """Figures of maps beside those of their controls; printed as a table.

    Attributes:
        rows: The name of the maps, then of each control, to the name of each measure, to `(mean, low, high)`: the mean
            over the images, NaN left out, and its 95 % interval (bootstrap over the images).
        count: Number of images.
    """

    rows: dict[str, dict[str, tuple[float, float, float]]]
    count: int

    def __str__(self):
        measures = list(next(iter(self.rows.values())))
        lines = [["maps", *measures]]
        for name, figures in self.rows.items():
            lines.append([name, *(_written(figures[measure]) for measure in measures)])
        widths = [max(len(line[place]) for line in lines) for place in range(len(lines[0]))]
        return "\n".join("  ".join(map(str.ljust, line, widths)).rstrip() for line in lines)


def controls(maps: ArrayLike, seed: int = 0) -> dict[str, np.ndarray]:
    """Return maps of the same shape that know nothing of what the network does with their images.

    A figure of maps says something only beside those of these: on photographs, whose objects lie in the middle, a bare
    centre points at the object in about seven cases of ten.

    Args:
        maps: `(n, rows, columns)`.
        seed: Equal seeds give equal controls.

    Returns:
        A dict of float32 `(n, rows, columns)`: `"centre"`, a Gaussian in the middle with a standard deviation of a
        quarter of each side; `"another image"`, the map of another image (left out for a single map); `"blurred"`, the
        map under a Gaussian of a tenth of the longer side; `"noise"`, random numbers blurred alike, from 0.

    Raises:
        ValueError: If these are no maps.

    Example:
        >>> import numpy as np
        >>> list(controls(np.ones((3, 7, 7))))
        ['centre', 'another image', 'blurred', 'noise']
    """
    checked = checked_maps(maps)
    if not is_whole(seed):
        raise ValueError(f"`seed` must be a whole number from 0. Got {shown(seed)}. 0 is the default.")
    random = np.random.default_rng(seed)
    found = {"centre": _centre(checked.shape)}
    if len(checked) > 1:
        found["another image"] = np.roll(checked, random.integers(1, len(checked)), axis=0)
    noise = blurred(random.normal(size=checked.shape), BLUR)
    return found | {"blurred": blurred(checked, BLUR), "noise": noise - noise.min(axis=(1, 2), keepdims=True)}


def compare_with_controls(
    maps: ArrayLike, measures: Mapping[str, Callable[[np.ndarray], ArrayLike]], *, name: str = "maps", seed: int = 0
) -> Comparison:
    """Return the figures of maps beside those of their `controls`, with confidence intervals.

    Args:
        maps: `(n, rows, columns)`.
        measures: Names to functions from maps to one number per image, such as
            `{"energy": lambda maps: metrics.energy_inside(maps, boxes)}`.
        name: What the maps are called in the table.
        seed: Of the controls and of the bootstrap.

    Returns:
        A `Comparison`, which prints as a table.

    Raises:
        ValueError: If these are no maps, or a measure does not return one number per image.

    Example:
        >>> import numpy as np
        >>> from keras_see import metrics
        >>> maps = np.random.default_rng(0).random((4, 7, 7))
        >>> table = compare_with_controls(maps, {"entropy": metrics.entropy}, name="random")
        >>> list(table.rows)
        ['random', 'centre', 'another image', 'blurred', 'noise']
    """
    checked = checked_maps(maps)
    if not isinstance(measures, Mapping) or not measures or not all(map(callable, measures.values())):
        raise TypeError(
            "`measures` must be a mapping from names to functions of maps. "
            f'Got {shown(measures)}. Pass {{"entropy": keras_see.metrics.entropy}}, for instance.'
        )
    rows = {name: checked} | controls(checked, seed)
    figures = {
        row: {
            measure: mean_with_interval(_numbers(function, each, measure), seed)
            for measure, function in measures.items()
        }
        for row, each in rows.items()
    }
    return Comparison(figures, len(checked))


def mean_with_interval(values, seed=0):
    """Return the mean of values, NaN left out, and the ends of its 95 % interval: bootstrap over the values."""
    values = np.asarray(values, "float64")
    values = values[np.isfinite(values)]
    if not values.size:
        return np.nan, np.nan, np.nan
    drawn = np.random.default_rng(seed).choice(values, (SAMPLES, len(values))).mean(axis=1)
    low, high = np.quantile(drawn, [TAIL, 1 - TAIL])
    return float(values.mean()), float(low), float(high)


def _centre(shape):
    count, *sides = shape
    rows, columns = (
        np.exp(-0.5 * ((np.arange(side) - (side - 1) / 2) / (CENTRE * side)) ** 2).astype("float32") for side in sides
    )
    return np.repeat((rows[:, None] * columns)[None], count, axis=0)


def _numbers(function, maps, name):
    values = np.asarray(function(maps), "float64")
    if values.shape != (len(maps),):
        raise ValueError(
            f"`measures` must return one number for each of the {len(maps)} maps. {name!r} returned {shown(values)}. "
            "Leave out the mean."
        )
    return values


def _written(figure):
    mean, low, high = figure
    return "nothing" if np.isnan(mean) else f"{mean:.2f} ({low:.2f} to {high:.2f})"
