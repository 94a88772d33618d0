"""See what a Keras network is learning, while it learns."""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from keras_see import callbacks, metrics
    from keras_see.attribution.cam import class_activation_maps
    from keras_see.attribution.gap import gap_classifier
    from keras_see.attribution.grad_cam import grad_cam_maps
    from keras_see.attribution.layer_table import layers
    from keras_see.attribution.maps import maps
    from keras_see.attribution.saliency import saliency_maps
    from keras_see.callbacks import Watch
    from keras_see.deepdream.deep_dream import dream
    from keras_see.optimization.activation_maximization import class_images, neuron_images
    from keras_see.optimization.feature_inversion import content_images
    from keras_see.runs.films import save_film
    from keras_see.runs.tensorboard import read
    from keras_see.visualization.overlay import overlay
    from keras_see.visualization.sheets import sheet

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
    "class_activation_maps": "attribution.cam",
    "class_images": "optimization.activation_maximization",
    "content_images": "optimization.feature_inversion",
    "dream": "deepdream.deep_dream",
    "gap_classifier": "attribution.gap",
    "grad_cam_maps": "attribution.grad_cam",
    "layers": "attribution.layer_table",
    "maps": "attribution.maps",
    "metrics": "metrics",
    "neuron_images": "optimization.activation_maximization",
    "overlay": "visualization.overlay",
    "read": "runs.tensorboard",
    "saliency_maps": "attribution.saliency",
    "save_film": "runs.films",
    "sheet": "visualization.sheets",
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
