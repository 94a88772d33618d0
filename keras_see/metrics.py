"""Metrics of maps: agreement with known regions, faithfulness to the model, spread, and controls beside them."""

from keras_see.attribution.controls import Comparison, compare_with_controls, controls
from keras_see.attribution.faithfulness import deletion_auc, insertion_auc
from keras_see.attribution.grid_pointing import grid_pointing
from keras_see.attribution.map_statistics import entropy, stability
from keras_see.attribution.metrics import box_iou, energy_inside, pointing_hits
from keras_see.attribution.randomization import randomization_check

__all__ = [
    "Comparison",
    "box_iou",
    "compare_with_controls",
    "controls",
    "deletion_auc",
    "energy_inside",
    "entropy",
    "grid_pointing",
    "insertion_auc",
    "pointing_hits",
    "randomization_check",
    "stability",
]
