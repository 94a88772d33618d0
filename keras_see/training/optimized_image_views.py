"""The views of optimized images: each evaluation resumes the optimization of the last one."""

import inspect

import numpy as np

from keras_see._validation import is_whole, shown
from keras_see.model.image_batches import picture_of
from keras_see.model.inputs import build, check_fit, check_model
from keras_see.optimization.activation_maximization import neuron_ascent
from keras_see.optimization.batched_ascent import checked_seed
from keras_see.optimization.channel_selection import shown_channels
from keras_see.optimization.feature_inversion import content_ascent, default_layers, set_target_features
from keras_see.optimization.image_spec import image_spec_of
from keras_see.runs.map_encoding import encoded_pictures
from keras_see.runs.records import Number, Picture, Tiles
from keras_see.training.resumed_ascent import ResumedAscent
from keras_see.visualization.captions import check_class_names, checked_class_names, class_name, short_number
from keras_see.visualization.display import to_pictures
from keras_see.visualization.sheets import Column, sheet_of
from keras_see.visualization.value_range import value_range_of

# Steps per evaluation: a tenth of those of a fresh image, since the last image is near.
STEPS = 16

CONTENT_TEXT = (
    "**Content images**: each image reconstructed, from noise, from one layer's features, a column per layer. "
    "The distance is that of the features, relative to their size: 0 means that the layer has lost nothing."
)

# Options of the ascents that are passed on, beside the views' own.
NEURON_OPTIONS = (
    *("objective", "position", "direction", "diversity", "samples", "parameterization"),
    *("transforms", "rate", "batch_size"),
)
CONTENT_OPTIONS = ("prior", "parameterization", "rate", "batch_size")


def optimized_image_views(methods, sample_images, **shared):
    """Return the views of optimized images.

    Args:
        methods: `"neurons"` or `"content"` -> the options of `NeuronImages` or `ContentImages`.
        sample_images: The `SampleImages`; None only without `"content"`.
        **shared: `class_names`, `display` and `preprocess`, for all.
    """
    views = []
    for word, options in methods.items():
        options = dict(options or {})
        _check_options(word, options)
        if word == "content":
            views.append(ContentView(sample_images, **{**shared, **options, "class_names": None}))
        else:
            layers = options.pop("layer", None)
            views += [NeuronView(sample_images, layer=layer, **shared, **options) for layer in _listed(layers)]
    return views


class NeuronView:
    """Optimized images of one layer's channels, each beside the sample image with the highest activation.

    Args:
        sample_images: The `SampleImages` to compare with, or None.
        **ascent_options: Of `NEURON_OPTIONS`; all other options are those of `NeuronImages`.
    """

    def __init__(
        self,
        sample_images=None,
        *,
        layer=None,
        channels=None,
        class_names=None,
        display=None,
        preprocess=None,
        size=None,
        value_range=None,
        steps=STEPS,
        seed=0,
        restart=None,
        show_images=True,
        **ascent_options,
    ):
        _check_steps(steps, restart)
        self._show_images = show_images
        self._sample_images, self._layer, self._channels = sample_images, layer, channels
        self._class_names = checked_class_names(class_names)
        if sample_images is None and not callable(display):
            to_pictures(np.zeros((1, 2, 2, 3), "uint8"), display)  # raises where `display` is wrong
        if sample_images is not None:
            images = picture_of(sample_images.images)
            size = images.shape[1:3] if size is None else size
            value_range = value_range_of(images) if value_range is None else value_range
            self._photos, _ = to_pictures(sample_images.images, display)
        self._image_options = {"size": size, "value_range": value_range, "preprocess": preprocess}
        self._ascent_options, self._display = ascent_options, display
        self._resumption, self._resumed = (steps, checked_seed(seed), restart), None

    @property
    def names(self):
        """The ends of its tags."""
        if self._layer is None:
            return ["neurons"]
        return [f"neurons@{self._layer if isinstance(self._layer, str) else self._path}"]

    def prepare(self, model, run_writer, prefix):
        """Check layer, channels and all options against the model, and start from noise."""
        if self._sample_images is not None and not model.built:
            build(model, self._sample_images.inputs)
        check_model(model)
        self._path, channels = shown_channels(model, self._layer, self._channels, **self._image_options)
        if self._ascent_options.get("direction") is not None or self._ascent_options.get("objective") == "layer":
            channels = self._channels
        ascent = neuron_ascent(model, self._layer, channels, **self._image_options, **self._ascent_options)
        if any(name.startswith("class ") for name in ascent.names):
            check_class_names(self._class_names, image_spec_of(model, **self._image_options).layer_calls)
        self._value_range = ascent.ascent.parameterization.value_range
        self._resumed = ResumedAscent(ascent, *self._resumption, earlier=self._resumed)

    def evaluate(self, model):
        """Take the steps of this evaluation, and return the images with their activations."""
        images, ascent = self._resumed.evaluate(), self._resumed.ascent
        real = None if self._sample_images is None else ascent.all_scores(picture_of(self._sample_images.images))
        return images, ascent.scores(images), self._resumed.inactive(), real

    def settle(self, findings, step):
        """Do nothing: optimized images have no range of colours to set."""

    def draw(self, findings, caption, prefix, step):
        """Return the sheet of one step, and the mean activation as a number."""
        images, activations, inactive, real = findings
        pictures, note = to_pictures(images, _display(self._display, self._value_range))
        captions = [
            [self._title(name), "no activation yet" if none else f"activation {short_number(value)}"]
            for name, value, none in zip(self._resumed.ascent.names, activations, inactive, strict=True)
        ]
        columns = [] if real is None or not self._show_images else [self._strongest_images(real)]
        footer = "; ".join(filter(None, [caption, note]))
        image = sheet_of(pictures, columns, captions, footer=[footer], title=_ends(self._path))
        text = (
            f"**Neuron images** of {self._path}: for each channel, the image with the highest activation found by "
            "optimization, which resumes from step to step. The activation is the mean over all places."
        )
        tag = prefix + self.names[0]
        mean = Number(float(np.mean(activations)), "Activation, mean over the images.")
        tiles = [{"lines": [[line, None] for line in lines]} for lines in captions]
        about = _about("neurons", f"Neurons of {_ends(self._path)}", caption, text, tiles) | {"layer": self._path}
        return {tag: Picture(image, text), f"{tag}/tiles": Tiles(encoded_pictures(pictures), about)} | {
            f"{tag}/reached": mean
        }

    def _title(self, name):
        word, _, number = name.partition(" ")
        return class_name(int(number), self._class_names) if word == "class" else name

    def _strongest_images(self, scores):
        best = scores.argmax(axis=0)
        captions = [[f"image {row}", short_number(scores[row, channel])] for channel, row in enumerate(best)]
        return Column("strongest image", self._photos[best], captions)


class ContentView:
    """Content images: each sample image reconstructed from one layer's features, a row per image, a column per layer.

    Args:
        sample_images: The `SampleImages`.
        **ascent_options: Of `CONTENT_OPTIONS`; all other options are those of `ContentImages`.
    """

    names = ("content",)

    def __init__(
        self,
        sample_images,
        *,
        layers=None,
        class_names=None,
        display=None,
        preprocess=None,
        value_range=None,
        steps=STEPS,
        seed=0,
        restart=None,
        show_images=True,
        **ascent_options,
    ):
        _check_steps(steps, restart)
        self._fingerprint = sample_images.fingerprint
        self._images, self._inputs = picture_of(sample_images.images), sample_images.inputs
        self._photos, self._note = to_pictures(sample_images.images, display)
        self._layers = layers if layers is None or isinstance(layers, list | tuple) else [layers]
        self._image_options = {"value_range": value_range, "preprocess": preprocess}
        self._ascent_options, self._display = ascent_options, display
        self._resumption, self._resumed = (steps, checked_seed(seed), restart), None

    def prepare(self, model, run_writer, prefix):
        """Check images, layers and all options against the model, and start from noise."""
        if not model.built:
            build(model, self._inputs)
        check_model(model)
        check_fit(self._inputs, model)
        layers = self._layers
        if layers is None:
            layers = default_layers(
                image_spec_of(model, size=self._images.shape[1:3], **self._image_options).layer_calls
            )
        if not layers:
            raise ValueError("`layers` must name one layer at least. Got an empty list. Leave it out for four depths.")
        options = self._image_options | self._ascent_options
        ascents = [content_ascent(model, self._images, layer, **options) for layer in layers]
        self._paths = [" + ".join(ascent.ascent.paths) for ascent in ascents]
        self._value_range = ascents[0].ascent.parameterization.value_range
        earlier = self._resumed or [None] * len(ascents)
        self._resumed = [
            ResumedAscent(ascent, *self._resumption, earlier=other)
            for ascent, other in zip(ascents, earlier, strict=True)
        ]

    def evaluate(self, model):
        """Take the steps of this evaluation towards the layers' current features of the images."""
        found = []
        for resumed in self._resumed:
            set_target_features(resumed.ascent, self._images)
            images = resumed.evaluate()
            found.append((images, np.sqrt(np.maximum(-resumed.ascent.scores(images), 0))))
        return found

    def settle(self, findings, step):
        """Do nothing: optimized images have no range of colours to set."""

    def draw(self, findings, caption, prefix, step):
        """Return the sheet of one step, and the mean distance of each layer as a number."""
        tag, columns, records = f"{prefix}content", [], {}
        for path, (images, distances) in zip(self._paths, findings, strict=True):
            pictures, _ = to_pictures(images, _display(self._display, self._value_range))
            lines = [[f"distance {short_number(each)}"] for each in distances]
            columns.append(Column(_ends(path), pictures, lines))
            tiles = [{"lines": [[line, None] for line in each]} for each in lines]
            about = _about("content", f"Content of {_ends(path)}", caption, CONTENT_TEXT, tiles) | {"layer": path}
            about["sample_images"] = self._fingerprint
            records[f"{tag}/tiles/{len(columns)}"] = Tiles(encoded_pictures(pictures), about)
        image = sheet_of(self._photos, columns, footer=["; ".join(filter(None, [caption, self._note]))])
        distances = {
            f"{tag}/distance/{depth}": Number(float(np.mean(each)), f"Relative distance at {path}.")
            for depth, (path, (_, each)) in enumerate(zip(self._paths, findings, strict=True), start=1)
        }
        return {tag: Picture(image, CONTENT_TEXT)} | records | distances


def _about(method, title, caption, text, tiles):
    """Return what belongs to single pictures of a step."""
    when = caption.partition(" (step")[0]
    return {"method": method, "title": title, "when": when, "description": text, "order": 100, "images": tiles}


def _ends(paths):
    """Return the ends of paths: a column has little room, and the description gives them whole."""
    return " + ".join(path.rpartition("/")[2] for path in paths.split(" + "))


def _display(display, value_range):
    """Return how optimized images are shown: like the user's own, which have the same range."""
    return display if callable(display) or (isinstance(display, tuple | list) and len(display) == 2) else value_range


def _listed(layers):
    listed = layers if isinstance(layers, list | tuple) else [layers]
    if not listed:
        raise ValueError("`layer` must name one layer at least. Got none. Leave it out for the default.")
    return listed


def _check_options(word, options):
    view, passed_on = (ContentView, CONTENT_OPTIONS) if word == "content" else (NeuronView, NEURON_OPTIONS)
    parameters = inspect.signature(view.__init__).parameters.values()
    known = [each.name for each in parameters if each.kind is each.KEYWORD_ONLY and each.name != "show_images"]
    known += passed_on
    unknown = [name for name in options if name not in known]
    if unknown:
        raise ValueError(
            f"`methods` may give {word!r} the options {', '.join(known)}. Got {', '.join(map(shown, unknown))}. "
            "Correct the name."
        )


def _check_steps(steps, restart):
    for name, value, free in (("steps", steps, False), ("restart", restart, True)):
        if not is_whole(value, 1) and not (free and value is None):
            raise ValueError(
                f"`{name}` must be a whole number from 1. Got {shown(value)}. Leave it out for the default."
            )
