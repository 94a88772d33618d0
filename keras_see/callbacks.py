"""Callbacks for `model.fit` that write what the network looks at to TensorBoard, epoch by epoch."""

from collections.abc import Sequence
from typing import Unpack

from numpy.typing import ArrayLike

from keras_see._types import Display, Folder, Layers, Methods, Preprocess, Targets, Watchable
from keras_see.attribution.registry import maps_and_optimized
from keras_see.training.epoch_callback import Series, When
from keras_see.training.map_view import MapView
from keras_see.training.optimized_image_callbacks import ContentImages, NeuronImages
from keras_see.training.optimized_image_views import made_views
from keras_see.training.sample_images import watch

__all__ = ["CAM", "ContentImages", "GradCAM", "NeuronImages", "Saliency", "Watch"]


class Options(When, total=False):
    """The options that all callbacks of maps share; `Watch` explains them."""

    labels: ArrayLike | None
    n: int | None
    class_names: Sequence[str] | None
    preprocess: Preprocess | None
    display: Display
    scale: str | float
    regions: ArrayLike | None
    batch_size: int


class _Maps(Series):
    """A series of maps of the watched images, and of images made in the same run."""

    def __init__(
        self,
        log_dir,
        images,
        targets,
        methods,
        /,
        *,
        labels=None,
        n=None,
        preprocess=None,
        class_names=None,
        display=None,
        scale="run",
        regions=None,
        batch_size=32,
        **when: Unpack[When],
    ):
        def make_views():
            watched = watch(images, labels, n, preprocess)
            maps, made = maps_and_optimized(methods)
            shared = {"class_names": class_names, "display": display}
            options = {"scale": scale, "regions": regions, "batch_size": batch_size}
            views = [MapView(watched, maps, targets, **shared, **options)] if maps or not made else []
            return views + made_views(made, watched, **shared, preprocess=preprocess)

        super().__init__(log_dir, make_views, **when)


class Watch(_Maps):
    """Watch a model while it trains: several methods in one pass per epoch, as pictures in TensorBoard.

    After each due epoch the watched images go once through the model and back, on the model's own device. The maps are
    drawn and written beside training, as one sheet per method with the tag `see/<method>`, and one of all methods side
    by side. Training itself is not changed by a single bit.

    Weights that another callback puts in at the very end (`EarlyStopping(restore_best_weights=True)`) are not seen.

    A sheet has a row per image: the image with its true and its predicted class, then the map, in colours that mean the
    same through the whole run, with the explained class and the map's highest value.

    Args:
        log_dir: The folder that TensorBoard shows, such as the one given to Keras's own `TensorBoard` callback.
        images: The few images to watch, as the user keeps them: `(n, height, width, channels)`; a list or dict of
            arrays for several inputs; `(x, y)` with labels; a `tf.data.Dataset`, `keras.utils.PyDataset` or torch
            `DataLoader`, of which the first `n` are read once, now. (A shuffled `tf.data` set that is also trained on
            changes its order when it is read; pass another.)
        targets: What is explained: `None`, the labels if there are any, else the predicted class; `"label"`;
            `"predicted"`; a class number, or one per image; an array in the shape of the outputs, weights of their sum;
            a callable that takes the outputs before a closing softmax or sigmoid and returns one score per image.
        methods: Words such as `"saliency"`, `"grad_cam"`, `"cam"`; or a mapping from words to options,
            `{"grad_cam": {"layer": ["block3", "block4"]}, "neurons": {"channels": 6}}`. `"neurons"` and `"content"`
            have the options of `NeuronImages` and `ContentImages`. Default: all maps that the model allows.
        labels: The images' classes, if they did not come with them: numbers or one-hot rows.
        n: How many images to watch; 8 of a dataset, all of an array (at most 64).
        every: Look after every so many epochs, and after the last. `"auto"`: after each of the first ten, then so that
            a run has 100 looks at most.
        epochs: Or look after these epochs only, counted from 0.
        budget: The share of the training time that training may wait for looks, such as 0.05: where more would be
            needed, looks come every 2, 5, 10, 20, ... epochs.
        max_megabytes: What the callback may write; where more would be needed, looks come less often.
        name: A part of the tags, `see/<name>/<method>`, to tell several callbacks of one folder apart.
        class_names: Names of the classes, in the order of their numbers.
        preprocess: Makes of the images what the model takes; the images themselves are shown.
        display: Makes pictures of the images: `None` recognises uint8, 0–1, −1–1 and 0–255; a pair `(black, white)`;
            a function; or an array of pictures.
        scale: The range of the colours. `"run"`: one per method for the whole run, from 0 to the 99th percentile of
            the maps, which never falls and grows in doublings. `"image"`: each map its own. A number: its upper end.
        regions: Where the model should look, as for `metrics.energy_inside`, whose mean is then written as a curve.
        before_training: Also look before the first epoch, if the folder holds no step yet.
        batch_size: Images per pass; bounds the memory.
        strict: With False even a wrong argument only logs and switches the callback off.

    Attributes:
        failures: What went wrong after training had started, a line each. It never ends training: it is logged
            (`logging.getLogger("keras_see")`), shown under `see/status`, and tried again at the next due epoch, three
            times in a row at most.

    Raises:
        ValueError: If an argument is wrong or does not fit the model: before the first batch.

    Example:
        >>> import tempfile, numpy as np, keras_see
        >>> folder = tempfile.mkdtemp()
        >>> x, y = np.random.default_rng(0).random((16, 32, 32, 3)), np.arange(16) % 4
        >>> model = keras_see.gap_classifier(4, input_shape=(32, 32, 3))
        >>> model.compile("adam", "sparse_categorical_crossentropy")
        >>> watch = keras_see.Watch(folder, (x[:4], y[:4]))
        >>> history = model.fit(x, y, epochs=2, callbacks=[watch], verbose=0)
        >>> sorted(tag for tag in keras_see.read(folder) if tag.count("/") == 1)
        ['see/cam', 'see/grad_cam', 'see/overview', 'see/saliency']
    """

    def __init__(
        self,
        log_dir: Folder,
        images: Watchable,
        targets: Targets = None,
        methods: Methods = None,
        **options: Unpack[Options],
    ) -> None:
        super().__init__(log_dir, images, targets, methods, **options)


class Saliency(_Maps):
    """Watch where a small change of a pixel would move the score most; see `saliency_maps` and `Watch`."""

    def __init__(self, log_dir: Folder, images: Watchable, targets: Targets = None, **options: Unpack[Options]) -> None:
        super().__init__(log_dir, images, targets, "saliency", **options)


class GradCAM(_Maps):
    """Watch where a layer's features speak for the explained class; see `grad_cam_maps` and `Watch`.

    Args:
        log_dir: As for `Watch`.
        images: As for `Watch`.
        targets: As for `Watch`.
        layer: A layer's name, path or object, or a list of them: a sheet for each. Default: the last layer whose output
            still has rows and columns.
        **options: As for `Watch`.
    """

    def __init__(
        self,
        log_dir: Folder,
        images: Watchable,
        targets: Targets = None,
        *,
        layer: Layers | None = None,
        **options: Unpack[Options],
    ) -> None:
        super().__init__(log_dir, images, targets, {"grad_cam": {"layer": layer}}, **options)


class CAM(_Maps):
    """Watch what each place adds to the logit, for models with a GAP head; see `class_activation_maps` and `Watch`."""

    def __init__(self, log_dir: Folder, images: Watchable, targets: Targets = None, **options: Unpack[Options]) -> None:
        super().__init__(log_dir, images, targets, "cam", **options)
