"""See what a Keras network is learning, while it learns."""

from keras_see import callbacks, metrics
from keras_see.activation_maximization import class_images, neuron_images
from keras_see.callbacks import Watch
from keras_see.cam import class_activation_maps
from keras_see.films import save_film
from keras_see.gap import gap_classifier
from keras_see.grad_cam import grad_cam_maps
from keras_see.inversion import content_images
from keras_see.layer_table import layers
from keras_see.methods import maps
from keras_see.pictures import overlay
from keras_see.saliency import saliency_maps
from keras_see.sheets import sheet
from keras_see.tensorboard import read

__all__ = [
    "Watch",
    "callbacks",
    "class_activation_maps",
    "class_images",
    "content_images",
    "gap_classifier",
    "grad_cam_maps",
    "layers",
    "maps",
    "metrics",
    "neuron_images",
    "overlay",
    "read",
    "saliency_maps",
    "save_film",
    "sheet",
]
