# %% [markdown]
# # Heatmaps of every class, exactly
#
# Give the last convolution one filter per class, and let the score of a class be the mean of its filter over all
# places (global average pooling, GAP). Then what the filter says at a place is exactly what the place adds to the
# score, and the heatmap of every class comes with the prediction (Lin, Chen and Yan 2014, arXiv:1312.4400; Zhou et al.
# 2016, arXiv:1512.04150).

# %%
import keras
import numpy as np
from choice import choose, save
from small_network import CLASSES, colored_shapes

import keras_see

chosen = choose("The exact heatmap of every class, for a classifier with a GAP head.")

# %% [markdown]
# The small network gets such a head: its features stay as they are, and twelve filters, one for each kind of coloured
# shape, are trained on top. (A model of your own, `--model`, is taken as it is. It must end in a GAP head, as ResNet,
# MobileNet, Inception and many others do.)

# %%
model = chosen.model
if chosen.small:
    features = keras.Model(model.input, model.get_layer("relu6").output, name="features")
    features.trainable = False
    model = keras_see.gap_classifier(len(CLASSES), backbone=features, head="conv")
    model.compile(keras.optimizers.Adam(1e-2), "sparse_categorical_crossentropy", metrics=["accuracy"])
    images, labels, _ = colored_shapes(1500, seed=2)
    model.fit(images, labels, epochs=3, verbose=2)

# %% [markdown]
# One image, and for each class its heatmap: the same image is asked about every class. Two of the network's images side
# by side make one with two shapes in it. Of many classes, the twelve likeliest are shown.

# %%
image = np.concatenate([chosen.images[0], chosen.images[4]], axis=1) if chosen.labels is not None else chosen.images[0]
prepared = chosen.prepared(image[None])
probabilities = model.predict(prepared, verbose=0)[0]
classes = np.argsort(-probabilities)[:12]
maps = keras_see.class_activation_maps(model, np.repeat(prepared, len(classes), axis=0), targets=classes)

# %% [markdown]
# All heatmaps have one range of colours. Only what speaks for a class is drawn.

# %%
pictures = keras_see.overlay(np.repeat(image[None], len(classes), axis=0), maps)
captions = [f"{chosen.name(number)} {probabilities[number]:.1%}" for number in classes]
save(keras_see.sheet(pictures, {}, captions=captions, title="CAM"), "05_gap_visualization.png")
