import itertools

import pytest

from keras_see.visualization.text import ELLIPSIS, Font, distinct, shortened, wrapped

FONT = Font(13)
LONG = "the quick brown fox jumps over the lazy dog " * 3


@pytest.mark.parametrize("width", [40, 96, 300])
def test_a_long_text_is_shortened_in_the_middle(width):
    start, end = shortened(LONG, width, FONT).split(ELLIPSIS)
    assert FONT.width(start + ELLIPSIS + end) <= width
    assert LONG.strip().startswith(start)
    assert LONG.strip().endswith(end)
    assert abs(FONT.width(start) - FONT.width(end)) < 20
    assert FONT.width(start + ELLIPSIS + end) > width - 30


def test_a_text_that_fits_is_kept():
    assert shortened("a  cat\n", 300, FONT) == "a cat"


@pytest.mark.parametrize("width", [60, 150])
def test_wrapped_lines_hold_all_the_words_and_fit(width):
    lines = wrapped(LONG, width, FONT)
    assert " ".join(lines).split() == LONG.split()
    assert all(FONT.width(line) <= width for line in lines)
    assert all(FONT.width(f"{line} {after.split()[0]}") > width for line, after in itertools.pairwise(lines))


def test_a_name_breaks_between_its_parts_and_else_anywhere():
    assert wrapped("block_6_expand_relu", 80, FONT) == ["block_6_", "expand_relu"]
    lines = wrapped("x" * 90, 50, FONT)
    assert "".join(lines) == "x" * 90
    assert all(FONT.width(line) <= 50 for line in lines)


def test_the_last_of_some_lines_keeps_the_end_of_the_text():
    lines = wrapped("a very long name of sixty letters that ends in something", 90, FONT, 2)
    assert len(lines) == 2
    assert ELLIPSIS in lines[1]
    assert lines[1].endswith("ing")


def test_names_that_differ_stay_different():
    names = [f"Grad-CAM @ a/very/long/path/of/blocks/{number}/and/a/very/long/end/of/it" for number in (6, 13)]
    one, other = distinct(names, 90, FONT, 2)
    assert one != other
    assert one[0].startswith(ELLIPSIS + "6")
    assert other[0].startswith(ELLIPSIS + "13")
