import itertools

import pytest

from keras_see.visualization.text import font, shortened, wrapped

LONG = "the quick brown fox jumps over the lazy dog " * 3


@pytest.mark.parametrize("width", [20, 96, 300])
def test_a_long_text_is_cut_to_the_width_and_ends_in_dots(width):
    cut = shortened(LONG, width)
    assert font().getlength(cut) <= width
    assert cut.endswith("..")
    assert LONG.startswith(cut[:-2])
    assert font().getlength(LONG[: len(cut) - 1] + "..") > width  # one letter more would be too wide


def test_a_text_that_fits_is_kept():
    assert shortened("a  cat\n", 300) == "a cat"


@pytest.mark.parametrize("width", [60, 150])
def test_wrapped_lines_hold_all_the_words_and_fit(width):
    lines = wrapped(LONG, width)
    assert " ".join(lines).split() == LONG.split()
    assert all(font().getlength(line) <= width for line in lines)
    assert all(font().getlength(f"{line} {after.split()[0]}") > width for line, after in itertools.pairwise(lines))


def test_a_word_wider_than_the_width_has_its_own_line():
    assert wrapped("a " + "x" * 90 + " b", 50) == ["a", "x" * 90, "b"]
    assert wrapped("x" * 90, 50) == ["x" * 90]
