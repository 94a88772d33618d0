"""What the page is told of runs: steps and what belongs to them, curves and notes, but no maps."""

import math

# Names of the runs that Keras's TensorBoard callback writes below its folder, and the curves in them.
KERAS_RUNS, KERAS_CURVES = ("train", "validation"), "epoch_"

# Numbers of each curve that are drawn; a curve is about a thousand pixels wide.
MOST_POINTS = 1000


def run_entry(name, tags, curves, notes):
    """Return one run as a dict for JSON.

    Args:
        name: The run's folder, below the one that is shown; "." for that itself.
        tags: Tag -> list of `(step, header)`.
        curves: Tag -> list of `(step, value)`.
        notes: List of `(step, text)`.
    """
    heads = {tag: [[step, head_of(header)] for step, header in records] for tag, records in tags.items()}
    return {
        "name": name,
        "tags": heads,
        "curves": [[tag, [[step, _finite(value)] for step, value in points]] for tag, points in sorted(curves.items())],
        "notes": [[step, text] for step, text in notes],
    }


def head_of(header):
    """Return what the page needs of a record's header before it has the record."""
    return {name: header[name] for name in ("kind", "about", "size", "error") if name in header}


def curve_names(run, own_tags, runs):
    """Yield `(run, tag, name)` of the curves that belong to a run: its own, and those of Keras below it.

    Args:
        run: The run.
        own_tags: Function from a run to its scalar tags.
        runs: The names of all runs.
    """
    for tag in own_tags(run):
        if tag.startswith("see/") or tag.startswith(KERAS_CURVES):
            yield run, tag, tag.removeprefix("see/").removeprefix(KERAS_CURVES)
    for part in KERAS_RUNS:
        below = part if run == "." else f"{run.removesuffix('/.')}/{part}"  # of several folders, each is "name/."
        for tag in own_tags(below) if below in runs else ():
            if tag.startswith(KERAS_CURVES):
                yield below, tag, f"{part} {tag.removeprefix(KERAS_CURVES)}"


def _finite(value):
    return float(value) if math.isfinite(value) else None
