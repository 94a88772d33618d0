"""Methods: a word, a path in the model and a formula; and the request for one."""

import dataclasses
from collections.abc import Callable
from typing import NamedTuple

from keras_see.model.cache import hashable
from keras_see.visualization.map_drawing import OVERLAY, MapStyle


@dataclasses.dataclass(frozen=True)
class Method:
    """A way to make maps, of one of three kinds.

    A *gradient* method is a formula of the values at one place of the model and of the score's gradients there; all
    such methods share one forward and one backward pass. A *forward* method is a formula of the values alone. A
    *sampled* method varies each image many times, and is a formula of sums over the variations.

    Formulas are made of `keras.ops`, work in float32 and treat each image independently of the others. With options,
    the options are a formula's last argument.

    Attributes:
        word: Its name in tags, in `methods` and on the command line.
        title: Its name in pictures.
        place: `place(layer_calls, layer)` returns the path of the features that the method takes: a layer's output, or
            `IMAGES`; raises if the method cannot be used there.
        formula: Returns maps `(n, rows, columns)`. Of a gradient method `formula(values, gradients)`, both
            `(n, rows, columns, channels)`; of a forward method `formula(values)`; of a sampled method
            `formula(totals, base)`: see `Sampling` and `Base`.
        meaning: What the colours mean, in one sentence for people.
        style: The `MapStyle` in which its maps are drawn.
        kind: "gradient", "forward" or "sampled".
        options: None, or a frozen dataclass with a field and a default per option, which raises `ValueError` from
            `__post_init__` where a value is wrong. It is the one declaration of the options: `maps`, callbacks and the
            command line read it.
        sampling: Of a sampled method, how the variations are made.
        layout: None, or `layout(maps)`, which makes of what the formula returns, NumPy arrays, one map per image for a
            picture, `(n, rows, columns)`, and lines of text for each. Such a map does not lie on its image.
    """

    word: str
    title: str
    place: Callable
    formula: Callable
    meaning: str
    style: MapStyle = OVERLAY
    kind: str = "gradient"
    options: type | None = None
    sampling: "Sampling | None" = None
    layout: Callable | None = None

    def evaluate(self, *parts, options=None):
        """Return the formula of these parts, with the options where the method has any."""
        return self.formula(*parts) if self.options is None else self.formula(*parts, options)

    def option_names(self):
        """Return the names of the options, apart from `layer`."""
        return [] if self.options is None else [field.name for field in dataclasses.fields(self.options)]


@dataclasses.dataclass(frozen=True)
class Sampling:
    """How a sampled method varies images, and what it adds up.

    Samples are numbered from 0. They are evaluated in chunks: with `n` images and a chunk of `k` samples, the model
    runs on `n · k` variations at once, in a compiled function.

    Attributes:
        count: `count(base_shapes, options)` returns the number of samples per image; `base_shapes` is a `Base` of
            shapes without the batch axis.
        draw: `draw(numbers, base_shapes, options)` returns what tells these samples apart: NumPy arrays with a row per
            number, the same for every image. Random draws are made here, from a seed and the number, so that a map
            depends neither on the chunk nor on the backend.
        vary: `vary(base, draws, options)` returns `(n, k, ...)`, the variations of what the method varies; traced.
        contribution: `contribution(scores, gradients, draws, options)` returns a tensor, or a dict of tensors,
            `(n, k, ...)`, whose sum over all samples the formula gets as `totals`; traced. Scores are `(n, k)`.
        needs_gradients: Whether `gradients` are those of the scores with respect to the variations; else they are None.
        varies: "images", or "features": the values at the method's place, with the rest of the model run on them.
    """

    count: Callable
    draw: Callable
    vary: Callable
    contribution: Callable
    needs_gradients: bool = False
    varies: str = "images"


class Base(NamedTuple):
    """The unvaried images, with their features and scores.

    Attributes:
        images: `(n, rows, columns, channels)`.
        features: The values at the method's place.
        scores: `(n,)`.
    """

    images: object
    features: object
    scores: object


@dataclasses.dataclass(frozen=True)
class Request:
    """One method, at one layer, with its options.

    Attributes:
        method: The `Method`.
        layer: A name, a path, a `keras.Layer`, or None for the method's default.
        options: An instance of the method's options, or None for the defaults.
        key: The request as part of a cache's key; it keeps no layer alive.
    """

    method: Method
    layer: object = None
    options: object = None
    key: tuple = dataclasses.field(init=False, compare=False)

    def __post_init__(self):
        if self.options is None and self.method.options is not None:
            object.__setattr__(self, "options", self.method.options())
        object.__setattr__(self, "key", (self.method, hashable(self.layer), hashable(self.options)))
