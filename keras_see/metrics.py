"""Metrics of maps: how well they agree with known regions."""

from keras_see.attribution.metrics import energy_inside, pointing_hits

__all__ = ["energy_inside", "pointing_hits"]
