"""The view of attribution maps: one pass over the sample images, drawn as sheets and numbers."""

import numpy as np

from keras_see._validation import is_number, is_word, shown
from keras_see.attribution.gradient_pass import run, split
from keras_see.attribution.metrics import energy_inside, masks_of
from keras_see.attribution.registry import requests_for
from keras_see.model.cache import layer_calls_of
from keras_see.model.forward import IMAGES
from keras_see.model.inputs import build, check_batch_size, check_fit, picture_of
from keras_see.model.labels import numbers_of_names
from keras_see.model.reading import read, takes_logits, units_of
from keras_see.model.targets import are_probabilities, resolve
from keras_see.runs.records import Number, Picture
from keras_see.visualization.captions import MapTexts, check_class_names, checked_class_names, short_number
from keras_see.visualization.display import to_pictures
from keras_see.visualization.overlay import heatmaps, overlaid, upper_limit
from keras_see.visualization.sheets import Column, as_tiles, sheet_of

OVERLAY_COLORS, HEAT_COLORS = "turbo", "inferno"


class Range:
    """The range of colours of one method's maps for a whole run, so that epochs can be compared.

    Its upper end is a high percentile of the maps. It never falls, and grows in doublings.
    """

    def __init__(self, upper=None):
        self.upper = upper or 0.0

    def including(self, maps):
        """Widen the range for these maps if need be, and return its upper end."""
        needed = float(upper_limit(maps, "all"))
        self.upper = self.upper or needed
        while self.upper < needed:
            self.upper *= 2
        return self.upper


class MapView:
    """Maps of several methods in one pass: per method a sheet and its numbers, and a sheet of all side by side.

    Args:
        samples: The `SampleImages`.
        methods: As for `Watch`, maps only; None for all gradient methods that the model allows.
        targets: As for `Watch`.
        class_names: Names of the classes, or None.
        display: How images are shown, as for `Watch`.
        scale: "run", "image" or a number, as for `Watch`.
        regions: Regions of the images, or None, as for `metrics.energy_inside`.
        batch_size: Images per pass.
    """

    def __init__(self, samples, methods, targets, *, class_names, display, scale, regions, batch_size):
        _check_scale(scale)
        check_batch_size(batch_size)
        self._samples, self._methods, self._targets = samples, methods, targets
        self._class_names, self._scale = checked_class_names(class_names), scale
        self._regions, self._batch_size = regions, batch_size
        self._labels = _in_numbers(samples.labels, self._class_names)
        pictures, self._display_note = to_pictures(samples.images, display)
        if len(pictures) != samples.count:
            raise ValueError(
                f"`display` must give one picture per image, {samples.count} in all. Got {len(pictures)}. "
                "Keep the batch axis as it is."
            )
        self._pictures, self._size = as_tiles(pictures), picture_of(samples.images).shape[1:3]
        if regions is not None:
            masks_of(regions, samples.count, self._size)

    def prepare(self, model, run_writer, prefix):
        """Check images, methods and targets against the model, and take over the ranges of an earlier run."""
        inputs = self._samples.inputs
        if not model.built:
            build(model, inputs)
        check_fit(inputs, model, self._samples.inputs_name)
        layer_calls = layer_calls_of(model, inputs)
        self._closing = layer_calls.closing
        self._requests = requests_for(self._methods, layer_calls)
        named, from_logits = self._class_names is not None, takes_logits(model)
        reading = read(self._labels, layer_calls, named=named, from_logits=from_logits)
        self._target = resolve(self._targets, layer_calls, self._samples.count, reading)
        self._texts = MapTexts(reading, self._target, self._class_names, units_of(layer_calls))
        self._parts = split(inputs, self._target, self._batch_size)
        if self._methods is None and self._target.kind == "callable":
            self._requests.pop("cam", None)  # exact for what is linear in the outputs alone
        fell_back = self._labels and self._targets is None and reading.true is None
        self._labels_note = f"labels left out: {reading.left_out}" if fell_back else ""
        self._descriptions = {name: self._description(request, layer_calls) for name, request in self._requests.items()}
        self._ranges = {name: Range(run_writer.last_number(f"{prefix}{name}/range")) for name in self._requests}
        check_class_names(self._class_names, layer_calls)

    @property
    def names(self):
        """The ends of its tags."""
        return [*self._requests, *(["overview"] if len(self._requests) > 1 else [])]

    def evaluate(self, model):
        """Run the pass, and return a function that waits for its result."""
        return run(model, list(self._requests.values()), self._target, self._parts, self._batch_size)

    def draw(self, collect, caption, prefix):
        """Return the records of one step."""
        result = collect()
        unclosed = self._closing is None and are_probabilities(result.outputs)
        activation = self._closing or ("softmax" if unclosed else None)
        captions = self._texts.under_images(result.outputs, activation)
        warning = "saturated: the softmax is no layer, so probabilities are explained" if unclosed else ""
        footer = "; ".join(filter(None, [caption, self._scale_note(), self._display_note, self._labels_note, warning]))
        records, columns = {}, []
        for (name, request), maps in zip(self._requests.items(), result.maps, strict=True):
            upper = self._upper(name, maps)
            columns.append(self._column(name, request.method, maps, upper, result.classes))
            image = sheet_of(self._pictures, columns[-1:], captions, footer=[footer])
            records[prefix + name] = Picture(image, self._descriptions[name])
            records |= self._numbers(prefix + name, maps, upper)
        if len(columns) > 1:
            image = sheet_of(self._pictures, columns, captions, footer=[footer])
            text = "All methods side by side: one row per image, one column per method."
            records[f"{prefix}overview"] = Picture(image, text)
        return records

    def _scale_note(self):
        notes = {"run": "colours: one range for the whole run", "image": "colours: each map its own range"}
        return notes.get(self._scale, "colours: a fixed range")

    def _upper(self, name, maps):
        if self._scale == "run":
            return self._ranges[name].including(maps)
        return upper_limit(maps, self._scale)

    def _column(self, name, method, maps, upper, classes):
        """Return the column of one method's maps, over the pictures or on black."""
        colors = OVERLAY_COLORS if method.overlaid else HEAT_COLORS
        if method.overlaid:
            pictures = overlaid(self._pictures, maps, upper, colors)
        else:
            pictures = heatmaps(maps, upper, self._pictures.shape[1:3], colors)
        title = method.title + name.removeprefix(method.word).replace("@", " @ ")
        end = "own peak" if np.ndim(upper) else short_number(upper)
        return Column(title, pictures, self._texts.under_maps(maps, classes), (colors, end))

    def _numbers(self, tag, maps, upper):
        """Return the numbers of one method's maps: their mean peak, the range, and the energy inside the regions."""
        peak = float(np.nan_to_num(maps).max(axis=(1, 2)).mean())
        numbers = {f"{tag}/peak": Number(peak, "Highest value of each map, mean over the images.")}
        if self._scale == "run":
            numbers[f"{tag}/range"] = Number(upper, is_curve=False)  # for runs that resume this one
        if self._regions is not None:
            share = energy_inside(maps, self._regions, size=self._size)
            if np.isfinite(share).any():
                text = "Share of the maps' positive energy inside the regions, mean over the images."
                numbers[f"{tag}/energy_inside"] = Number(float(np.nanmean(share)), text)
        return numbers

    def _description(self, request, layer_calls):
        """Return what a sheet shows, in Markdown."""
        path = request.method.place(layer_calls, request.layer)
        where = "the images" if path == IMAGES else path.replace("input of ", "the input of ")
        what = self._texts.explained()
        kind = "as a logit" if self._closing else "as the model gives it"
        scale = {
            "run": "One range for the whole run, given at the colour bar: pictures of different steps can be compared.",
            "image": "Each map has a range of its own: only the captions tell how strong it is.",
        }
        return (
            f"**{request.method.title}** of {where}. Explained: {what}, {kind}. {request.method.meaning} "
            f"{scale.get(self._scale, f'The range ends at {self._scale}.')}"
        )


def _in_numbers(labels, class_names):
    """Return labels with class numbers in the place of names; those of several outputs as they are."""
    return labels if len(labels) > 1 else [numbers_of_names(each, class_names) for each in labels]


def _check_scale(scale):
    if not is_word(scale, ("run", "image")) and not (is_number(scale) and scale > 0):
        raise ValueError(
            '`scale` must be "run" (one range for the whole run), "image" (each map its own) or a number above 0. '
            f"Got {shown(scale)}. Choose one of these."
        )
