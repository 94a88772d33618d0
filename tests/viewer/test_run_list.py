"""Which curves belong to a run."""

import pytest

from keras_see.viewer.run_list import curve_names, run_entry

TAGS = {
    "": ["see/cam/peak", "epoch_loss", "batch_loss"],
    "train": ["epoch_accuracy", "keras"],
    "validation": ["epoch_accuracy", "evaluation_loss_vs_iterations"],
}


@pytest.mark.parametrize(("run", "below"), [(".", ""), ("a", "a/"), ("a/.", "a/")])
def test_the_curves_of_a_run_are_its_own_and_those_of_keras_below_it(run, below):
    runs = {run: TAGS[""], "b/train": ["epoch_x"]}
    runs |= {f"{below}{part}": TAGS[part] for part in ("train", "validation")}
    found = {name: (each, tag) for each, tag, name in curve_names(run, lambda each: runs.get(each, []), runs)}
    assert found == {
        "cam/peak": (run, "see/cam/peak"),
        "loss": (run, "epoch_loss"),
        "train accuracy": (f"{below}train", "epoch_accuracy"),
        "validation accuracy": (f"{below}validation", "epoch_accuracy"),
    }


def test_numbers_that_are_not_finite_are_gaps():
    entry = run_entry("a", {}, {"loss": [(0, float("nan")), (1, 0.5), (2, float("inf"))]}, [])
    assert entry["curves"] == [["loss", [[0, None], [1, 0.5], [2, None]]]]
