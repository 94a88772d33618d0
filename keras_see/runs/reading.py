"""What training runs wrote for TensorBoard, read back: pictures, numbers and texts."""

import os
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from keras_see._types import PathLike
from keras_see._validation import shown
from keras_see.runs.tensorboard import decoded, events, is_readable


def read(log_dir: PathLike, tags: str | Collection[str] | None = None) -> Mapping[str, list[tuple[int, Any]]]:
    """Read what a training run wrote for TensorBoard: pictures, numbers and texts, without a viewer.

    All event files in the folder and below are read, those of other writers too; a file cut off in the middle gives
    what was whole. Where a step was written more than once, the last counts.

    Args:
        log_dir: The folder.
        tags: A tag or a collection of tags to keep; all by default.

    Returns:
        A mapping from tags to lists of `(step, value)` in the order of steps. A value is a picture, uint8
        `(height, width, 3)` (a tuple of pictures where the summary holds several), a float or a str, decoded on access.
        Tags of a sub-folder are prefixed with its path: `"train/epoch_loss"`.

    Raises:
        FileNotFoundError: If there is no such folder.

    Example:
        >>> read("logs")["see/grad_cam"][-1]  # doctest: +SKIP
        (19, array([[[...]]], dtype=uint8))
    """
    if not isinstance(log_dir, str | os.PathLike):
        raise TypeError(
            f"`log_dir` must be the path of a folder. Got {shown(log_dir)}. "
            "Pass the folder that the callback was given."
        )
    folder = Path(log_dir)
    if not folder.is_dir():
        raise FileNotFoundError(
            f"`log_dir` must be a folder with event files. There is no folder {str(folder)!r}. "
            "Pass the folder that the callback was given."
        )
    wanted = {tags} if isinstance(tags, str) else tags
    if wanted is not None and not (isinstance(wanted, Collection) and all(isinstance(tag, str) for tag in wanted)):
        raise TypeError(f"`tags` must be a tag or a list of tags. Got {shown(tags)}. Leave it out for all.")
    found: dict = {}
    for path in sorted(folder.rglob("*tfevents*")):
        run = path.parent.relative_to(folder).as_posix()
        for event in events(path):
            for value in event.summary.value:
                tag = value.tag if run == "." else f"{run}/{value.tag}"
                if (wanted is None or tag in wanted) and is_readable(value):
                    found.setdefault(tag, {})[event.step] = value
    return _Log(found)


class _Log(Mapping):
    """Tags to `(step, value)` lists; values are decoded when a tag is looked up."""

    def __init__(self, found):
        self._found = found

    def __getitem__(self, tag):
        if tag not in self._found:
            tags = ", ".join(self) or "none"
            raise KeyError(f"`tag` must be one that was written. Got {shown(tag)}. There are: {tags}.")
        return [(step, decoded(value)) for step, value in sorted(self._found[tag].items())]

    def __contains__(self, tag):
        return tag in self._found

    def __iter__(self):
        return iter(sorted(self._found))

    def __len__(self):
        return len(self._found)

    def __repr__(self):
        found = sorted(self._found.items())
        lines = (f"{tag}: {len(steps)} steps, {min(steps)} to {max(steps)}" for tag, steps in found)
        return "\n".join(lines) or "no tags"
