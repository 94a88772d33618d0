"""Deep dream

Change a photograph by gradient ascent so that the activations of some layers grow, first in small versions of it,
then in larger ones (Mordvintsev, Olah and Tyka 2015, *Inceptionism*). The small network of these examples knows
discs, rings, stars and grids. For eyes, fur and arches run `keras-see dream photo.jpg -o dream.png`, with a network
trained on ImageNet.
"""

import numpy as np
from _setup import photographs, setup, show
from PIL import Image
from sklearn.datasets import load_sample_images

import keras_see

# In your own program: a model, the function that prepares images 0–255 for it, and uint8 photographs of any size.
model, _, preprocess, _ = setup()
pictures = [np.asarray(picture) for picture in photographs] or load_sample_images().images
photograph = pictures[0]
options = {"preprocess": preprocess}
if model.name == "small_network":
    options["step_size"] = 0.005  # the default is for networks trained on ImageNet

# By default two layers are amplified, chosen by their depth. A large photograph is processed in tiles to bound the
# memory. The tiles are placed differently at each step, so that no seams show.
dreamt, history = keras_see.dream(model, photograph, return_history=True, **options)
print(f"The objective is {history[-1, -1]:.1f} times its value for the photograph.")
show(Image.fromarray(np.concatenate([photograph, dreamt], axis=1)), "04_deep_dream.png")

# You can name layers and single channels and give each a weight. A mask selects where the photograph changes.
layers = [row.path for row in keras_see.layers(model) if "grad_cam" in row.methods]
late = layers[len(layers) * 3 // 4]
mask = np.zeros(photograph.shape[:2])
mask[:, : mask.shape[1] // 2] = 1  # the left half
dreamt = keras_see.dream(model, photograph, {late: 1.0, f"{late}:3": 2.0}, mask=mask, **options)
show(Image.fromarray(dreamt), "04_deep_dream_parts.png")

# With a guide, the features at each position are drawn towards the most similar features of another photograph.
guided = keras_see.dream(model, photograph, late, guide=pictures[-1], **options)
show(Image.fromarray(np.concatenate([photograph, guided], axis=1)), "04_deep_dream_guided.png")
