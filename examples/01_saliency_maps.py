# %% [markdown]
# # Saliency maps
#
# Which pixels move the score of a class most, if they change a little? The gradient of the score with respect to the
# image tells, for all pixels at once (Simonyan, Vedaldi and Zisserman 2014, arXiv:1312.6034). A saliency map shows
# where the network is sensitive; it does not say whether a pixel speaks for the class or against it.

# %%
import numpy as np
from choice import choose, save

import keras_see

chosen = choose("Saliency maps: which pixels move the score of the predicted class.")

# %% [markdown]
# What is explained is one class per image: the one that the network predicts, unless `targets` names another. `maps`
# gives the predictions as well, out of the same pass.

# %%
found = keras_see.maps(chosen.model, chosen.prepared(), methods="saliency")
captions = [
    f"{chosen.name(number)} {probabilities[number]:.0%}"
    for number, probabilities in zip(found["targets"], found["predictions"], strict=True)
]

# %% [markdown]
# The maps by themselves, which is the same as laid over black, and over the images. One range of colours serves them
# all, so that they can be compared.

# %%
black = np.zeros_like(chosen.images)
columns = {
    "saliency": keras_see.overlay(black, found["saliency"], colors="inferno", alpha=1),
    "over the image": keras_see.overlay(chosen.images, found["saliency"]),
}
save(keras_see.sheet(chosen.images, columns, captions=captions), "01_saliency_maps.png")
