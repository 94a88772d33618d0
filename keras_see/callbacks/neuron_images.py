"""`NeuronImages`: optimized images of channels, a few more steps after each epoch."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING

from numpy.typing import ArrayLike

from keras_see._types import (
    ClassNames,
    Display,
    Epochs,
    ImageSource,
    Labels,
    Layers,
    PathLike,
    Preprocess,
    Size,
    ValueRange,
)
from keras_see.runs.writer import Trackers
from keras_see.training.epoch_callback import EpochCallback
from keras_see.training.views import neuron_views

if TYPE_CHECKING:
    from keras_see.optimization.transforms import Transforms


class NeuronImages(EpochCallback):
    """Callback that logs optimized images: for each channel of a layer, the image with the highest activation found.

    See `neuron_images` for the method. After each due epoch the optimization resumes from the image of the last one,
    for a few steps under the current weights. So images change smoothly, and cost a tenth of fresh ones. Each is
    captioned with its channel and its activation. With `images`, the sample image with the highest activation of the
    same channel is shown beside it. The tag is `see/neurons`, or `see/neurons@<layer>` where you name the layer;
    `see/neurons/reached` is the mean activation.

    Args:
        log_dir: As for `Watch`.
        layer: A layer's name, path or object, or a list of them, for a sheet each. The channels of the output layer are
            the classes. Default: the last layer whose output still has rows and columns.
        channels: Channel numbers, such as `[3, 17]`; or how many, such as `6`, evenly spaced over the layer. Default:
            all classes of an output layer, else 6 channels.
        images: Sample images to compare with, as for `Watch`.
        top_images: A data set, as for `keras_see.top_images`, read again after each due epoch: beside each image stand
            the four patches of it that excite the channel most. The model runs on all of it, while training waits.
        labels: Not shown. Accepted since datasets come with labels.
        n: Number of sample images, as for `Watch`.
        class_names: Names of the classes, for the output layer.
        display: As for `Watch`. Optimized images are shown in the same way.
        preprocess: As for `neuron_images`. The gradient is taken through it.
        size: `(height, width)` of the optimized images. Default: that of `images`, else what the model takes.
        value_range: `(low, high)`, the values of black and white. Default: that of `images`, else as for
            `neuron_images`.
        steps: Optimization steps per logged epoch.
        seed: Equal seeds give equal images.
        restart: Start again from noise at every N-th logged epoch. Default: never.
        objective: As for `neuron_images`, and so are the arguments up to `batch_size`.
        position: `(row, column)` of the neuron, with `objective="neuron"`.
        direction: Directions in feature space, in place of `channels`.
        diversity: Weight of the term that keeps the images unlike each other, from 0.
        samples: Images whose colours and spectrum replace those of natural photographs.
        parameterization: `"fourier"` or `"pixels"`.
        transforms: The random views in which an image is optimized.
        rate: Step size.
        batch_size: Images per step. Bounds the memory.
        every: As for `Watch`, and so are all arguments that follow.
        epochs: Log after these epochs only.
        budget: The greatest share of the training time that training may wait.
        max_megabytes: The most that the callback may write, in MB.
        name: A part of the tags.
        before_training: Whether to log the untrained model too.
        strict: Whether wrong arguments raise.
        trackers: Where pictures, numbers and texts are written besides the event file.

    Raises:
        ValueError: If an argument is wrong or does not fit the model; before the first batch.

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
        log_dir: PathLike,
        layer: Layers | None = None,
        channels: int | Sequence[int] | None = None,
        *,
        images: ImageSource | None = None,
        top_images: ImageSource | None = None,
        labels: Labels | None = None,
        n: int | None = None,
        class_names: ClassNames | None = None,
        display: Display = None,
        preprocess: Preprocess | None = None,
        size: Size | None = None,
        value_range: ValueRange | None = None,
        steps: int = 16,
        seed: int = 0,
        restart: int | None = None,
        objective: str = "channel",
        position: tuple[int, int] | None = None,
        direction: ArrayLike | None = None,
        diversity: float = 0.0,
        samples: ArrayLike | None = None,
        parameterization: str = "fourier",
        transforms: Transforms | None = None,
        rate: float = 0.05,
        batch_size: int = 8,
        every: int | str = 1,
        epochs: Epochs | None = None,
        budget: float | None = None,
        max_megabytes: float | None = None,
        name: str | None = None,
        before_training: bool = True,
        strict: bool = True,
        trackers: Trackers = (),
    ) -> None:
        make_views = functools.partial(
            neuron_views,
            images,
            top_images=top_images,
            labels=labels,
            n=n,
            class_names=class_names,
            display=display,
            preprocess=preprocess,
            layer=layer,
            channels=channels,
            size=size,
            value_range=value_range,
            steps=steps,
            seed=seed,
            restart=restart,
            objective=objective,
            position=position,
            direction=direction,
            diversity=diversity,
            samples=samples,
            parameterization=parameterization,
            transforms=transforms,
            rate=rate,
            batch_size=batch_size,
        )
        super().__init__(
            log_dir,
            make_views,
            every=every,
            epochs=epochs,
            budget=budget,
            max_megabytes=max_megabytes,
            name=name,
            before_training=before_training,
            strict=strict,
            trackers=trackers,
        )
