# %% [markdown]
# # Feature inversion: what each layer keeps of an image
#
# Take the features that a layer computes for a photograph, and optimize an image, from noise, until the layer computes
# the same features for it (Mahendran and Vedaldi 2015, arXiv:1412.0035). What the image shows is in the features; what
# it lacks, the layer has discarded.

# %%
import numpy as np
from _common import load, save

import keras_see

# In your own notebook: a model, uint8 photographs, and the function that prepares them for the model.
model, images, preprocess, _ = load(count=3)
images = images[:3]

# %% [markdown]
# Three depths: an early layer, one in the middle, and the last that has rows and columns. Early layers keep nearly
# everything. Late layers keep what matters for the task, and lose position and background.

# %%
paths = [row.path for row in keras_see.layers(model) if "grad_cam" in row.methods]
columns = {}
for path in (paths[len(paths) // 6], paths[len(paths) // 2], paths[-1]):
    rebuilt, history = keras_see.content_images(
        model, images, path, preprocess=preprocess, value_range=(0, 255), return_history=True
    )
    columns[path] = np.rint(rebuilt).astype("uint8")
    distances = np.sqrt(-history[:, -1])
    print(f"{path}: relative distance of the features {', '.join(f'{distance:.2f}' for distance in distances)}")
sheet = keras_see.sheet(images, columns)
save(sheet, "03_content_images.png")
