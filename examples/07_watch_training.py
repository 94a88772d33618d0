# %% [markdown]
# # Watch a training
#
# `Watch` is a callback for `fit`. After each epoch it computes attribution maps of a few sample images and writes them
# to the folder that TensorBoard shows. Here a small network learns to classify coloured shapes. With `--model`, a
# pretrained network becomes its frozen backbone.

# %%
import time

import keras
import numpy as np
from _common import load_model, save, side_of
from small_network import CLASSES, colored_shapes, untrained_network

import keras_see

model, preprocess, _ = load_model()

# %% [markdown]
# A new network, or a new head on the features of a pretrained one.

# %%
images, labels, _ = colored_shapes(1200, seed=0)
sample_images, sample_labels, _ = colored_shapes(4, seed=1)
if model.name == "small_network":
    model = untrained_network()
else:
    size = (side_of(model), side_of(model))
    last = [layer.path for layer in keras_see.layers(model) if "grad_cam" in layer.methods][-1]
    backbone = keras.Model(model.input, model.get_layer(last).output, name="backbone")
    backbone.trainable = False
    model = keras_see.gap_classifier(len(CLASSES), backbone=backbone)
    images, labels = np.asarray(keras.ops.image.resize(images[:120], size)), labels[:120]
    sample_images = np.asarray(keras.ops.image.resize(sample_images, size))
model.compile(keras.optimizers.Adam(2e-3), "sparse_categorical_crossentropy", metrics=["accuracy"])

# %% [markdown]
# The sample images are not among the training images. `preprocess` prepares them for the model; the sheets show them as
# they were before it.

# %%
log_dir = time.strftime("logs/07_watch_training-%Y%m%d-%H%M%S")
watch = keras_see.Watch(log_dir, (sample_images, sample_labels), class_names=CLASSES, preprocess=preprocess)
model.fit(preprocess(images), labels, epochs=6, callbacks=[watch], verbose=2)
print(f"Drag the slider through the epochs: keras-see board {log_dir}")

# %% [markdown]
# `read` returns the sheets without a viewer. These are the Grad-CAM sheets from before training, after the first epoch
# and after the last.

# %%
sheets = [picture for step, picture in keras_see.read(log_dir)["see/grad_cam"]]
save(np.concatenate([sheets[0], sheets[1], sheets[-1]]), "07_watch_training.png")
