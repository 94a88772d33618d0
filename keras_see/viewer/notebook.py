"""The viewer in a notebook: the report in a frame of its own."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import TYPE_CHECKING

from keras_see._validation import is_whole, shown
from keras_see.viewer.report import named_folders, report_page

if TYPE_CHECKING:  # showing a run takes no framework
    from keras_see._types import PathLike


class Viewer:
    """The viewer of some runs, which a notebook shows.

    Args:
        page: The page as text.
        height: Of the frame, in pixels.
    """

    def __init__(self, page: str, height: int) -> None:
        self._page, self._height = page, height

    def _repr_html_(self):
        style = f"width:100%;height:{self._height}px;border:1px solid #8884;border-radius:8px"
        return f'<iframe style="{style}" sandbox="allow-scripts" srcdoc="{html.escape(self._page)}"></iframe>'

    def __repr__(self):
        return f"<keras_see viewer of {len(self._page) / 1e6:.3g} MB: a notebook shows it, save_report saves it>"


def show(log_dir: PathLike | Sequence[PathLike], *, height: int = 800) -> Viewer:
    """Return the viewer of one or several runs, which a notebook shows below the cell.

    It holds what the run has written so far; call it again for newer steps. The data become a part of the notebook.

    Args:
        log_dir: As for `save_report`.
        height: Of the frame, in pixels.

    Raises:
        FileNotFoundError: If there is no such folder.
        ValueError: If the folders hold no maps.

    Example:
        >>> show("logs/run1")  # doctest: +SKIP
    """
    if not is_whole(height, 100):
        raise ValueError(f"`height` must be a number of pixels from 100. Got {shown(height)}. 800 is the default.")
    return Viewer(report_page(named_folders(log_dir)), height)
