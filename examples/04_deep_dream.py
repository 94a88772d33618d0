# %% [markdown]
# # Deep dream
#
# Change a photograph by gradient ascent so that the activations of some layers grow, first in small versions of it,
# then in larger ones (Mordvintsev, Olah and Tyka 2015, *Inceptionism*). The small network of these examples knows
# discs, rings, stars and grids. For eyes, fur and arches use a network trained on ImageNet:
# `python 04_deep_dream.py --model InceptionV3 --image photo.jpg`.

# %%
import numpy as np
from _common import load_model, load_photographs, save

import keras_see

# In your own notebook: a model, the function that prepares images 0–255 for it, and uint8 photographs of any size.
model, preprocess, _ = load_model()
photographs = load_photographs()
photograph = photographs[0]
options = {"preprocess": preprocess}
if model.name == "small_network":
    options["step_size"] = 0.005  # the default is for networks trained on ImageNet

# %% [markdown]
# By default two layers are amplified, chosen by their depth. A large photograph is processed in tiles to bound the
# memory. The tiles are placed differently at each step, so that no seams show.

# %%
dreamt, history = keras_see.dream(model, photograph, return_history=True, **options)
print(f"The objective is {history[-1, -1]:.1f} times its value for the photograph.")
save(np.concatenate([photograph, dreamt], axis=1), "04_deep_dream.png")

# %% [markdown]
# You can name layers and single channels and give each a weight. A mask selects where the photograph changes.

# %%
usable = [layer.path for layer in keras_see.layers(model) if "grad_cam" in layer.methods]
late = usable[len(usable) * 3 // 4]
middle = np.zeros(photograph.shape[:2])
height, width = middle.shape
middle[height // 4 : -height // 4, width // 4 : -width // 4] = 1
parts = [
    keras_see.dream(model, photograph, late, **options),
    keras_see.dream(model, photograph, {late: 1.0, f"{late}:3": 2.0}, mask=middle, **options),
]
save(np.concatenate(parts, axis=1), "04_deep_dream_parts.png")

# %% [markdown]
# With a guide, the features at each position are drawn towards the most similar features of another photograph.

# %%
guided = keras_see.dream(model, photograph, late, guide=photographs[-1], **options)
save(np.concatenate([photograph, guided], axis=1), "04_deep_dream_guided.png")
