# %% [markdown]
# # What each depth remembers of an image
#
# Give a network a photograph, keep what one layer says of it, forget the photograph, and look for an image, from noise,
# of which the layer says the same (Mahendran and Vedaldi 2015, arXiv:1412.0035). What comes back is what the layer
# remembers; what does not come back, it has thrown away.

# %%
import numpy as np
from choice import choose, save

import keras_see

chosen = choose("Content images: photographs rebuilt from the features of three layers.", count=3)
images = chosen.images[:3]

# %% [markdown]
# Three depths: the first layer, one half-way, and the last that has rows and columns. Shallow layers remember nearly
# everything. Deep ones remember what matters to the task; where it was, and what it lay on, fades.

# %%
paths = [row.path for row in keras_see.layers(chosen.model) if "grad_cam" in row.methods]
columns = {}
for path in (paths[len(paths) // 6], paths[len(paths) // 2], paths[-1]):
    rebuilt, history = keras_see.content_images(
        chosen.model, images, path, preprocess=chosen.preprocess, value_range=(0, 255), return_history=True
    )
    columns[path] = np.rint(rebuilt).astype("uint8")
    distances = np.sqrt(-history[:, -1])
    print(f"{path}: relative distance of the features {', '.join(f'{distance:.2f}' for distance in distances)}")
save(keras_see.sheet(images, columns), "03_content_images.png")
