"""What maps say by themselves, without images: how alike two are, and how spread out one is."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from keras_see._validation import shown
from keras_see.visualization.captions import entropies, rank_correlations
from keras_see.visualization.map_drawing import checked_maps

__all__ = ["entropy", "stability"]


def stability(maps: ArrayLike, others: ArrayLike) -> np.ndarray:
    r"""Return how alike two maps of each image are: the rank correlation of their values.

    $\rho = \mathrm{corr}(\mathrm{rank}(M), \mathrm{rank}(M'))$ over all places, equal values sharing their mean rank
    (Spearman 1904, *The Proof and Measurement of Association between Two Things*; for maps: Adebayo et al. 2018,
    *Sanity Checks for Saliency Maps*, section 3, arXiv:1810.03292). 1: the same order of places; 0: no relation.
    It does not change with the unit of the maps. Signs count: of signed maps the lowest values have the lowest ranks.

    Args:
        maps: `(n, rows, columns)`.
        others: Maps of the same images, of the same shape: nothing is resized.

    Returns:
        float64 `(n,)` between -1 and 1; NaN where one of the two maps has the same value everywhere.

    Raises:
        ValueError: If the shapes differ.

    Example:
        >>> import numpy as np
        >>> maps = np.arange(12.0).reshape(1, 3, 4)
        >>> stability(maps, maps**2), stability(maps, -maps)
        (array([1.]), array([-1.]))
    """
    ones, twos = checked_maps(maps), checked_maps(others, "`others`")
    if ones.shape != twos.shape:
        raise ValueError(
            f"`others` must have the shape of `maps`, {ones.shape}. Got {shown(others)}. "
            'Make both with the same layer, or with size="images".'
        )
    return rank_correlations(ones, twos)


def entropy(maps: ArrayLike) -> np.ndarray:
    r"""Return how spread out each map is: the entropy of its positive part, as a share of the greatest possible.

    $H = -\sum_{ij} p_{ij} \log p_{ij} \,/\, \log(rc)$ with $p = M^+ / \sum M^+$ over $r$ rows and $c$ columns
    (Shannon 1948, *A Mathematical Theory of Communication*, section 6). 0: all in one place; 1: the same everywhere.
    Values of maps of different sizes can be compared roughly: an enlarged map is a little smoother.

    Args:
        maps: `(n, rows, columns)`; negative values count as zero.

    Returns:
        float64 `(n,)` between 0 and 1; NaN where a map has no positive value, or only one place.

    Raises:
        ValueError: If these are no maps.

    Example:
        >>> import numpy as np
        >>> entropy(np.stack([np.ones((4, 4)), np.pad([[2.0]], ((0, 3), (0, 3)))])).round(6)
        array([1., 0.])
    """
    return entropies(checked_maps(maps))
