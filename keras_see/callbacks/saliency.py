"""`Saliency`: gradient magnitudes of sample images after each epoch."""

from __future__ import annotations

import functools

from numpy.typing import ArrayLike

from keras_see._types import ClassNames, Display, Epochs, ImageSource, Labels, PathLike, Preprocess, Targets
from keras_see.runs.writer import Trackers
from keras_see.training.epoch_callback import EpochCallback
from keras_see.training.views import map_views


class Saliency(EpochCallback):
    """Callback that logs saliency maps: per pixel, how strongly the score depends on it.

    See `saliency_maps` for the method. The arguments are those of `Watch`, without `methods`. The tag is
    `see/saliency`.
    """

    def __init__(
        self,
        log_dir: PathLike,
        images: ImageSource,
        targets: Targets = None,
        *,
        labels: Labels | None = None,
        n: int | None = None,
        every: int | str = 1,
        epochs: Epochs | None = None,
        budget: float | None = None,
        max_megabytes: float | None = None,
        name: str | None = None,
        class_names: ClassNames | None = None,
        preprocess: Preprocess | None = None,
        display: Display = None,
        scale: str | float = "run",
        regions: ArrayLike | None = None,
        image: int | str | None = None,
        before_training: bool = True,
        batch_size: int = 32,
        strict: bool = True,
        trackers: Trackers = (),
    ) -> None:
        make_views = functools.partial(
            map_views,
            images,
            targets,
            "saliency",
            labels=labels,
            n=n,
            class_names=class_names,
            preprocess=preprocess,
            display=display,
            scale=scale,
            regions=regions,
            image=image,
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
