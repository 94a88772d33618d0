"""How a callback joins the run in its folder: its tags beside those of others, its steps after earlier ones."""

import itertools
import logging

from keras_see.attribution.registry import METHODS, OPTIMIZED

_LOGGER = logging.getLogger("keras_see")


def prepared_prefix(callback, views, model, run_writer, own):
    """Prepare the views of a callback, and return what its tags begin with: no other callback of the fit writes them.

    Args:
        callback: The callback.
        views: Its views.
        model: The model that they are checked against.
        run_writer: The `RunWriter` of its folder.
        own: What its own options say, such as `"see/"`.
    """
    kind, found = type(callback).__name__, None
    for prefix in prefixes(own, kind):
        tags = _tags(views, model, run_writer, prefix)
        told, found = found, run_writer.claim(tags, callback)
        if found is None:
            break
    if prefix != own:
        tag, other = told
        message = "%s writes %r, since %s of the same fit writes %r. `name` gives it another name."
        _LOGGER.warning(message, kind, f"{prefix}...", type(other).__name__, tag)
    return prefix


def prefixes(own, kind):
    """Yield what the tags of a callback may begin with, in this order.

    The own prefix comes first. Where another callback of the same `fit` writes one of the tags under it, the name of
    the callback's class tells them apart, and after the second of a class a number.
    """
    yield own
    yield f"{own}{kind}/"
    yield from (f"{own}{kind}-{number}/" for number in itertools.count(2))


def is_under(prefix, tag):
    """Return whether a tag has this prefix, and no name of another callback after it."""
    word = tag.removeprefix(prefix).partition("/")[0].partition("@")[0]
    return tag.startswith(prefix) and word in (*METHODS, *OPTIMIZED, "overview")


def shift_after(steps_before, epoch, averaged, log_dir):
    """Return what is added to epochs for their steps, so that these follow those of earlier trainings.

    Args:
        steps_before: The last step of earlier trainings.
        epoch: The first epoch of this one.
        averaged: The step under which averaged weights were shown, or None. This training begins with them, so that its
            first epoch has that step.
        log_dir: The folder, for the log.
    """
    if epoch > steps_before or epoch == steps_before == averaged:
        return 0
    shift = steps_before + 1 - epoch
    _LOGGER.warning(
        "%r already holds steps up to %d, and TensorBoard drops steps that go back: epoch %d becomes step %d.",
        *(str(log_dir), steps_before, epoch, epoch + shift),
    )
    return shift


def _tags(views, model, run_writer, prefix):
    """Prepare the views for tags with this prefix, and return the tags."""
    tags = []
    for view in views:
        view.prepare(model, run_writer, prefix)
        tags += [f"{prefix}{name}" for name in view.names]
    twice = next((tag for place, tag in enumerate(tags) if tag in tags[:place]), None)
    if twice is not None:
        raise ValueError(f"`layer` must name each layer once. Got two for the tag {twice!r}. Leave one out.")
    return tags
