"""Class activation maps of every class

In a classifier with a GAP head, the score of a class is the mean of one map over all positions (global average
pooling; Lin, Chen and Yan 2014, arXiv:1312.4400). So the value at a position is exactly what that position adds to
the score, and every class has its map (Zhou et al. 2016, arXiv:1512.04150).
"""

import keras
import numpy as np
from _setup import setup, show
from small_network import colored_shapes

import keras_see

# In your own program: a model with a GAP head (as ResNet, MobileNet and Inception have), uint8 photographs, and so
# on.
model, images, preprocess, class_names = setup()
image = images[0]

# The small network of these examples gets a new head: its features stay as they are, and twelve filters, one for each
# kind of coloured shape, are trained on top. Two of its images side by side make one image with two shapes.
if model.name == "small_network":
    features = keras.Model(model.input, model.get_layer("relu6").output, name="features")
    features.trainable = False
    model = keras_see.gap_classifier(len(class_names), backbone=features, head="conv")
    model.compile(keras.optimizers.Adam(1e-2), "sparse_categorical_crossentropy", metrics=["accuracy"])
    x, y, _ = colored_shapes(1500, seed=2)
    model.fit(x, y, epochs=3, verbose=2)
    image = np.concatenate([images[0], images[-1]], axis=1)

# The same image is explained for each of the twelve likeliest classes.
prepared = preprocess(image[None])
probabilities = model.predict(prepared, verbose=0)[0]
classes = np.argsort(-probabilities)[:12]
maps = keras_see.class_activation_maps(model, np.repeat(prepared, len(classes), axis=0), targets=classes)

# All maps share one colour range. Only positive values are drawn: what raises the score of the class.
pictures = keras_see.overlay(np.repeat(image[None], len(classes), axis=0), maps)
captions = [f"{class_names[number]} {probabilities[number]:.1%}" for number in classes]
show(keras_see.sheet(pictures, {}, captions=captions, title="CAM"), "05_gap_visualization.png")
