"""A note on sample images whose values differ from those that the model trains on."""

import contextlib

import numpy as np

from keras_see.model.image_batches import picture_of, to_numpy
from keras_see.model.keras_internals import inputs_of_fit

# The first batch need not hold the extremes: by this share of its range the sample images may lie outside it.
MARGIN = 0.25

# Images that span a smaller share of the range than this were divided by something, or the first batch was multiplied.
LEAST_SPAN = 0.05


def range_of_fit(model):
    """Return the lowest and the highest value that the running `fit` trains a model on, or None where none is seen.

    They are those of a first part of an array, or of one batch; nothing is read from a dataset for it.
    """
    with contextlib.suppress(Exception):  # whatever the images of `fit` are, this may not end it
        inputs = inputs_of_fit(model)
        if inputs is not None:
            pictures = to_numpy(picture_of(inputs)).astype("float64")
            return float(pictures.min()), float(pictures.max())
    return None


def range_note(sample_inputs, fit_inputs_range):
    """Return a note if the sample images cannot be in the range that the model trains on, else an empty str.

    Args:
        sample_inputs: What the model takes for the sample images: an array, or a list or dict of arrays.
        fit_inputs_range: The lowest and the highest value of the first batch of `fit`; None where it was not seen.
    """
    if fit_inputs_range is None:
        return ""
    pictures = np.asarray(picture_of(sample_inputs), "float64")
    given, trained = (float(pictures.min()), float(pictures.max())), tuple(map(float, fit_inputs_range))
    if _can_be_of_one_range(given, trained):
        return ""
    return f"images have values from {_words(given)}, training has {_words(trained)}: `preprocess` can make them alike"


def values_note(sample_inputs):
    """Return the values of sample images, to go on a line about outputs where those of the training were not seen."""
    pictures = np.asarray(picture_of(sample_inputs), "float64")
    return f" (the images have values from {_words((float(pictures.min()), float(pictures.max())))})"


def _can_be_of_one_range(given, trained):
    span = trained[1] - trained[0]
    is_inside = given[0] >= trained[0] - MARGIN * span and given[1] <= trained[1] + MARGIN * span
    is_constant = given[0] == given[1] or span == 0  # such as all black: that tells nothing of a range
    return is_constant or (is_inside and given[1] - given[0] >= LEAST_SPAN * span)


def _words(limits):
    return f"{limits[0]:.3g} to {limits[1]:.3g}"
