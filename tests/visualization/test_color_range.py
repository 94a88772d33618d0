"""The range of colours of a run: when it is kept, when it changes, and what a sheet says."""

import numpy as np
import pytest

from keras_see.visualization.map_drawing import PATIENCE, ColorRange


def maps(peak):
    """Return maps of one value, whose 99th percentile is their peak."""
    return np.full((2, 4, 3), peak, "float32")


def settled(colors, *peaks):
    uppers = []
    for step, peak in enumerate(peaks):
        colors.settle(maps(peak), step)
        uppers.append(colors.upper)
    return uppers


def test_the_range_begins_at_the_first_maps_and_grows_in_doublings():
    assert settled(ColorRange(), 2.0, 1.5, 2.1, 17.0, 16.5) == [2.0, 2.0, 4.0, 32.0, 32.0]


def test_the_range_falls_only_where_several_steps_in_a_row_need_less_than_half():
    assert settled(ColorRange(), 8.0, 1.0, 1.0, 5.0, 1.0, 3.0, 2.0, 2.0) == [8.0] * 6 + [3.0] * 2
    assert PATIENCE == 3


def test_the_range_of_an_earlier_run_is_taken_over():
    assert settled(ColorRange(3.0), 2.0, 4.0) == [3.0, 6.0]


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_maps_that_are_not_finite_set_no_range(value):
    spoiled = maps(1.0)
    spoiled[0] = value
    colors = ColorRange()
    colors.settle(spoiled, 0)
    assert colors.upper == 1.0


def test_each_sheet_tells_the_range_that_it_is_drawn_in():
    colors = ColorRange()
    colors.settle(maps(0.0), 0)
    assert colors.note(0, maps(0.0)) == "nothing above 0 yet"
    colors.settle(maps(2.0), 1)
    assert colors.note(1, maps(2.0)) == "one range since step 1"
    assert colors.note(-1, maps(1.0)) == "the range of step 1"
    assert colors.note(-1, maps(9.0)) == "the range of step 1, which this step exceeds"
    colors.settle(maps(3.0), 2)
    assert colors.note(2, maps(3.0)) == "range changed here, from 2 to 4"
    colors.settle(maps(3.0), 3)
    assert colors.note(3, maps(3.0)) == "one range since step 2"


def test_a_resumed_run_tells_since_when_its_range_is_what_it_is():
    assert ColorRange(3.0, 5).note(9, maps(1.0)) == "one range since step 5"
    assert ColorRange(3.0).note(9, maps(1.0)) == "the range of the earlier run"
