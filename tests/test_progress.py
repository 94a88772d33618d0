import contextlib
import os

import pytest

from keras_see import _progress
from keras_see._progress import Progress


def run(steps, wanted):
    progress = Progress(steps, wanted, unit="tile")
    for number in range(steps):
        progress.update(float(number))


@pytest.mark.parametrize(("wanted", "long"), [(True, None), (None, 0.0)])
def test_a_file_gets_one_plain_line_from_a_loop_that_is_to_show_itself(capfd, monkeypatch, wanted, long):
    if long is not None:
        monkeypatch.setattr(_progress, "LONG", long)
    run(5, wanted=wanted)
    assert capfd.readouterr() == ("tile 5/5, reached 4\n", "")


def test_a_file_gets_a_plain_line_after_each_pause(capfd, monkeypatch):
    monkeypatch.setattr(_progress, "PAUSE", 0.0)
    run(3, wanted=True)
    assert capfd.readouterr().out == "tile 1/3, reached 0\ntile 2/3, reached 1\ntile 3/3, reached 2\n"


def test_a_short_loop_that_nobody_asked_about_prints_nothing(capfd):
    run(5, wanted=None)
    run(5, wanted=False)
    assert capfd.readouterr() == ("", "")


def test_a_terminal_gets_a_bar():
    pty = pytest.importorskip("pty", reason="there are no pseudo-terminals here")
    ours, theirs = pty.openpty()
    with open(theirs, "w") as terminal, contextlib.redirect_stdout(terminal):  # noqa: PTH123
        run(5, wanted=True)
        terminal.flush()
        shown = ""
        while "5/5" not in shown:  # a terminal hands over what has come so far
            shown += os.read(ours, 10_000).decode(errors="replace")
    os.close(ours)
    assert "\r" in shown
    assert "5/5" in shown
