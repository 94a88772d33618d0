"""See what a Keras network is learning, while it learns."""

from keras_see.cam import class_activation_maps
from keras_see.gap import gap_classifier
from keras_see.grad_cam import grad_cam_maps
from keras_see.layer_table import layers
from keras_see.methods import maps
from keras_see.pictures import overlay
from keras_see.saliency import saliency_maps

__all__ = [
    "class_activation_maps",
    "gap_classifier",
    "grad_cam_maps",
    "layers",
    "maps",
    "overlay",
    "saliency_maps",
]
