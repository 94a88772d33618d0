"""`ContentImages`: sample images rebuilt from the features of layers, a few more steps after each epoch."""

from __future__ import annotations

import functools

from keras_see._types import Display, Epochs, ImageSource, Labels, Layers, PathLike, Preprocess, ValueRange
from keras_see.runs.writer import Trackers
from keras_see.training.epoch_callback import EpochCallback
from keras_see.training.views import content_views


class ContentImages(EpochCallback):
    """Callback that logs feature inversions: sample images rebuilt from the features of several layers.

    See `content_images` for the method. After each due epoch the optimization resumes from the images of the last one,
    for a few steps towards the features that the current weights give. A sheet has a row per image and a column per
    layer. The tag is `see/content`; `see/content/distance/1`, 2, ... are the relative feature distances of the layers,
    the mean over the images.

    Args:
        log_dir: As for `Watch`.
        images: Sample images, as for `Watch`. A few will do, since each is rebuilt from each layer.
        layers: A layer's name, path or object, or a list of them, for a column each. Default: four depths, each the
            last layer of its size.
        labels: Not shown. Accepted since datasets come with labels.
        n: Number of sample images, as for `Watch`.
        display: As for `Watch`. Optimized images are shown in the same way.
        font: As for `Watch`.
        preprocess: As for `neuron_images`. The gradient is taken through it.
        value_range: `(low, high)`, the values of black and white. Default: recognised from the images.
        steps: Optimization steps per logged epoch.
        seed: Equal seeds give equal images.
        restart: Start again from noise at every N-th logged epoch. Default: never.
        prior: Weight of the priors that keep images natural, from 0, as for `content_images`.
        parameterization: `"fourier"` or `"pixels"`.
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
        >>> content = keras_see.callbacks.ContentImages(folder, x[:2], "relu2", steps=2)
        >>> history = model.fit(x, y, epochs=2, callbacks=[content], verbose=0)
        >>> [step for step, picture in keras_see.read(folder)["see/content"]]
        [-1, 0, 1]
    """

    def __init__(
        self,
        log_dir: PathLike,
        images: ImageSource,
        layers: Layers | None = None,
        *,
        labels: Labels | None = None,
        n: int | None = None,
        display: Display = None,
        font: PathLike | None = None,
        preprocess: Preprocess | None = None,
        value_range: ValueRange | None = None,
        steps: int = 16,
        seed: int = 0,
        restart: int | None = None,
        prior: float = 1.0,
        parameterization: str = "fourier",
        rate: float = 0.07,
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
            content_views,
            images,
            labels=labels,
            n=n,
            display=display,
            font=font,
            preprocess=preprocess,
            layers=layers,
            value_range=value_range,
            steps=steps,
            seed=seed,
            restart=restart,
            prior=prior,
            parameterization=parameterization,
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
