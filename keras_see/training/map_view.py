"""The view of attribution maps: one pass over the sample images, drawn as sheets and numbers."""

import dataclasses
import functools
import logging
import re

import numpy as np

from keras_see._validation import is_number, is_word, shown
from keras_see.attribution.gradient_pass import run, split
from keras_see.attribution.metrics import energy_inside, masks_of
from keras_see.attribution.registry import requests_for
from keras_see.model.cache import layer_calls_of
from keras_see.model.forward import IMAGES
from keras_see.model.image_batches import check_batch_size, picture_of
from keras_see.model.inputs import build, check_fit
from keras_see.model.labels import numbers_of_names
from keras_see.model.reading import read, takes_logits, units_of
from keras_see.model.targets import are_probabilities, resolve
from keras_see.runs.map_encoding import encoded_pictures
from keras_see.runs.records import Maps, Number, Picture, Text, Tiles
from keras_see.visualization.captions import (
    ROUNDING,
    MapTexts,
    check_class_names,
    checked_class_names,
    outputs_note,
    short_number,
)
from keras_see.visualization.display import to_pictures
from keras_see.visualization.map_drawing import ColorRange, draw_maps, smoothed, upper_limit
from keras_see.visualization.sheets import Column, as_tiles, sheet_of

_LOGGER = logging.getLogger("keras_see")


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
        sheets: "overview", "all" or None, as for `Watch`.
        show_images: Whether the images are stored and shown.
    """

    def __init__(
        self,
        samples,
        methods,
        targets,
        *,
        class_names,
        display,
        scale,
        regions,
        batch_size,
        sheets="all",
        show_images=True,
    ):
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
        pictures = pictures if show_images else np.full_like(pictures, 128)
        self._pictures, self._size = as_tiles(pictures), picture_of(samples.images).shape[1:3]
        self._sheets, self._encoded = sheets, encoded_pictures(pictures) if show_images else []
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
        last, self._told = run_writer.last_number, []
        self._fingerprint = self._samples.fingerprint
        earlier = {last(f"{prefix}{name}/images") for name in self._requests} - {None, self._fingerprint}
        self._is_stored = not self._encoded
        self._images_note = "other images than in earlier steps of this run: pass the same ones" if earlier else ""
        span = float(np.ptp(np.asarray(picture_of(inputs), "float32")))
        places = {name: request.method.place(layer_calls, request.layer) for name, request in self._requests.items()}
        self._places = places
        self._spans = {name: span if place == IMAGES else 1.0 for name, place in places.items()}
        self._ranges = {
            name: ColorRange(last(f"{prefix}{name}/range"), last(f"{prefix}{name}/range_since"))
            for name in self._requests
        }
        check_class_names(self._class_names, layer_calls)

    @property
    def names(self):
        """The ends of its tags."""
        return [*self._requests, *(["overview"] if len(self._requests) > 1 else [])]

    def evaluate(self, model):
        """Run the pass, and return a function that waits for its result."""
        return functools.cache(run(model, list(self._requests.values()), self._target, self._parts, self._batch_size))

    def settle(self, collect, step):
        """Set the ranges for the maps of a step: those of a step before it that was held back are drawn in them too."""
        if self._scale == "run":
            for (name, request), maps in zip(self._requests.items(), collect().maps, strict=True):
                maps = self._without_noise(name, maps, collect())
                self._ranges[name].settle(smoothed(maps, request.method.style), step)

    def draw(self, collect, caption, prefix, step):
        """Return the records of one step."""
        result = collect()
        unclosed = self._closing is None and are_probabilities(result.outputs)
        activation = self._closing or ("softmax" if unclosed else None)
        captions = self._texts.under_images(result.outputs, activation)
        notes = self._notes(result, unclosed)
        records, columns, scales = self._status(notes, step) | self._sample_images(prefix), [], {}
        facts, when = self._facts(result, captions, activation), caption.partition(" (step")[0]
        for (name, request), maps in zip(self._requests.items(), result.maps, strict=True):
            maps = self._without_noise(name, maps, result)
            drawn = smoothed(maps, request.method.style)
            upper, scales[request.method.title] = self._upper(name, drawn), self._scale_note(name, maps, drawn, step)
            texts = self._texts.under_maps(maps, result.classes)
            about = self._about(name, drawn, upper) | {"when": when, "notes": notes}
            about["images"] = [
                each | self._of_map(*pair) for each, *pair in zip(facts, maps, drawn, texts, strict=True)
            ]
            records[f"{prefix}{name}/maps"] = Maps(maps, about)
            records |= self._numbers(prefix + name, name, maps, upper)
            if self._sheets is None:
                continue
            columns.append(self._column(name, request.method, drawn, upper, texts))
            if self._sheets == "all" or len(self._requests) == 1:
                footer = [caption, f"colours: {scales[request.method.title]}", *notes]
                image = sheet_of(self._pictures, columns[-1:], captions, footer=["; ".join(footer)])
                records[prefix + name] = Picture(image, self._descriptions[name])
        if len(columns) > 1:
            footer = [caption, f"colours: {_joined(scales)}", *notes]
            image = sheet_of(self._pictures, columns, captions, footer=["; ".join(footer)])
            text = "All methods side by side: one row per image, one column per method."
            records[f"{prefix}overview"] = Picture(image, text)
        return records

    def _sample_images(self, prefix):
        """Return the record of the images, once in a training."""
        if self._is_stored:
            return {}
        self._is_stored = True
        tag = f"{prefix}sample_images/{self._fingerprint:06x}"
        return {tag: Tiles(self._encoded, {"fingerprint": self._fingerprint, "size": list(self._size)})}

    def _facts(self, result, captions, activation):
        """Return per image what its caption says, for people as lines and for programs as a dict."""
        facts = self._texts.facts(result.outputs, activation)
        lines = [[[line, None] if isinstance(line, str) else [*line] for line in caption] for caption in captions]
        scores = np.asarray(result.scores, "float64").tolist()
        return [each | {"lines": part, "score": score} for each, part, score in zip(facts, lines, scores, strict=True)]

    def _about(self, name, drawn, upper):
        """Return what belongs to the maps of one method."""
        method = self._requests[name].method
        return {
            "method": method.word,
            "title": self._title(name, method),
            "layer": self._places[name],
            "meaning": method.meaning,
            "description": self._descriptions[name],
            "style": dataclasses.asdict(method.style),
            "order": list(self._requests).index(name),
            "sample_images": self._fingerprint,
            "limit": float(upper_limit(drawn, "all")),
            "upper": None if np.ndim(upper) else float(upper),
        }

    def _of_map(self, values, drawn, texts):
        """Return what belongs to a single map: the lines under it, its highest value and the end of its own range."""
        peak = float(np.where(np.isfinite(values), values, -np.inf).max())
        return {"explained": texts, "peak": peak, "limit": float(upper_limit(drawn, "all"))}

    def _title(self, name, method):
        return method.title + name.removeprefix(method.word).replace("@", " @ ")

    def _notes(self, result, unclosed):
        """Return what a reader must know about all the maps of a step."""
        pairs = zip(self._requests, result.maps, strict=True)
        noise = sum(int(self._are_noise(name, maps, result).sum()) for name, maps in pairs)
        count = sum(map(len, result.maps))
        below = f"{noise} of {count} maps lie below the rounding error of their score: nothing is drawn"
        saturated = "saturated: the softmax is no layer, so probabilities are explained"
        notes = [self._images_note, self._display_note, self._labels_note, saturated * unclosed]
        return list(filter(None, [*notes, outputs_note(result.outputs), below * (noise > 0)]))

    def _status(self, notes, step):
        """Return the notes about outputs and maps as a text, and log them, the first time that they come up."""
        told = (self._display_note, self._labels_note, *self._told)
        new = [note for note in notes if _kind(note) not in map(_kind, told)]
        self._told += new
        for note in new:
            _LOGGER.warning("Step %d: %s.", step, note)
        return {"see/status": Text("\n\n".join(f"Step {step}: {note}." for note in new))} if new else {}

    def _are_noise(self, name, maps, result):
        """Return for each map whether it lies below the rounding error of its score, bool `(n,)`."""
        least = 1.0 if self._texts.are_classes else 0.0  # smaller differences of logits move no probability
        moved = np.abs(maps).sum(axis=(1, 2)) * self._spans[name]
        return (moved > 0) & (moved < ROUNDING * np.maximum(np.abs(result.scores), least))

    def _without_noise(self, name, maps, result):
        """Return maps, zero where they lie below the rounding error of their score."""
        return np.where(self._are_noise(name, maps, result)[:, None, None], 0.0, maps).astype("float32")

    def _scale_note(self, name, maps, drawn, step):
        smooth = "" if drawn is maps else ", smoothed"
        if self._scale == "run":
            return self._ranges[name].note(step, drawn) + smooth
        return ("each map its own range" if self._scale == "image" else "a fixed range") + smooth

    def _upper(self, name, maps):
        return self._ranges[name].upper if self._scale == "run" else upper_limit(maps, self._scale)

    def _column(self, name, method, maps, upper, texts):
        """Return the column of one method's maps."""
        pictures = draw_maps(self._pictures, maps, upper, method.style)
        end = "own peak" if np.ndim(upper) else short_number(upper)
        return Column(self._title(name, method), pictures, texts, (method.style, end))

    def _numbers(self, tag, name, maps, upper):
        """Return the numbers of one method's maps: their mean peak, the range, and the energy inside the regions."""
        peak = float(np.nan_to_num(maps).max(axis=(1, 2)).mean())
        numbers = {f"{tag}/peak": Number(peak, "Highest value of each map, mean over the images.")}
        numbers[f"{tag}/images"] = Number(self._fingerprint, is_curve=False)  # to tell when a later run shows others
        if self._scale == "run":
            numbers[f"{tag}/range"] = Number(upper, is_curve=False)  # for runs that resume this one
            if self._ranges[name].since is not None:
                numbers[f"{tag}/range_since"] = Number(self._ranges[name].since, is_curve=False)
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
            "run": "The range is given at the colour bar, and kept from step to step as long as it serves; where it "
            "changes, the sheet says so.",
            "image": "Each map has a range of its own: only the captions tell how strong it is.",
        }
        return (
            f"**{request.method.title}** of {where}. Explained: {what}, {kind}. {request.method.meaning} "
            f"{scale.get(self._scale, f'The range ends at {self._scale}.')}"
        )


def _in_numbers(labels, class_names):
    """Return labels with class numbers in the place of names; those of several outputs as they are."""
    return labels if len(labels) > 1 else [numbers_of_names(each, class_names) for each in labels]


def _kind(note):
    """Return a note without its numbers, which may differ from step to step."""
    return re.sub(r"\d+", "", note)


def _joined(scales):
    """Return the notes on the ranges of several methods in one."""
    if len(set(scales.values())) == 1:
        return next(iter(scales.values()))
    return ", ".join(f"{title} {note}" for title, note in scales.items())


def _check_scale(scale):
    if not is_word(scale, ("run", "image")) and not (is_number(scale) and scale > 0):
        raise ValueError(
            '`scale` must be "run" (one range for the whole run), "image" (each map its own) or a number above 0. '
            f"Got {shown(scale)}. Choose one of these."
        )
