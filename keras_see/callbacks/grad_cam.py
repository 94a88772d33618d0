"""`GradCAM`: Grad-CAM maps of sample images after each epoch."""

from __future__ import annotations

import functools

from numpy.typing import ArrayLike

from keras_see._types import ClassNames, Display, Epochs, ImageSource, Labels, Layers, PathLike, Preprocess, Targets
from keras_see.runs.writer import Trackers
from keras_see.training.epoch_callback import EpochCallback
from keras_see.training.views import map_views


class GradCAM(EpochCallback):
    """Callback that logs Grad-CAM maps: where the features of a layer raise the score.

    See `grad_cam_maps` for the method. The other arguments are those of `Watch`, without `methods`. The tag is
    `see/grad_cam`, or `see/grad_cam@<layer>` where you name the layer.

    Args:
        log_dir: As for `Watch`.
        images: As for `Watch`.
        targets: As for `Watch`.
        layer: A layer's name, path or object, or a list of them, for a sheet each. Default: the last layer whose output
            still has rows and columns.
    """

    def __init__(
        self,
        log_dir: PathLike,
        images: ImageSource,
        targets: Targets = None,
        *,
        layer: Layers | None = None,
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
            {"grad_cam": {"layer": layer}},
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
