# %% [markdown]
# # Watch a training
#
# What does a network look at while it learns? `Watch` is a callback for `fit`: after each epoch it writes what it sees
# to the folder that TensorBoard shows. By default a small network learns to tell coloured shapes apart; with `--model`,
# a pretrained network becomes the frozen backbone of one that does.

# %%
import time

import keras
import numpy as np
from choice import choose, resized, save
from small_network import CLASSES, colored_shapes, untrained_network

import keras_see

chosen = choose("Watch a network while it learns to tell coloured shapes apart.")

# %% [markdown]
# A new network, or a new head on the features of an old one.

# %%
if chosen.small:
    model, count, side, preprocess = untrained_network(), 1200, 64, None
else:
    last = [row.path for row in keras_see.layers(chosen.model) if "grad_cam" in row.methods][-1]
    backbone = keras.Model(chosen.model.input, chosen.model.get_layer(last).output, name="backbone")
    backbone.trainable = False
    model = keras_see.gap_classifier(len(CLASSES), backbone=backbone)
    count, side, preprocess = 120, chosen.images.shape[1], chosen.preprocess
model.compile(keras.optimizers.Adam(2e-3), "sparse_categorical_crossentropy", metrics=["accuracy"])

# %% [markdown]
# The images to watch are not among those that are trained on. `preprocess` makes of them what the model takes; the
# sheets show them as they were. (With `--image`, your photographs are watched: what shape would they be?)

# %%
images, labels, _ = colored_shapes(count, seed=0)
new_images, new_labels, _ = colored_shapes(4, seed=1)
watched = chosen.images if chosen.given else (resized(new_images, side), new_labels)
log_dir = time.strftime("logs/07_watch_training-%Y%m%d-%H%M%S")
watch = keras_see.Watch(log_dir, watched, class_names=CLASSES, preprocess=preprocess)
model.fit(chosen.prepared(resized(images, side)), labels, epochs=6, callbacks=[watch], verbose=2)
print(f"Drag the slider through the epochs: keras-see board {log_dir}")

# %% [markdown]
# `read` gives the sheets back without a viewer. Here are those of Grad-CAM from before training, after the first epoch
# and after the last.

# %%
sheets = [picture for step, picture in keras_see.read(log_dir)["see/grad_cam"]]
save(np.concatenate([sheets[0], sheets[1], sheets[-1]]), "07_watch_training.png")
