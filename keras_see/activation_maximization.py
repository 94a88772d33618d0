"""Activation maximization: the images that neurons, channels and output units want."""

from keras_see.climb import checked_seed, made
from keras_see.climbs import class_climb, neuron_climb


def neuron_images(model, layer, channels=None, *, steps=256, seed=0, return_history=False, verbose=None, **options):
    r"""Return the image that each channel of a layer wants: the one that excites it most, in many views of it.

    $x^* = \arg\max_x \mathbb{E}_T\, a_k(T(x))$, with the activation $a_k$ of channel $k$, its mean over all places, and
    random shifts, rotations and scales $T$ (Erhan, Bengio, Courville and Vincent 2009, *Visualizing Higher-Layer
    Features of a Deep Network*; Olah, Mordvintsev and Schubert 2017, doi:10.23915/distill.00007). Adam climbs from
    noise over the waves of the image. It is one maximum of many: other seeds give others.

    Args:
        model: A built Keras model with one input.
        layer: A layer's name, path, the unique end of a path, or the layer itself.
        channels: Numbers of channels (units, for a layer without places), one image each; the same number twice gives
            two images. Default: all of them, if they are at most 64.
        steps: Steps of the ascent.
        seed: Equal seeds give equal images.
        return_history: Whether to return also what was reached at each step, float32 `(k, steps)`, in units of the
            features, each in that step's view.
        verbose: Whether to show a bar; by default if it takes longer than some seconds.
        **options: `size`, `value_range`, `preprocess` and all others of `neuron_climb`.

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
    climb = neuron_climb(model, layer, channels, **options)
    return made(climb, steps, checked_seed(seed), cool=False, verbose=verbose, return_history=return_history)


def class_images(model, targets, *, steps=256, seed=0, return_history=False, verbose=None, **options):
    """Return the image that each class wants: the one whose logit, before a closing softmax or sigmoid, is highest.

    The first of these was Simonyan, Vedaldi and Zisserman 2014, *Deep Inside Convolutional Networks*, section 2,
    arXiv:1312.6034; the image, its views and the ascent are those of `neuron_images`. Softmax is left out because it
    can be raised by lowering the other classes.

    Args:
        model: A built Keras model with one input.
        targets: Class numbers, one image each; or weights of the outputs, `(k, *outputs)`; or None for all classes, if
            they are at most 64. With one output unit, 1 wants +value and 0 wants −value.
        steps: Steps of the ascent.
        seed: Equal seeds give equal images.
        return_history: Whether to return also the logit reached at each step, float32 `(k, steps)`.
        verbose: Whether to show a bar; by default if it takes longer than some seconds.
        **options: `size`, `value_range`, `preprocess` and all others of `class_climb`.

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
    climb = class_climb(model, targets, **options)
    return made(climb, steps, checked_seed(seed), cool=False, verbose=verbose, return_history=return_history)
