"""See what a Keras network is learning, while it learns."""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from keras_see import callbacks, metrics
    from keras_see.activation_maximization import class_images, neuron_images
    from keras_see.callbacks import Watch
    from keras_see.cam import class_activation_maps
    from keras_see.deep_dream import dream
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
    "dream",
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

# Which file has each public name. It is imported when the name is used, so that the command line need not wait for
# Keras to say what it can do.
_HOMES = {
    "Watch": "callbacks",
    "callbacks": "callbacks",
    "class_activation_maps": "cam",
    "class_images": "activation_maximization",
    "content_images": "inversion",
    "dream": "deep_dream",
    "gap_classifier": "gap",
    "grad_cam_maps": "grad_cam",
    "layers": "layer_table",
    "maps": "methods",
    "metrics": "metrics",
    "neuron_images": "activation_maximization",
    "overlay": "pictures",
    "read": "tensorboard",
    "saliency_maps": "saliency",
    "save_film": "films",
    "sheet": "sheets",
}


def __getattr__(name):
    if name not in _HOMES:
        raise AttributeError(f"module 'keras_see' has no attribute {name!r}. It has {', '.join(__all__)}.")
    home = importlib.import_module(f"keras_see.{_HOMES[name]}")
    value = home if name == _HOMES[name] else getattr(home, name)
    globals()[name] = value  # the next use need not come here
    return value


def __dir__():
    return __all__
