"""Feature visualization: optimized images of neurons

What does a channel respond to? Start from noise and change the image by gradient ascent so that the channel's mean
activation rises (Erhan, Bengio, Courville and Vincent 2009; Olah, Mordvintsev and Schubert 2017,
doi:10.23915/distill.00007). The result is not a photograph. It shows the pattern that activates the channel.
"""

import numpy as np
from _setup import setup, show

import keras_see

# In your own program: a model, the function that prepares images 0–255 for it, and class names.
model, _, preprocess, class_names = setup()
options = {"steps": 128, "preprocess": preprocess, "value_range": (0, 255)}
if model.input_shape[1] is None:  # the model takes images of any size
    options["size"] = (96, 96)

# Early layers respond to edges and colours, later ones to patterns, the last ones to parts of objects. These are
# three of the layers whose output has rows and columns: one at a third of the depth, one at two thirds, and the last.
layers = [row.path for row in keras_see.layers(model) if "grad_cam" in row.methods]
channels = [2, 5, 11, 17]
pictures, captions = [], []
for layer in (layers[len(layers) // 3], layers[2 * len(layers) // 3], layers[-1]):
    pictures.append(np.rint(keras_see.neuron_images(model, layer, channels, **options)).astype("uint8"))
    captions += [[layer, f"channel {channel}"] for channel in channels]
show(keras_see.sheet(np.concatenate(pictures), {}, captions=captions, title="image"), "02_neuron_images.png")

# The neurons of the output layer are classes. Their objective is the logit before the softmax: a probability would
# also rise if all other logits fell.
images = np.rint(keras_see.class_images(model, [0, 1, 2, 3], **options)).astype("uint8")
show(keras_see.sheet(images, {}, captions=class_names[:4], title="image"), "02_class_images.png")
