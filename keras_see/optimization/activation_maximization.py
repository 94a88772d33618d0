"""Activation maximization: the images that neurons, channels and output units want."""

from collections.abc import Sequence
from typing import TypedDict, Unpack

import keras
from numpy.typing import ArrayLike

from keras_see._types import Layer, OptimizedImages, Preprocess
from keras_see._validation import keywords_of, refuse_unknown
from keras_see.optimization.batched_ascent import checked_seed, made
from keras_see.optimization.channel_selection import class_climb, neuron_climb
from keras_see.optimization.transforms import Transforms


class Options(TypedDict, total=False):
    """How images are made, beyond what each function names itself; `neuron_images` explains them."""

    samples: ArrayLike | None
    parameterization: str
    diversity: float
    transforms: Transforms | None
    rate: float
    batch_size: int


class NeuronOptions(Options, total=False):
    """And what of a layer they are made for."""

    objective: str
    position: tuple[int, int] | None
    direction: ArrayLike | None


def neuron_images(
    model: keras.Model,
    layer: Layer,
    channels: Sequence[int] | None = None,
    *,
    size: int | tuple[int, int] | None = None,
    steps: int = 256,
    seed: int = 0,
    value_range: tuple[float, float] | None = None,
    preprocess: Preprocess | None = None,
    return_history: bool = False,
    verbose: bool | None = None,
    **options: Unpack[NeuronOptions],
) -> OptimizedImages:
    r"""Return the image that each channel of a layer wants: the one that excites it most, in many views of it.

    $x^* = \arg\max_x \mathbb{E}_T\, a_k(T(x))$, with the activation $a_k$ of channel $k$, its mean over all places, and
    random shifts, rotations and scales $T$ (Erhan, Bengio, Courville and Vincent 2009, *Visualizing Higher-Layer
    Features of a Deep Network*; Olah, Mordvintsev and Schubert 2017, doi:10.23915/distill.00007). Adam climbs from
    noise over the waves of the image. It is one maximum of many: other seeds give others.

    Args:
        model: A built Keras model with one input.
        layer: A layer's name, path, the unique end of a path, or the layer itself. The channels of the output layer
            are classes: what counts is their logit, as for `class_images`.
        channels: Numbers of channels (units, for a layer without places), one image each; the same number twice gives
            two images. Default: all of them, if they are at most 64.
        size: `(height, width)` in pixels. Default: what the model takes; 224 × 224 if it takes any.
        steps: Steps of the ascent.
        seed: Equal seeds give equal images.
        value_range: `(low, high)`, the values of black and white. Default: those of `samples`; else (0, 255) where
            `preprocess` or the model rescales from there, else (0, 1).
        preprocess: Makes of images in this range what the model takes. It may be written for NumPy if it does the same
            linear thing to each pixel, else with `keras.ops`: the gradient goes through it.
        return_history: Whether to return also what was reached at each step, float32 `(k, steps)`, in units of the
            features, each in that step's view.
        verbose: Whether to show a bar; by default if it takes longer than some seconds.
        **options: `samples`: images `(n, rows, columns, channels)` of yours, whose colours and spectrum are taken in
            place of those of natural photographs. `objective`: `"channel"`, the mean over all places; `"neuron"`, one
            place, `position=(row, column)`, by default the centre; `"layer"`, the mean square of all features, one
            image. `direction`: `(channels,)` or `(k, channels)`, directions of feature space in place of `channels`.
            `diversity`: from 0; how strongly images are kept unlike each other, as a share of what they reach.
            `parameterization`: `"fourier"` or `"pixels"`. `transforms`: a `keras_see.transforms.Transforms`; by
            default shifts by 1/14 of the sides, turns by 8°, scales from 0.85 to 1.15. `rate`: step size. `batch_size`:
            images per step; bounds the memory (with diversity, all are in one batch).

    Returns:
        float32 `(k, height, width, channels)` in `value_range`; with `return_history`, that and the history.

    Raises:
        ValueError: If an argument does not fit the model, before anything is computed; or if images have no gradient
            from any start, naming their channels.

    Example:
        >>> import keras
        >>> model = keras.Sequential([keras.Input((16, 16, 3)), keras.layers.Conv2D(4, 3, name="conv")])
        >>> neuron_images(model, "conv", channels=[0, 3], steps=5).shape
        (2, 16, 16, 3)
    """
    known = set(NeuronOptions.__annotations__)
    refuse_unknown(set(options) - known, known | keywords_of(neuron_images), "neuron_images")
    seed, shape = checked_seed(seed), {"size": size, "value_range": value_range, "preprocess": preprocess}
    climb = neuron_climb(model, layer, channels, **shape, **options)
    return made(climb, steps, seed, verbose=verbose, return_history=return_history)


def class_images(
    model: keras.Model,
    targets: ArrayLike | None,
    *,
    size: int | tuple[int, int] | None = None,
    steps: int = 256,
    seed: int = 0,
    value_range: tuple[float, float] | None = None,
    preprocess: Preprocess | None = None,
    return_history: bool = False,
    verbose: bool | None = None,
    **options: Unpack[Options],
) -> OptimizedImages:
    """Return the image that each class wants: the one whose logit, before a closing softmax or sigmoid, is highest.

    The first of these was Simonyan, Vedaldi and Zisserman 2014, *Deep Inside Convolutional Networks*, section 2,
    arXiv:1312.6034; the image, its views and the ascent are those of `neuron_images`. Softmax is left out because it
    can be raised by lowering the other classes.

    Args:
        model: A built Keras model with one input.
        targets: Class numbers, one image each; or weights of the outputs, `(k, *outputs)`; or None for all classes, if
            they are at most 64. With one output unit, 1 wants +value and 0 wants −value.
        size: `(height, width)` in pixels, as for `neuron_images`.
        steps: Steps of the ascent.
        seed: Equal seeds give equal images.
        value_range: `(low, high)`, the values of black and white, as for `neuron_images`.
        preprocess: Makes of images in this range what the model takes, as for `neuron_images`.
        return_history: Whether to return also the logit reached at each step, float32 `(k, steps)`.
        verbose: Whether to show a bar; by default if it takes longer than some seconds.
        **options: `samples`, `diversity`, `parameterization`, `transforms`, `rate` and `batch_size`, as for
            `neuron_images`.

    Returns:
        float32 `(k, height, width, channels)` in `value_range`; with `return_history`, that and the history.

    Raises:
        ValueError: If an argument does not fit the model, before anything is computed; or if images have no gradient
            from any start.

    Example:
        >>> from keras_see import gap_classifier
        >>> class_images(gap_classifier(5, (16, 16, 3)), [0, 4], steps=5).shape
        (2, 16, 16, 3)
    """
    known = set(Options.__annotations__)
    refuse_unknown(set(options) - known, known | keywords_of(class_images), "class_images")
    seed, shape = checked_seed(seed), {"size": size, "value_range": value_range, "preprocess": preprocess}
    climb = class_climb(model, targets, **shape, **options)
    return made(climb, steps, seed, verbose=verbose, return_history=return_history)
