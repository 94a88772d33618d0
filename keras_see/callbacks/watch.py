"""`Watch`: several methods on sample images after each epoch, from one pass through the model."""

from __future__ import annotations

import functools

from numpy.typing import ArrayLike

from keras_see._types import ClassNames, Display, Epochs, ImageSource, Labels, Methods, PathLike, Preprocess, Targets
from keras_see.runs.writer import Trackers
from keras_see.training.epoch_callback import EpochCallback
from keras_see.training.views import map_views


class Watch(EpochCallback):
    """Callback that logs attribution maps of sample images to TensorBoard while a model trains.

    After each due epoch, one forward and one backward pass over the sample images gives the maps of all methods.
    Training waits for this pass only. The maps are then written on another thread: as they are, `see/<method>/maps`,
    for the See tab of TensorBoard, the report and `read`; and drawn as a sheet of all methods side by side, with the
    tag `see/overview` (of one method, `see/<method>`). Weights, optimizer state, metrics and random numbers are
    bit-identical with and without the callback.

    A sheet has a row per image: the image with its true and its predicted class, then its map with the explained class
    and the highest value of the map. The colour range of a method is kept from step to step
    as long as it serves, and the line below the sheet says since when.

    Not shown: weights that another callback sets at the very end, such as `EarlyStopping(restore_best_weights=True)`.

    Args:
        log_dir: The folder that TensorBoard shows. It may be that of Keras's own `TensorBoard` callback.
        images: A few sample images `(n, height, width, channels)`; a list or dict of arrays for several inputs; paths
            or `PIL.Image.Image`s of one size (values from 0 to 255, to which `preprocess` is applied);
            `(x, y)` with labels; or a `tf.data.Dataset`, `keras.utils.PyDataset` or torch `DataLoader`, whose first
            `n` images are read once, when the callback is made. (Reading a shuffled `tf.data` set changes its order:
            do not pass the one that is trained on.)
        targets: What is explained. `None`: the label if there are labels that are classes, else the predicted class;
            `"label"`, which of several true classes is their sum, and without any the predicted class; `"predicted"`; a
            class number, or one per image; an array in the shape of the outputs, as the weights of their sum; or a
            function that takes the outputs before a closing softmax or sigmoid and returns one score per image.
        methods: Words such as `"saliency"`, `"grad_cam"`, `"cam"`, `"neurons"`, `"content"`; or a mapping from words
            to options, as in `{"grad_cam": {"layer": ["block3", "block4"]}, "neurons": {"channels": 6}}`.
            `"neurons"` and `"content"` have the options of `NeuronImages` and `ContentImages`. Default: all gradient
            methods that the model allows.
        labels: The labels, if they are not part of `images`: class numbers, names out of `class_names`, one-hot or
            multi-hot rows; or the values of a regression, which are shown and not explained.
        n: Number of sample images. Default: 8 from a dataset, all of an array (at most 64).
        every: Log every N epochs, and after the last epoch. `"auto"`: after each of the first ten epochs, then at
            most 100 times in all.
        epochs: Log after these epochs only, counted from 0. Excludes `every` and `budget`.
        budget: The greatest share of the training time that training may wait for this callback, such as 0.05. To keep
            to it, the interval grows to 2, 5, 10, 20, ... epochs.
        max_megabytes: The most that the callback may write, in MB. To keep to it, the interval grows likewise.
        name: A part of the tags, `see/<name>/<method>`, for several callbacks in one folder.
        class_names: Names of the classes, in the order of their numbers. With two of them, a single output without a
            sigmoid is taken for a logit, unless the labels are other numbers than 0 and 1.
        preprocess: Function from the images to what the model takes. The images themselves are shown.
        display: How images are shown. `None`: the value range is recognised (uint8, 0–1, −1–1 or 0–255); a pair
            `(black, white)`; a function from images to pictures; or an array of pictures.
        scale: The colour range. `"run"`: one per method, from 0 to the 99th percentile of the first epoch's maps; it
            doubles where values exceed it and falls where three steps in a row need less than half of it. `"image"`:
            one per map. A number: the upper end.
        regions: Where the model should look: boxes or masks, as for `metrics.energy_inside`, whose mean is logged.
        before_training: Whether to log the untrained model too, if the folder holds no step yet.
        batch_size: Images per pass. Bounds the memory.
        strict: With False a wrong argument is logged and switches the callback off, instead of raising.
        trackers: Where pictures, numbers and texts are written besides the event file: the word `"folder"` (into the
            folder `pictures` of `log_dir`), or writers of `keras_see.writers`.
        sheets: Which sheets are drawn, pictures of all images and maps for the Images tab. `"overview"`: all methods
            side by side (with a single method, its own). `"all"`: one per method too. None: none. The viewer needs
            none of them.
        show_images: With False the sample images are neither stored nor shown: maps lie on plain grey.

    Attributes:
        failures: Errors after training had started, one line each. They never end training: they are logged
            (`logging.getLogger("keras_see")`) and written as the text `see/status`, and the next due epoch is tried,
            up to three times in a row.

    Raises:
        ValueError: If an argument is wrong or does not fit the model; before the first batch.
        TypeError: If an argument is of a wrong kind; before the first batch.

    Example:
        >>> import tempfile, numpy as np, keras_see
        >>> folder = tempfile.mkdtemp()
        >>> x, y = np.random.default_rng(0).random((16, 32, 32, 3)), np.arange(16) % 4
        >>> model = keras_see.gap_classifier(4, input_shape=(32, 32, 3))
        >>> model.compile("adam", "sparse_categorical_crossentropy")
        >>> watch = keras_see.Watch(folder, (x[:4], y[:4]))
        >>> history = model.fit(x, y, epochs=2, callbacks=[watch], verbose=0)
        >>> sorted(tag for tag in keras_see.read(folder) if tag.count("/") == 1)
        ['see/overview']
    """

    def __init__(
        self,
        log_dir: PathLike,
        images: ImageSource,
        targets: Targets = None,
        methods: Methods = None,
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
        before_training: bool = True,
        batch_size: int = 32,
        strict: bool = True,
        trackers: Trackers = (),
        sheets: str | None = "overview",
        show_images: bool = True,
    ) -> None:
        make_views = functools.partial(
            map_views,
            images,
            targets,
            methods,
            labels=labels,
            n=n,
            class_names=class_names,
            preprocess=preprocess,
            display=display,
            scale=scale,
            regions=regions,
            batch_size=batch_size,
            sheets=sheets,
            show_images=show_images,
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
