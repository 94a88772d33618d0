"""Frames of a film, drawn from the raw maps of a run in one range for all steps."""

import numpy as np

from keras_see.runs.map_encoding import StoredMaps
from keras_see.visualization.captions import short_number
from keras_see.visualization.map_drawing import MapStyle, draw_maps, smoothed
from keras_see.visualization.sheets import Column, as_tiles, sheet_of

BEFORE_TRAINING = "before training"
GREY = 128  # where the run keeps no images
MAPS = "/maps"


def map_tags(log, tag=None):
    """Return the tags of raw maps that `tag` means: those of a method, or with None of all methods of the run itself.

    The order is that of the callback's methods.
    """
    if tag is not None and not isinstance(tag, str):
        return []
    wanted = [f"{tag}{MAPS}"] if tag is not None else [name for name in log if name.startswith("see/")]
    found = {name: log[name] for name in wanted if name.endswith(MAPS) and name in log}
    stored = {name: steps[-1][1].about for name, steps in found.items() if isinstance(steps[-1][1], StoredMaps)}
    return sorted(stored, key=lambda name: stored[name].get("order", 0))


def film_of_maps(log, tags):
    """Return `(step, picture)` pairs: the sheet of these tags at each step, each tag in one range for the whole run."""
    tracks = {tag: dict(log[tag]) for tag in tags}
    uppers = {tag: _limit(track) for tag, track in tracks.items()}
    steps = sorted({step for track in tracks.values() for step in track})
    pictures = _sample_images(log)
    return [(step, _sheet(step, tracks, uppers, pictures)) for step in steps]


def _limit(track):
    """Return the upper end that the most demanding step after the beginning needs."""
    limits = [maps.about["limit"] or 0 for maps in track.values() if maps.about["when"] != BEFORE_TRAINING]
    return max(limits or [maps.about["limit"] or 0 for maps in track.values()])


def _sample_images(log):
    """Return fingerprint -> pictures as tiles."""
    stored = [log[tag][-1][1] for tag in log if "/sample_images/" in tag]
    return {tiles.about["fingerprint"]: as_tiles(np.stack(tiles)) for tiles in stored}


def _sheet(step, tracks, uppers, pictures):
    here = {tag: track[step] for tag, track in tracks.items() if step in track}
    about = next(iter(here.values())).about
    under = _pictures_of(about, pictures)
    fitting = {tag: maps for tag, maps in here.items() if len(maps) == len(under)}
    columns = [_column(maps, uppers[tag], under) for tag, maps in fitting.items()]
    captions = [[_line(line) for line in each["lines"]] for each in about["images"]]
    footer = [f"{about['when']} (step {step}); colours: one range for the whole run"]
    return np.asarray(sheet_of(under, columns, captions, footer=footer))


def _pictures_of(about, pictures):
    found = pictures.get(about["sample_images"])
    return np.full((len(about["images"]), 160, 160, 3), GREY, "uint8") if found is None else found


def _column(maps, upper, under):
    style = MapStyle(**maps.about["style"])
    drawn = draw_maps(under, smoothed(np.asarray(maps), style), upper, style)
    texts = [each["explained"] for each in maps.about["images"]]
    return Column(maps.about["title"], drawn, texts, (style, short_number(upper)))


def _line(line):
    text, right = line
    return text if right is None else (text, right)
