"""Grad-CAM

Grad-CAM shows where the features of a layer raise the score of a class. Each channel is weighted by its mean
gradient, the weighted channels are added, and the positive part is the map (Selvaraju et al. 2017, arXiv:1610.02391).
Every layer with rows and columns will do. Late layers are coarse and respond to objects, early layers to edges.
"""

from _setup import setup, show

import keras_see

# In your own program: a model, uint8 photographs, the function that prepares them for the model, and class names.
model, images, preprocess, class_names = setup()

# The table of layers tells which of them `grad_cam` can use.
table = keras_see.layers(model)
print(table)

# By default it takes the last. Here are two more, at a quarter and at half of the depth.
usable = [row.path for row in table if "grad_cam" in row.methods]
layers = [usable[len(usable) // 4], usable[len(usable) // 2], usable[-1]]
found = keras_see.maps(model, preprocess(images), methods={"grad_cam": {"layer": layers}})
captions = [
    f"{class_names[number]} {probabilities[number]:.0%}"
    for number, probabilities in zip(found["targets"], found["predictions"], strict=True)
]

# Values of different layers cannot be compared, so each column has its own colour range. Within a column, the images
# share it.
columns = {layer: keras_see.overlay(images, found[f"grad_cam@{layer}"]) for layer in layers}
show(keras_see.sheet(images, columns, captions=captions), "06_grad_cam.png")
