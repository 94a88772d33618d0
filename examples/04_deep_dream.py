# %% [markdown]
# # Deep dream
#
# What does a network see in a photograph? Enhance whatever its layers answer to, a little at a time, in small versions
# of the photograph first and then in larger ones (Mordvintsev, Olah and Tyka 2015, *Inceptionism*). Without `--model`
# it is the small network of these examples, which knows discs, rings, stars and grids, and dreams of them; networks
# trained on ImageNet dream of eyes, fur and arches: `python 04_deep_dream.py --model InceptionV3 --image photo.jpg`.

# %%
import numpy as np
from choice import choose, save

import keras_see

chosen = choose("Deep dream: enhance in a photograph what a network sees in it.")
photograph = chosen.photographs[0]
options = {"preprocess": chosen.preprocess, "step_size": 0.005 if chosen.small else 0.014}

# %% [markdown]
# By default two layers are dreamt of, chosen by depth. Large photographs are walked over in tiles, so that they fit in
# memory, and the tiles lie elsewhere at each step, so that no seams show.

# %%
dreamt, history = keras_see.dream(chosen.model, photograph, return_history=True, **options)
print(f"The layers answer {history[-1, -1]:.1f} times as strongly as to the photograph.")
save(np.concatenate([photograph, dreamt], axis=1), "04_deep_dream.png")

# %% [markdown]
# A layer can be named, and so can a single channel; weights say how much each counts, and a mask where to dream.

# %%
usable = [layer.path for layer in keras_see.layers(chosen.model) if "grad_cam" in layer.methods]
late = usable[len(usable) * 3 // 4]
middle = np.zeros(photograph.shape[:2])
height, width = middle.shape
middle[height // 4 : -height // 4, width // 4 : -width // 4] = 1
parts = [
    keras_see.dream(chosen.model, photograph, late, **options),
    keras_see.dream(chosen.model, photograph, {late: 1.0, f"{late}:3": 2.0}, mask=middle, **options),
]
save(np.concatenate(parts, axis=1), "04_deep_dream_parts.png")

# %% [markdown]
# With a guide, each place is drawn towards those features of another picture that it resembles most.

# %%
guide = chosen.photographs[-1]
guided = keras_see.dream(chosen.model, photograph, late, guide=guide, **options)
save(np.concatenate([photograph, guided], axis=1), "04_deep_dream_guided.png")
