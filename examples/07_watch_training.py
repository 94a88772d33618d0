"""Watch a training

`Watch` is a callback for `fit`. After each epoch it computes attribution maps of a few sample images and writes them
to the folder that TensorBoard shows. Here a small network learns to classify coloured shapes. With `--model`, a
pretrained network becomes its frozen backbone.
"""

import time

import keras
import numpy as np
from _setup import setup, show
from PIL import Image
from small_network import CLASSES, colored_shapes, untrained_network

import keras_see

# Images to train on, and four others to watch.
images, labels, _ = colored_shapes(1200, seed=0)
samples, sample_labels, _ = colored_shapes(4, seed=1)

# A new network, or a new head on the features of a pretrained one.
pretrained, _, preprocess, _ = setup()
model = untrained_network()
if pretrained.name != "small_network":
    last = [row.path for row in keras_see.layers(pretrained) if "grad_cam" in row.methods][-1]
    backbone = keras.Model(pretrained.input, pretrained.get_layer(last).output, name="backbone")
    backbone.trainable = False
    model = keras_see.gap_classifier(len(CLASSES), backbone=backbone)
    resize = keras.layers.Resizing(*(backbone.input_shape[1:3] if backbone.input_shape[1] else (224, 224)))
    images, labels, samples = np.asarray(resize(images[:120])), labels[:120], np.asarray(resize(samples))
model.compile(keras.optimizers.Adam(2e-3), "sparse_categorical_crossentropy", metrics=["accuracy"])

# `preprocess` prepares the sample images for the model; the sheets show them as they were before it.
log_dir = time.strftime("logs/07_watch_training-%Y%m%d-%H%M%S")
watch = keras_see.Watch(log_dir, (samples, sample_labels), class_names=CLASSES, preprocess=preprocess)
model.fit(preprocess(images), labels, epochs=6, callbacks=[watch], verbose=2)
print(f"Drag the slider through the epochs: keras-see board {log_dir}")

# `read` returns the sheets without a viewer: all methods before training, after the first epoch and after the last.
sheets = [picture for step, picture in keras_see.read(log_dir)["see/overview"]]
show(Image.fromarray(np.concatenate([sheets[0], sheets[1], sheets[-1]])), "07_watch_training.png")
