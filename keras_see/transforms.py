"""Random views through which a model sees an optimized image."""

from keras_see.optimization.transforms import Transforms

__all__ = ["Transforms"]
