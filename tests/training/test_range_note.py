import numpy as np
import pytest

from keras_see.training.range_note import range_note

UNIT = np.linspace(0, 1, 48).reshape(1, 4, 4, 3)

UNLIKE = {
    "bytes for a model of 0–1": (UNIT * 255, (0, 1), "images have values from 0 to 255, training has 0 to 1"),
    "0–1 for a model of bytes": (UNIT, (3, 251), "images have values from 0 to 1, training has 3 to 251"),
    "bytes for a model of −1–1": (UNIT * 255, (-1, 1), "0 to 255, training has -1 to 1"),
    "−1–1 for a model of 0–1": (UNIT * 2 - 1, (0, 1), "-1 to 1, training has 0 to 1"),
    "bytes for standardized images": (UNIT * 255, (-2.1, 2.6), "0 to 255, training has -2.1 to 2.6"),
    "centred bytes for bytes": (UNIT * 275 - 124, (0, 255), "-124 to 151, training has 0 to 255"),
    "the first input with rows": ({"age": np.ones((1, 1)), "photo": UNIT * 255}, (0, 1), "0 to 255"),
}
ALIKE = {
    "the same range": (UNIT, (0, 1)),
    "dark images": (UNIT * 0.2, (0, 1)),
    "a half of the range": (UNIT, (-1, 1)),
    "a little more than the first batch": (UNIT * 5.4 - 2.5, (-2.1, 2.6)),
    "black images": (UNIT * 0, (0, 255)),
    "a first batch of one value": (UNIT, (0.5, 0.5)),
    "a first batch that was not seen": (UNIT * 255, None),
    "bytes as whole numbers": ((UNIT * 255).astype("uint8"), (0.0, 255.0)),
}


@pytest.mark.parametrize("name", UNLIKE)
def test_images_that_cannot_be_in_the_range_of_the_training_are_noted(name):
    images, trained, words = UNLIKE[name]
    assert words in range_note(images, trained)


@pytest.mark.parametrize("name", ALIKE)
def test_images_that_can_be_in_the_range_of_the_training_are_not_noted(name):
    assert range_note(*ALIKE[name]) == ""
