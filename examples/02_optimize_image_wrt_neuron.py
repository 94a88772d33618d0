# %% [markdown]
# # The image that a neuron wants
#
# What excites a channel most? Start from noise, and climb: change the image a little, again and again, so that the
# channel's mean activation rises (Erhan, Bengio, Courville and Vincent 2009; Olah, Mordvintsev and Schubert 2017,
# doi:10.23915/distill.00007). What appears is not a photograph, but what the channel has learned to answer to.

# %%
import numpy as np
from choice import choose, save

import keras_see

chosen = choose("Neuron images: what excites channels of three layers most.")

# %% [markdown]
# Early layers like edges and colours, later ones patterns, the last ones parts of things. Here are a layer at a third
# of the way, one at two thirds, and the last that has rows and columns.

# %%
paths = [row.path for row in keras_see.layers(chosen.model) if "grad_cam" in row.methods]
steps = 128 if chosen.small else 256
options = {"steps": steps, "preprocess": chosen.preprocess, "value_range": (0, 255)}
if chosen.small:
    options["size"] = (96, 96)

pictures, captions = [], []
for path in (paths[len(paths) // 3], paths[2 * len(paths) // 3], paths[-1]):
    images = keras_see.neuron_images(chosen.model, path, channels=[2, 5, 11, 17], **options)
    pictures.append(np.rint(images).astype("uint8"))
    captions += [[path, f"channel {channel}"] for channel in (2, 5, 11, 17)]
save(keras_see.sheet(np.concatenate(pictures), {}, captions=captions, title="image"), "02_neuron_images.png")

# %% [markdown]
# The output layer's neurons are classes. What counts is the logit, before the softmax: a probability can also be raised
# by lowering all others.

# %%
classes = range(4) if chosen.small else (1, 88, 130, 292)
images = np.rint(keras_see.class_images(chosen.model, list(classes), **options)).astype("uint8")
names = [chosen.name(number) for number in classes]
save(keras_see.sheet(images, {}, captions=names, title="image"), "02_class_images.png")
