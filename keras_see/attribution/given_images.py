"""The images that a function is given, with their labels."""

from keras_see.model.image_batches import count_of
from keras_see.model.input_kinds import split_labels
from keras_see.model.inputs import check_inputs, check_model, input_shapes
from keras_see.model.labels import checked_labels


def given_images(model, images):
    """Return checked images for a model, and their labels as an array, None where there are none.

    Args:
        model: A built model.
        images: All that `keras_see.model.inputs.check_inputs` takes, or a tuple `(x, y)` of this and its labels.
    """
    check_model(model)
    several = len(input_shapes(model) or [None]) > 1
    images, labels = split_labels(images, several)
    images = check_inputs(images, model)
    leaves = checked_labels(labels, count_of(images))
    return images, leaves[0] if len(leaves) == 1 else None
