"""The range of colours of a run, and what a view of maps says of each step."""

import numpy as np
import pytest
from tiny_models import flat, photos

from keras_see.training.map_view import MapView, Range
from keras_see.training.sample_images import sample


def maps(peak):
    """Return maps of one value, whose 99th percentile is their peak."""
    return np.full((2, 4, 3), peak, "float32")


def test_the_range_begins_at_the_first_maps_grows_in_doublings_and_never_falls():
    colors = Range()
    assert colors.including(maps(2.0)) == 2.0
    assert colors.including(maps(0.5)) == 2.0
    assert colors.including(maps(2.1)) == 4.0
    assert colors.including(maps(17.0)) == 32.0
    assert colors.including(maps(0.0)) == 32.0


def test_the_range_of_an_earlier_run_is_taken_over():
    assert Range(3.0).including(maps(1.0)) == 3.0
    assert Range(3.0).including(maps(4.0)) == 6.0


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_maps_that_are_not_finite_set_no_range(value):
    colors = Range()
    spoiled = maps(1.0)
    spoiled[0] = value
    assert colors.including(spoiled) == 1.0


class Ranges:
    """Stands for a run without earlier numbers."""

    def last_number(self, tag):
        return None


def test_the_range_in_the_records_grows_with_the_maps_that_are_drawn():
    model = flat()
    view = MapView(
        sample((photos(4), np.array([0, 1, 2, 0]))),
        "saliency",
        None,
        class_names=None,
        display=None,
        scale="run",
        regions=None,
        batch_size=8,
    )
    view.prepare(model, Ranges(), "see/")
    ranges, *others, kernel, bias = [], *model.get_weights()
    for factor in (1, 10, 1):
        model.set_weights([*others, kernel * factor, bias])
        records = view.draw(view.evaluate(model), "epoch", "see/")
        ranges.append(records["see/saliency/range"].value)
    assert ranges[1] / ranges[0] in (8.0, 16.0)  # the least doubling that holds ten times as much
    assert ranges[2] == ranges[1]
