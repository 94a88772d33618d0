"""What a callback sees of made images: they go on from look to look, a few steps each, while the model trains."""

import numpy as np

from keras_see._validation import is_whole, keywords_of, refuse_unknown, shown
from keras_see.model.inputs import build, check_fit, check_model, picture_of
from keras_see.optimization.activation_maximization import NeuronOptions
from keras_see.optimization.batched_ascent import checked_seed
from keras_see.optimization.channel_selection import neuron_climb, shown_channels
from keras_see.optimization.feature_inversion import Options, content_climb, remember, staircase
from keras_see.optimization.image_spec import canvas_of
from keras_see.runs.tensorboard import image_summary, scalar_summary
from keras_see.training.evolving import Evolving
from keras_see.visualization.captions import check_class_names, checked_class_names, class_name, short_number
from keras_see.visualization.display import to_pictures
from keras_see.visualization.sheets import Column, sheet_of, to_jpeg
from keras_see.visualization.value_range import value_range_of

# Steps at each look: a tenth of what a fresh image takes, since the last look's image is near.
STEPS = 16


class NeuronView:
    """The images that channels of one layer want; beside each, of the given images, the one that excites it most."""

    def __init__(
        self, watched=None, *, layer=None, channels=None, class_names=None, display=None, preprocess=None,
        size=None, value_range=None, steps=STEPS, seed=0, restart=None, **options,
    ):  # fmt: skip
        _check_options("neurons", options, NeuronOptions.__annotations__)
        _check_steps(steps, restart)
        self._watched, self._layer, self._channels = watched, layer, channels
        self._names = checked_class_names(class_names)
        if watched is None and not callable(display):
            to_pictures(np.zeros((1, 2, 2, 3), "uint8"), display)  # raises what is wrong
        if watched is not None:
            images = picture_of(watched.images)
            size = images.shape[1:3] if size is None else size
            value_range = value_range_of(images) if value_range is None else value_range
            self._photos, _ = to_pictures(watched.images, display)
        self._canvas = {"size": size, "value_range": value_range, "preprocess": preprocess}
        self._options, self._display, self._evolution = options, display, (steps, checked_seed(seed), restart)
        self._evolving = None

    @property
    def names(self):
        """The ends of the tags that it writes."""
        return [_tag("neurons", self._layer, self._path)]

    def prepare(self, model, folder, prefix):
        """Check layer, channels and all options against the model, and start from noise."""
        if self._watched is not None and not model.built:
            build(model, self._watched.inputs)
        check_model(model)
        self._path, channels = shown_channels(model, self._layer, self._channels, **self._canvas)
        if self._options.get("direction") is not None or self._options.get("objective") == "layer":
            channels = self._channels
        climb = neuron_climb(model, self._layer, channels, **self._canvas, **self._options)
        if any(name.startswith("class ") for name in climb.names):
            check_class_names(self._names, canvas_of(model, **self._canvas).layer_calls)
        self._range = climb.ascent.parameterization.value_range
        self._evolving = Evolving(climb, *self._evolution).after(self._evolving)

    def look(self, model):
        """Take the steps of this look, and see what the images reach."""
        images = self._evolving.go_on()
        climb = self._evolving.climb
        real = None if self._watched is None else climb.scores(picture_of(self._watched.images))
        return images, climb.reached(images), self._evolving.silent(), real

    def draw(self, found, caption, prefix):
        """Return the sheet of one step, and the mean of what was reached as a number."""
        images, reached, silent, real = found
        pictures, note = to_pictures(images, _display(self._display, self._range))
        captions = [
            [self._title(name), "excites nothing yet" if still else f"activation {short_number(value)}"]
            for name, value, still in zip(self._evolving.climb.names, reached, silent, strict=True)
        ]
        columns = [] if real is None else [self._most_exciting(real)]
        tag = prefix + self.names[0]
        footer = "; ".join(filter(None, [caption, note]))
        image = sheet_of(pictures, columns, captions, footer=[footer], title=_short(self._path))
        text = (
            f"**Neuron images** of {self._path}: what excites each channel most, found by changing an image, which "
            "goes on from step to step. Under each stands the activation reached: the mean over all places."
        )
        mean = float(np.mean(reached))
        return [
            image_summary(tag, to_jpeg(image), image.size, text),
            scalar_summary(f"{tag}/reached", mean, "Activation reached, mean over the images."),
        ]

    def _title(self, name):
        word, _, number = name.partition(" ")
        return class_name(int(number), self._names) if word == "class" else name

    def _most_exciting(self, scores):
        best = scores.argmax(axis=0)
        captions = [[f"image {row}", short_number(scores[row, place])] for place, row in enumerate(best)]
        return Column("strongest image", self._photos[best], captions)


class ContentView:
    """What each depth remembers of the watched images: a row per image, a column per layer."""

    def __init__(
        self, watched, *, layers=None, display=None, preprocess=None, value_range=None, steps=STEPS, seed=0,
        restart=None, **options,
    ):  # fmt: skip
        _check_options("content", options, {"prior", *Options.__annotations__})
        _check_steps(steps, restart)
        self._images, self._inputs = picture_of(watched.images), watched.inputs
        self._photos, self._note = to_pictures(watched.images, display)
        self._layers = [layers] if layers is not None and not isinstance(layers, list | tuple) else layers
        self._canvas = {"value_range": value_range, "preprocess": preprocess}
        self._options, self._display, self._evolution = options, display, (steps, checked_seed(seed), restart)
        self._evolving = None
        self.names = ["content"]

    def prepare(self, model, folder, prefix):
        """Check images, layers and all options against the model, and start from noise."""
        if not model.built:
            build(model, self._inputs)
        check_model(model)
        check_fit(self._inputs, model)
        layers = self._layers
        if layers is None:
            layers = staircase(canvas_of(model, size=self._images.shape[1:3], **self._canvas).layer_calls)
        if not layers:
            raise ValueError("`layers` must name one layer at least. Got an empty list. Leave it out for four depths.")
        climbs = [content_climb(model, self._images, layer, **self._canvas, **self._options) for layer in layers]
        self._paths = [" + ".join(climb.ascent.places) for climb in climbs]
        self._range = climbs[0].ascent.parameterization.value_range
        earlier = self._evolving or [None] * len(climbs)
        self._evolving = [
            Evolving(climb, *self._evolution).after(other) for climb, other in zip(climbs, earlier, strict=True)
        ]

    def look(self, model):
        """Take the steps of this look towards what each layer says of the images now."""
        found = []
        for evolving in self._evolving:
            remember(evolving.climb, self._images)
            images = evolving.go_on()
            found.append((images, np.sqrt(np.maximum(-evolving.climb.reached(images), 0))))
        return found

    def draw(self, found, caption, prefix):
        """Return the sheet of one step, and the mean distance of each depth as a number."""
        tag = f"{prefix}content"
        columns = [
            Column(_short(path), to_pictures(images, _display(self._display, self._range))[0], _distances(distances))
            for path, (images, distances) in zip(self._paths, found, strict=True)
        ]
        image = sheet_of(self._photos, columns, footer=["; ".join(filter(None, [caption, self._note]))])
        text = (
            "**Content images**: each image rebuilt, from noise, from what one layer says of it, a column per layer. "
            "The distance is that of the features, relative to their size: 0 means that nothing is lost to the layer."
        )
        numbers = [
            scalar_summary(f"{tag}/distance/{depth}", float(np.mean(distances)), f"Relative distance at {path}.")
            for depth, (path, (_, distances)) in enumerate(zip(self._paths, found, strict=True), start=1)
        ]
        return [image_summary(tag, to_jpeg(image), image.size, text), *numbers]


def made_views(methods, watched, **shared):
    """Return the views of made images.

    Args:
        methods: `"neurons"` or `"content"` -> the options of `NeuronImages` or `ContentImages`.
        watched: The `Watched` images; None only without `"content"`.
        **shared: `class_names`, `display` and `preprocess`, for all.
    """
    views = []
    for word, options in methods.items():
        options = shared | dict(options or {})
        if word == "content":
            options.pop("class_names", None)
            views.append(ContentView(watched, **options))
            continue
        layer = options.pop("layer", None)
        layers = layer if isinstance(layer, list | tuple) else [layer]
        if not layers:
            raise ValueError("`layer` must name one layer at least. Got none. Leave it out for the default.")
        views += [NeuronView(watched, layer=each, **options) for each in layers]
    return views


def _short(paths):
    """Return the ends of paths: a column has room for little, and the description gives them whole."""
    return " + ".join(path.rpartition("/")[2] for path in paths.split(" + "))


def _tag(word, layer, path):
    return word if layer is None else f"{word}@{layer if isinstance(layer, str) else path}"


def _display(display, value_range):
    """Return how made images are shown: as the user's own, which are in the same range."""
    return display if callable(display) or (isinstance(display, tuple | list) and len(display) == 2) else value_range


def _distances(distances):
    return [[f"distance {short_number(distance)}"] for distance in distances]


def _check_options(word, options, known):
    view = ContentView if word == "content" else NeuronView
    refuse_unknown(set(options) - set(known), {*known, *keywords_of(view.__init__)}, repr(word))


def _check_steps(steps, restart):
    for name, value, free in (("steps", steps, False), ("restart", restart, True)):
        if not is_whole(value, 1) and not (free and value is None):
            raise ValueError(
                f"`{name}` must be a whole number from 1. Got {shown(value)}. Leave it out for the default."
            )
