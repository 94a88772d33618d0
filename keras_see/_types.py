"""Types of public arguments. Tensors of TensorFlow, JAX and PyTorch count as arrays."""

import os
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

import keras
from numpy.typing import ArrayLike
from PIL import Image

# A picture: the path of its file, or a picture of Pillow.
Picture: TypeAlias = str | os.PathLike[str] | Image.Image

# Images `(n, height, width, channels)`, or for a model with several inputs a list or dict of arrays; for a model with
# one input also one image, a list of images of any size, a picture or a list of pictures. Pictures become values from
# 0 to 255, not normalized; pictures and images of a list get the size that the model takes. A tuple `(x, y)` is images
# and their labels.
Images = ArrayLike | Sequence[ArrayLike] | Mapping[str, ArrayLike] | Picture | Sequence[Picture] | tuple[Any, ...]

# Images, a pair `(x, y)`, or a dataset whose batches are one of these.
ImageSource = Images | Iterable[Any]

# Class numbers or names `(n,)`, one-hot or multi-hot rows `(n, classes)`, or values of a regression.
Labels: TypeAlias = ArrayLike

# What is explained: "label", "predicted", class numbers, weights of the outputs, or a function of the outputs.
Targets = None | str | int | ArrayLike | Callable[[Any], Any]

# A layer's name, its path, the unique end of its path, or the layer itself.
Layer: TypeAlias = str | keras.Layer
Layers = Layer | Sequence[Layer]

# Method words, or a mapping from words to options.
Methods = None | str | Sequence[str] | Mapping[str, Mapping[str, Any]]

# A function from images to what the model takes.
Preprocess = Callable[[Any], Any]

# The values of black and white, a function from images to pictures, or the pictures themselves.
Display = None | tuple[float, float] | Callable[[Any], Any] | ArrayLike

# The values of black and white.
ValueRange = tuple[float, float]

# `(height, width)` in pixels, or one number for both.
Size = int | tuple[int, int]

# Names of the classes, in the order of their numbers.
ClassNames = Sequence[str]

# Epoch numbers, counted from 0.
Epochs = Collection[int]

# The path of a file or folder.
PathLike = str | os.PathLike[str]

# Float32 images; with `return_history=True` a pair of images and history.
OptimizedImages: TypeAlias = Any
