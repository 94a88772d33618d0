"""Callbacks for `model.fit` whose images evolve beside the training: what neurons want, what each depth remembers."""

from collections.abc import Sequence
from typing import Unpack

from numpy.typing import ArrayLike

from keras_see._types import Display, Folder, Layers, Preprocess, Watchable
from keras_see._validation import refuse_unknown
from keras_see.optimization import activation_maximization, feature_inversion
from keras_see.training.epoch_callback import Series, When, options_of
from keras_see.training.optimized_image_views import STEPS, made_views
from keras_see.training.sample_images import watch


class NeuronOptions(When, activation_maximization.NeuronOptions, total=False):
    """The further options of `NeuronImages`."""


class ContentOptions(When, feature_inversion.Options, total=False):
    """The further options of `ContentImages`, and how strongly images are kept natural."""

    prior: float


class NeuronImages(Series):
    """Watch the image that each channel of a layer wants become what it is; see `neuron_images`.

    Each look goes on from the image of the last look for a few steps, under the weights of now: images evolve smoothly
    and cost a tenth of fresh ones. Each tile tells its channel and the activation reached; with `images`, the one of
    them that excites the same channel most stands beside it. The tag is `see/neurons`, with `@<layer>` if you name it.

    Args:
        log_dir: As for `Watch`.
        layer: A layer's name, path or object, or a list of them: a sheet for each. The output layer shows classes.
            Default: the last layer whose output still has rows and columns.
        channels: Numbers of channels, `[3, 17]`; or how many, `6`, evenly spread over the layer. Default: all classes
            of an output layer, else 6.
        images: Real images to compare with, as for `Watch`; `labels`, `n`, `display` and `preprocess` likewise.
        labels: Not shown; datasets that come with labels may be passed.
        n: How many of the images.
        class_names: Names of the classes, for the output layer.
        display: As for `Watch`; made images are shown in the same way.
        preprocess: As for `neuron_images`: the gradient goes through it.
        size: `(height, width)` of made images. Default: that of `images`; else what the model takes.
        value_range: `(low, high)`, the values of black and white. Default: that of `images`; else as `neuron_images`.
        steps: Steps of the ascent at each look.
        seed: Equal seeds give equal images.
        restart: Start anew from noise at every so many looks.
        **options: `every`, `epochs`, `budget`, `max_megabytes`, `name`, `before_training` and `strict`, as for `Watch`;
            `objective`, `position`, `direction`, `diversity`, `samples`, `parameterization`, `transforms`, `rate` and
            `batch_size`, as for `neuron_images`.

    Raises:
        ValueError: If an argument is wrong or does not fit the model: before the first batch.

    Example:
        >>> import tempfile, numpy as np, keras_see
        >>> folder = tempfile.mkdtemp()
        >>> x, y = np.random.default_rng(0).random((8, 16, 16, 3)), np.arange(8) % 4
        >>> model = keras_see.gap_classifier(4, input_shape=(16, 16, 3))
        >>> model.compile("adam", "sparse_categorical_crossentropy")
        >>> neurons = keras_see.callbacks.NeuronImages(folder, channels=[0, 3], steps=2)
        >>> history = model.fit(x, y, epochs=2, callbacks=[neurons], verbose=0)
        >>> [step for step, picture in keras_see.read(folder)["see/neurons"]]
        [-1, 0, 1]
    """

    def __init__(
        self,
        log_dir: Folder,
        layer: Layers | None = None,
        channels: int | Sequence[int] | None = None,
        *,
        images: Watchable | None = None,
        labels: ArrayLike | None = None,
        n: int | None = None,
        class_names: Sequence[str] | None = None,
        display: Display = None,
        preprocess: Preprocess | None = None,
        size: int | tuple[int, int] | None = None,
        value_range: tuple[float, float] | None = None,
        steps: int = STEPS,
        seed: int = 0,
        restart: int | None = None,
        **options: Unpack[NeuronOptions],
    ) -> None:
        when, rest = _parted(options)
        unknown = set(rest) - set(NeuronOptions.__annotations__)
        rest |= {"layer": layer, "channels": channels, "size": size, "value_range": value_range}
        rest |= {"steps": steps, "seed": seed, "restart": restart}

        def make_views():
            refuse_unknown(unknown, options_of(type(self)) | set(NeuronOptions.__annotations__), type(self).__name__)
            watched = None if images is None else watch(images, labels, n, preprocess)
            shared = {"class_names": class_names, "display": display, "preprocess": preprocess}
            return made_views({"neurons": rest}, watched, **shared)

        super().__init__(log_dir, make_views, **when)


class ContentImages(Series):
    """Watch what each depth remembers of your images: a row per image, rebuilt from layer after layer.

    See `content_images`. Each look goes on from the last one's images for a few steps, towards what the layers say of
    the images now. The tag is `see/content`; `see/content/distance/1`, 2, ... are the relative feature distances.

    Args:
        log_dir: As for `Watch`.
        images: As for `Watch`; a few will do, since each is rebuilt from each layer.
        layers: A layer's name, path or object, or a list of them: a column for each. Default: four depths, each the
            last layer of its size.
        labels: Not shown; datasets that come with labels may be passed.
        n: How many of the images.
        display: As for `Watch`; made images are shown in the same way.
        preprocess: As for `neuron_images`: the gradient goes through it.
        value_range: `(low, high)`, the values of black and white. Default: recognised from the images.
        steps: Steps of the ascent at each look.
        seed: Equal seeds give equal images.
        restart: Start anew from noise at every so many looks.
        **options: `every`, `epochs`, `budget`, `max_megabytes`, `name`, `before_training` and `strict`, as for `Watch`;
            `prior`, `parameterization`, `rate` and `batch_size`, as for `content_images`.

    Raises:
        ValueError: If an argument is wrong or does not fit the model: before the first batch.

    Example:
        >>> import tempfile, numpy as np, keras_see
        >>> folder = tempfile.mkdtemp()
        >>> x, y = np.random.default_rng(0).random((8, 16, 16, 3)), np.arange(8) % 4
        >>> model = keras_see.gap_classifier(4, input_shape=(16, 16, 3))
        >>> model.compile("adam", "sparse_categorical_crossentropy")
        >>> content = keras_see.callbacks.ContentImages(folder, x[:2], "relu2", steps=2)
        >>> history = model.fit(x, y, epochs=2, callbacks=[content], verbose=0)
        >>> [step for step, picture in keras_see.read(folder)["see/content"]]
        [-1, 0, 1]
    """

    def __init__(
        self,
        log_dir: Folder,
        images: Watchable,
        layers: Layers | None = None,
        *,
        labels: ArrayLike | None = None,
        n: int | None = None,
        display: Display = None,
        preprocess: Preprocess | None = None,
        value_range: tuple[float, float] | None = None,
        steps: int = STEPS,
        seed: int = 0,
        restart: int | None = None,
        **options: Unpack[ContentOptions],
    ) -> None:
        when, rest = _parted(options)
        unknown = set(rest) - set(ContentOptions.__annotations__)
        rest |= {"layers": layers, "value_range": value_range, "steps": steps, "seed": seed, "restart": restart}

        def make_views():
            refuse_unknown(unknown, options_of(type(self)) | set(ContentOptions.__annotations__), type(self).__name__)
            watched = watch(images, labels, n, preprocess)
            return made_views({"content": rest}, watched, display=display, preprocess=preprocess)

        super().__init__(log_dir, make_views, **when)


def _parted(options):
    """Return the options of a series, and all others."""
    when = {name: options.pop(name) for name in When.__annotations__ if name in options}
    return when, options
