"""A run as one HTML file: the viewer and its data, without a server."""

from __future__ import annotations

import base64
import html
import json
import os
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from keras_see._validation import shown
from keras_see.viewer.page_files import joined_script, text_of
from keras_see.viewer.run_files import runs_of

if TYPE_CHECKING:  # `keras-see board` imports this file and no framework
    from keras_see._types import PathLike

# Nothing may be fetched: everything is in the file.
POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:"


def save_report(log_dir: PathLike | Sequence[PathLike], path: PathLike) -> None:
    """Save one or several runs as one HTML file: the viewer with its slider, on the raw maps.

    The file needs no server, no network and no Python, and can be sent to someone else. It holds the sample images
    (unless the run was logged with `show_images=False`), all maps, captions, curves and notes.

    Args:
        log_dir: The folder of a run, a folder of runs, or a list of such folders.
        path: The file to write, or to overwrite; it ends in `.html`.

    Raises:
        FileNotFoundError: If there is no such folder.
        ValueError: If the folders hold no maps, or the path has another ending.

    Example:
        >>> save_report("logs/run1", "run1.html")  # doctest: +SKIP
    """
    _check_path(path)
    folders = named_folders(log_dir)
    page = report_page(folders)
    path = Path(path)
    temporary = path.with_name(f".{uuid.uuid4().hex}.html")
    try:
        temporary.write_text(page, encoding="utf-8")
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def report_page(folders):
    """Return the page of the runs of folders, name -> folder, as text."""
    listing, records = runs_of(folders)
    if not listing["runs"]:
        names = ", ".join(repr(str(folder)) for folder in folders.values())
        raise ValueError(
            f"`log_dir` must hold runs with raw maps. There are none in {names}. "
            "Log one with keras_see.Watch(log_dir, images); runs of older versions have sheets alone."
        )
    data = [_script({"id": "see-runs", "type": "application/json"}, json.dumps(listing))]
    for (run, tag), steps in records.items():
        text = json.dumps({step: base64.b64encode(content).decode() for step, content in steps.items()})
        data.append(_script({"type": "application/json", "data-run": run, "data-tag": tag}, text))
    begin = "start(new EmbeddedSource(document), document.getElementById('root'));"
    title = html.escape(", ".join(Path(folder).resolve().name for folder in folders.values()))
    return "\n".join(
        [
            '<!doctype html><html lang="en"><head><meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{title} - keras_see</title><style>{text_of('style.css')}</style></head>",
            '<body><div id="root"></div>',
            *data,
            _script({"type": "module"}, f"{joined_script()}\n{begin}"),
            "</body></html>\n",
        ]
    )


def named_folders(log_dir):
    """Return name -> folder of what a user calls a folder or folders; raise where there is none."""
    listed = list(log_dir) if isinstance(log_dir, list | tuple) else [log_dir]
    for each in listed:
        if not isinstance(each, str | os.PathLike):
            raise TypeError(
                f"`log_dir` must be a path, or a list of paths. Got {shown(each)}. "
                "Pass the folder that the callback was given."
            )
        if not Path(each).is_dir():
            raise FileNotFoundError(
                f"`log_dir` must be a folder with event files. There is no folder {str(each)!r}. "
                "Pass the folder that the callback was given."
            )
    if not listed:
        raise ValueError("`log_dir` must name one folder at least. Got an empty list. Pass the folder of a run.")
    if len(listed) == 1:
        return {"": Path(listed[0])}
    return dict(zip(_distinct([Path(each).resolve() for each in listed]), map(Path, listed), strict=True))


def _distinct(paths):
    """Return the names of folders, with as many of the folders above as it takes to tell them apart."""
    for depth in range(1, max(len(path.parts) for path in paths)):
        names = ["/".join(path.parts[-depth:]) for path in paths]
        if len(set(names)) == len(set(paths)):
            return names
    return [str(path) for path in paths]


def _check_path(path):
    if not isinstance(path, str | os.PathLike) or Path(path).suffix.lower() not in (".html", ".htm"):
        raise ValueError(f"`path` must end in .html. Got {shown(path)}. Write 'run.html', for instance.")
    if not Path(path).parent.is_dir():
        folder = str(Path(path).parent)
        raise FileNotFoundError(
            f"`path` must lie in a folder that exists. There is no folder {folder!r}. Make it first."
        )


def _script(attributes, text):
    """Return a script element; nothing in its text can end it."""
    listed = " ".join(f'{name}="{html.escape(value)}"' for name, value in attributes.items())
    if attributes["type"] == "application/json":
        text = text.replace("<", "\\u003c")
    return f"<script {listed}>{text}</script>"
