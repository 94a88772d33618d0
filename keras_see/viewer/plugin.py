"""The See tab of TensorBoard: a plugin that serves the page, and the records of runs as they are."""

import functools
import hashlib
import json
import os
import struct
import threading
import time
from pathlib import Path

from tensorboard import plugin_util
from tensorboard.backend import http_util
from tensorboard.data import provider
from tensorboard.plugins import base_plugin
from tensorboard.plugins.scalar import metadata as scalar_metadata
from tensorboard.plugins.text import metadata as text_metadata
from werkzeug import wrappers

from keras_see.runs.map_encoding import header_of
from keras_see.runs.tensorboard import SUFFIX, VIEWER
from keras_see.viewer.page_files import SERVED, text_of
from keras_see.viewer.run_list import MOST_POINTS, curve_names, run_entry

# Steps kept per tag. TensorBoard keeps ten of each unless told otherwise, chosen at random, and all of them in memory.
STEPS = 10_000
# Where a folder's event files are larger, only so many steps are kept.
LARGE, STEPS_OF_LARGE = 2 * 2**30, 1000

# Bounds of the search for our files before TensorBoard starts: levels of folders, entries, seconds.
DEPTH, ENTRIES, SECONDS = 6, 20_000, 1.0

# Seconds between two looks at whether there is anything to show.
PAUSE = 5.0


class SeeLoader(base_plugin.TBLoader):
    """Loads the tab, and has TensorBoard keep every step of our pictures."""

    def fix_flags(self, flags):
        """Raise how many steps are kept of our records and of the Images tab, unless the user has set that."""
        folder = flags.logdir or ""
        found, size = _found_in(folder) if folder and "://" not in folder else (False, 0)
        steps = STEPS if size < LARGE else STEPS_OF_LARGE
        flags.samples_per_plugin = {VIEWER: steps, **({"images": steps} if found else {}), **flags.samples_per_plugin}

    def load(self, context):
        """Return the plugin."""
        return SeePlugin(context)


class SeePlugin(base_plugin.TBPlugin):
    """Serves the page and its data.

    Args:
        context: TensorBoard's.
    """

    plugin_name = VIEWER

    def __init__(self, context):
        self._provider, self._headers = context.data_provider, {}
        self._active, self._looked, self._lock = False, -PAUSE, threading.Lock()
        self._looking = False

    def get_plugin_apps(self):
        """Return the routes below `plugin/see`."""
        files = {f"/{name}": _route(functools.partial(_file, name)) for name in SERVED}
        return files | {"/runs": _route(self._serve_runs), "/frames": _route(self._serve_frames)}

    def frontend_metadata(self):
        """Return where the page begins, and the name of the tab."""
        return base_plugin.FrontendMetadata(es_module_path="/index.js", tab_name="See")

    def is_active(self):
        """Return whether there was anything to show at the last look; a new look never blocks."""
        with self._lock:
            if not self._looking and time.monotonic() - self._looked >= PAUSE:
                self._looking = True
                threading.Thread(target=self._look, name="keras_see look", daemon=True).start()
        return self._active

    def _look(self):
        try:
            self._active = self._active or bool(self._tags(None, ""))
        finally:
            self._looked, self._looking = time.monotonic(), False

    def _tags(self, context, experiment):
        """Return run -> tag -> what TensorBoard knows of our records."""
        return self._provider.list_blob_sequences(context, experiment_id=experiment, plugin_name=VIEWER)

    def _serve_runs(self, request):
        """Answer with all runs; with the digest alone where the page knows them already."""
        context, experiment = plugin_util.context(request.environ), plugin_util.experiment_id(request.environ)
        tags = self._tags(context, experiment)
        scalars = self._provider.list_scalars(
            context, experiment_id=experiment, plugin_name=scalar_metadata.PLUGIN_NAME
        )
        digest = _digest(tags, scalars)
        self._active = self._active or bool(tags)
        if request.args.get("known") == digest:
            return http_util.Respond(request, json.dumps({"digest": digest}), "application/json")
        entries, problems = self._entries(context, experiment, tags, scalars)
        answer = {"digest": digest, "runs": entries, "problems": problems}
        return http_util.Respond(request, json.dumps(answer), "application/json")

    def _entries(self, context, experiment, tags, scalars):
        found, problems = [], []
        for run in sorted(tags):
            records = self._records(context, experiment, run)
            headers = {tag: self._headers_of(context, run, tag, each, problems) for tag, each in records.items()}
            curves = self._curves(context, experiment, run, scalars)
            found.append(run_entry(run, headers, curves, self._notes(context, experiment, run)))
        return found, problems

    def _records(self, context, experiment, run, tag=None):
        """Return tag -> the records of a run, with keys of their bytes."""
        chosen = provider.RunTagFilter(runs=[run], tags=None if tag is None else [tag])
        read = self._provider.read_blob_sequences(
            context, experiment_id=experiment, plugin_name=VIEWER, downsample=STEPS, run_tag_filter=chosen
        )
        return read.get(run, {})

    def _headers_of(self, context, run, tag, records, problems):
        headers = []
        for record in records:
            key = run, tag, record.step, record.wall_time
            if key not in self._headers:
                try:
                    self._headers[key] = header_of(self._bytes(context, record))
                except Exception as error:  # a record that another version wrote
                    problems.append(f"{tag}, step {record.step}: {error}")
                    continue
            headers.append((record.step, self._headers[key]))
        return headers

    def _bytes(self, context, record):
        return self._provider.read_blob(context, blob_key=record.values[0].blob_key)

    def _curves(self, context, experiment, run, scalars):
        curves = {}
        names = list(curve_names(run, lambda each: scalars.get(each, {}), scalars))
        for each in {each for each, _, _ in names}:
            read = self._provider.read_scalars(
                context,
                experiment_id=experiment,
                plugin_name=scalar_metadata.PLUGIN_NAME,
                downsample=MOST_POINTS,
                run_tag_filter=provider.RunTagFilter(runs=[each], tags=[tag for at, tag, _ in names if at == each]),
            ).get(each, {})
            curves |= {
                name: [(datum.step, datum.value) for datum in read.get(tag, [])]
                for at, tag, name in names
                if at == each
            }
        return curves

    def _notes(self, context, experiment, run):
        read = self._provider.read_tensors(
            context,
            experiment_id=experiment,
            plugin_name=text_metadata.PLUGIN_NAME,
            downsample=MOST_POINTS,
            run_tag_filter=provider.RunTagFilter(runs=[run], tags=["see/status"]),
        )
        return [(datum.step, _text(datum.numpy)) for datum in read.get(run, {}).get("see/status", [])]

    def _serve_frames(self, request):
        """Answer with records, each after its length in four bytes."""
        context, experiment = plugin_util.context(request.environ), plugin_util.experiment_id(request.environ)
        run, tag = request.args.get("run", ""), request.args.get("tag", "")
        records = {record.step: record for record in self._records(context, experiment, run, tag).get(tag, [])}
        steps = [int(step) for step in request.args.get("steps", "").split(",") if step.lstrip("-").isdecimal()]
        found = [self._bytes(context, records[step]) for step in steps if step in records]
        body = b"".join(struct.pack("<I", len(data)) + data for data in found)
        return http_util.Respond(request, body, "application/octet-stream")


def _route(answer):
    """Return a WSGI application from a function of a request."""

    @wrappers.Request.application
    def serve(request):
        return answer(request)

    return serve


def _file(name, request):
    return http_util.Respond(request, text_of(name), SERVED[name])


def _text(array):
    text = array.item() if array.ndim == 0 else array.ravel()[0]
    return text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)


def _digest(*listings):
    known = [
        (run, tag, series.max_step, series.max_wall_time)
        for listing in listings
        for run, tags in sorted(listing.items())
        for tag, series in sorted(tags.items())
    ]
    return hashlib.sha256(repr(known).encode()).hexdigest()[:16]


def _found_in(folder):
    """Return whether there are event files of ours below a folder (or no event files yet), and their bytes."""
    until, left, found, others, size = time.monotonic() + SECONDS, ENTRIES, False, False, 0
    folders = [(Path(folder).expanduser(), 0)]
    while folders and left > 0 and time.monotonic() < until:
        path, depth = folders.pop()
        for entry in _entries_of(path):
            left -= 1
            if entry.is_dir(follow_symlinks=False):
                folders += [(Path(entry.path), depth + 1)] * (depth < DEPTH)
            elif "tfevents" in entry.name:
                is_ours = entry.name.endswith(SUFFIX)
                found, others = found or is_ours, others or not is_ours
                size += entry.stat().st_size if is_ours else 0
    return found or not others, size


def _entries_of(path):
    try:
        with os.scandir(path) as entries:
            return list(entries)
    except OSError:
        return []
