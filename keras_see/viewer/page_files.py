"""The files of the page: JavaScript modules and a style sheet, as they are and joined into one script."""

import functools
import re
from pathlib import Path

FOLDER = Path(__file__).parent / "page"

# In the order in which they can run one after the other.
MODULES = (
    *("colors.js", "drawing.js", "frames.js", "sources.js", "library.js", "view_state.js", "elements.js"),
    *("method_notes.js", "tiles.js", "grid.js", "timeline.js", "enlarged.js", "controls.js", "app.js"),
)
# What the tab of TensorBoard asks for: file -> content type.
SERVED = dict.fromkeys((*MODULES, "index.js"), "application/javascript") | {"style.css": "text/css"}


@functools.cache
def text_of(name):
    """Return the text of a file of the page."""
    return (FOLDER / name).read_text(encoding="utf-8")


def joined_script():
    """Return all modules as one script, for a page without a server, where modules cannot import each other."""
    return "\n".join(_without_imports(text_of(name)) for name in MODULES)


def _without_imports(text):
    text = re.sub(r"^import [^;]*;\n", "", text, flags=re.MULTILINE)
    return re.sub(r"^export ", "", text, flags=re.MULTILINE)
