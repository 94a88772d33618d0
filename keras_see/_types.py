"""What public functions take, for readers and type checkers. Tensors of the backends count as arrays."""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

import keras
from numpy.typing import ArrayLike

# `(n, height, width, channels)`, or for a model of several inputs a list or dict of arrays.
Images = ArrayLike | Sequence[ArrayLike] | Mapping[str, ArrayLike]

# The same, or `(x, y)`, or a dataset that gives them.
Watchable = Images | Iterable[Any]

# What is explained: "label", "predicted", class numbers, weights of the outputs, or a function of them.
Targets = None | str | int | ArrayLike | Callable[[Any], Any]

# A name, a path, the unique end of a path, or the layer itself.
Layer: TypeAlias = str | keras.Layer
Layers = Layer | Sequence[Layer]

# Words, or words with their options.
Methods = None | str | Sequence[str] | Mapping[str, Mapping[str, Any]]

# Makes of images what the model takes.
Preprocess = Callable[[Any], Any]

# What is black and what is white; a function that makes pictures; or the pictures.
Display = None | tuple[float, float] | Callable[[Any], Any] | ArrayLike

Folder = str | os.PathLike[str]

# An array of images; with `return_history=True` a pair, of them and of their history.
Made: TypeAlias = Any
