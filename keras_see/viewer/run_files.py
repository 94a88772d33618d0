"""The runs of folders as the page takes them, read from event files without a server."""

from pathlib import Path

from keras_see.runs.map_encoding import header_of
from keras_see.runs.tensorboard import VIEWER, events, read
from keras_see.viewer.run_list import curve_names, run_entry


def runs_of(folders):
    """Return the list of runs for the page, and the records: `(run, tag)` -> step -> bytes.

    Args:
        folders: Name -> folder; the runs below a folder have its name in front.
    """
    entries, records, problems = [], {}, []
    for name, folder in folders.items():
        numbers = {path: _numbers(path) for path in _run_folders(folder)}
        for path in numbers:
            found, broken = _records(path)
            run = _name(name, path.relative_to(folder))
            problems += [f"{run}: {problem}" for problem in broken]
            if found:
                records |= {(run, tag): steps for tag, steps in found.items()}
                entries.append(_entry(run, path, found, numbers))
    return {"runs": entries, "problems": problems}, records


def _run_folders(folder):
    """Return the folders that hold event files, in the order of their names."""
    return sorted({path.parent for path in Path(folder).rglob("*tfevents*")})


def _name(name, below):
    parts = [part for part in (name, below.as_posix()) if part not in ("", ".")]
    return "/".join(parts) or "."


def _records(path):
    """Return tag -> step -> bytes of a folder's own event files, and what could not be read."""
    found, problems = {}, []
    for file in sorted(path.glob("*tfevents*")):
        for event in events(file):
            for value in event.summary.value:
                if value.metadata.plugin_data.plugin_name != VIEWER or not value.tensor.string_val:
                    continue
                data = value.tensor.string_val[0]
                try:
                    header_of(data)
                except Exception as error:  # a record of another version, or a damaged one
                    problems.append(f"{value.tag}, step {event.step}: {error}")
                    continue
                found.setdefault(value.tag, {})[event.step] = data
    return found, problems


def _numbers(path):
    """Return tag -> `(step, value)` of the numbers and texts of a folder and what lies below it."""
    log = read(path)
    wanted = [tag for tag in log if not tag.endswith(("/maps", "/images", "/range", "/range_since"))]
    found = {tag: log[tag] for tag in wanted if "/tiles" not in tag and "sample_images/" not in tag}
    return {tag: points for tag, points in found.items() if isinstance(points[-1][1], float | str)}


def _entry(run, path, found, numbers):
    own = numbers[path]
    heads = {tag: [(step, header_of(data)) for step, data in sorted(steps.items())] for tag, steps in found.items()}
    inside = [other for other in numbers if path in other.parents]
    below = {".": own} | {other.relative_to(path).as_posix(): numbers[other] for other in inside}
    names = curve_names(".", lambda each: _curve_tags(below.get(each, {})), below)
    curves = {name: below[each][tag] for each, tag, name in names}
    return run_entry(run, heads, curves, own.get("see/status", []))


def _curve_tags(numbers):
    return [tag for tag, points in numbers.items() if isinstance(points[-1][1], float)]
