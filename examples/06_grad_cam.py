# %% [markdown]
# # Grad-CAM
#
# Where do the features of a layer speak for a class? Grad-CAM weighs each channel by how much the score would grow
# with it, and adds the channels up (Selvaraju et al. 2017, arXiv:1610.02391). It works for any layer with rows and
# columns: late ones are coarse and know what a thing is, early ones are fine and know edges.

# %%
from choice import choose, save

import keras_see

chosen = choose("Grad-CAM: where the features of layers speak for the predicted class.")
listed = keras_see.layers(chosen.model)
print(listed)

# %% [markdown]
# Of the layers in this table, those that `grad_cam` can use. The last is what Grad-CAM takes by itself; the other two
# lie halfway and at a quarter of the way.

# %%
usable = [layer.path for layer in listed if "grad_cam" in layer.methods]
names = [usable[len(usable) // 4], usable[len(usable) // 2], usable[-1]]
found = keras_see.maps(chosen.model, chosen.prepared(), methods={"grad_cam": {"layer": names}})

# %% [markdown]
# The numbers of two layers do not compare, so each column has its own range of colours; within a column the images do.

# %%
columns = {name: keras_see.overlay(chosen.images, found[f"grad_cam@{name}"]) for name in names}
captions = [
    f"{chosen.name(number)} {probabilities[number]:.0%}"
    for number, probabilities in zip(found["targets"], found["predictions"], strict=True)
]
save(keras_see.sheet(chosen.images, columns, captions=captions), "06_grad_cam.png")
