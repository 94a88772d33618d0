"""Saliency maps

A saliency map shows which pixels change the score of a class most when they change a little: the absolute gradient of
the score with respect to the image (Simonyan, Vedaldi and Zisserman 2014, arXiv:1312.6034). It shows where the
network is sensitive. It does not say whether a pixel raises or lowers the score.
"""

from _setup import setup, show

import keras_see

# In your own program: a model, uint8 photographs, the function that prepares them for the model, and class names.
model, images, preprocess, class_names = setup()

# One class per image is explained: the predicted one, unless `targets` names another. `maps` also returns the
# predictions of the same pass.
found = keras_see.maps(model, preprocess(images), methods="saliency")
captions = [
    f"{class_names[number]} {probabilities[number]:.0%}"
    for number, probabilities in zip(found["targets"], found["predictions"], strict=True)
]

# First the maps alone, on black and smoothed as the callbacks draw them, then over the images. All maps of a column
# share one colour range, so they can be compared.
columns = {
    "saliency": keras_see.overlay(images, found["saliency"], method="saliency"),
    "over the image": keras_see.overlay(images, found["saliency"]),
}
show(keras_see.sheet(images, columns, captions=captions), "01_saliency_maps.png")
