"""Where methods look: at the images, or at a layer whose output has rows and columns."""

from keras_see._validation import shown
from keras_see.model.forward import IMAGES


def at_images(title):
    """Return the `place` of a method of this title that explains the images themselves."""

    def place(layer_calls, layer):
        if layer is not None:
            raise ValueError(f"{title} explains the images and takes no `layer`. Got {shown(layer)}. Leave it out.")
        return IMAGES

    return place


def at_layer(layer_calls, layer):
    """Return the path of a layer with rows and columns, by default the last; the `place` of the CAMs."""
    return layer_calls.spatial_call(layer).path
