"""Feature inversion: what each layer keeps of an image

Take the features that a layer computes for a photograph, and optimize an image, from noise, until the layer computes
the same features for it (Mahendran and Vedaldi 2015, arXiv:1412.0035). What the image shows is in the features; what
it lacks, the layer has discarded.
"""

import numpy as np
from _setup import setup, show

import keras_see

# In your own program: a model, uint8 photographs, and the function that prepares them for the model.
model, images, preprocess, _ = setup()
images = images[:3]

# Three depths: an early layer, one in the middle, and the last that has rows and columns. Early layers keep nearly
# everything. Late layers keep what matters for the task, and lose position and background.
layers = [row.path for row in keras_see.layers(model) if "grad_cam" in row.methods]
columns = {}
for layer in (layers[len(layers) // 6], layers[len(layers) // 2], layers[-1]):
    rebuilt, history = keras_see.content_images(
        model, images, layer, preprocess=preprocess, value_range=(0, 255), return_history=True
    )
    columns[layer] = np.rint(rebuilt).astype("uint8")
    distances = np.sqrt(-history[:, -1])
    print(f"{layer}: relative distance of the features {', '.join(f'{distance:.2f}' for distance in distances)}")
show(keras_see.sheet(images, columns), "03_content_images.png")
