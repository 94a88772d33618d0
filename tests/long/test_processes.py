"""Jobs of two processes and trainings on two devices: one run is written, and it is that of one process alone."""

import jobs
import pytest

# What is tried on which backend: kind -> (backend, processes). TensorFlow's workers train in a loop of their own.
KINDS = {
    "torch": ("torch", 2),
    "jax-processes-data": ("jax", 2),
    "jax-processes-model": ("jax", 2),
    "jax-devices-data": ("jax", 1),
    "jax-devices-model": ("jax", 1),
    "multiworker": ("tensorflow", 2),
    "mirrored": ("tensorflow", 1),
}

kinds = [pytest.param(kind, count, marks=pytest.mark.backends(name)) for kind, (name, count) in KINDS.items()]


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    folder = tmp_path_factory.mktemp("alone")
    ((_, said, complaints),) = jobs.run("alone", folder)
    assert said, complaints
    return folder


@pytest.mark.parametrize(("kind", "count"), kinds)
def test_a_job_writes_one_run_with_the_maps_of_one_process_alone_and_changes_no_weight(tmp_path, alone, kind, count):
    found = jobs.run(kind, tmp_path / "with", count=count)
    assert [said and said["failures"] for _, said, _ in found] == [0] * count, found
    jobs.assert_is_one_run(tmp_path / "with")
    jobs.assert_same_maps(tmp_path / "with", alone)
    without = jobs.run(kind, tmp_path / "without", "without", count)
    assert [said["weights"] for _, said, _ in found] == [said["weights"] for _, said, _ in without]
    assert not (tmp_path / "without").exists()


two = [each for each in kinds if each.values[1] == 2]


@pytest.mark.parametrize(("kind", "count"), two)
@pytest.mark.parametrize("case", ["late", "fails"])
def test_a_process_that_is_late_or_fails_stops_no_other(tmp_path, kind, count, case):
    found = jobs.run(kind, tmp_path, case, count)
    assert [status for status, *_ in found] == [0, 0], found
    assert [said["failures"] for _, said, _ in found] == [1 if case == "fails" else 0, 0]


@pytest.mark.parametrize(("kind", "count"), [each for each in two if "model" not in each.values[0]])
def test_where_the_weights_are_whole_the_callback_may_be_in_the_first_process_alone(tmp_path, kind, count):
    found = jobs.run(kind, tmp_path, "only the first has one", count)
    assert [status for status, *_ in found] == [0, 0], found
    jobs.assert_is_one_run(tmp_path)


@pytest.mark.backends("jax")
def test_where_the_weights_are_in_parts_a_callback_in_one_process_alone_is_refused_before_training(tmp_path):
    (status, said, complaints), _ = jobs.run("jax-processes-model", tmp_path, "only the first has one", 2)
    assert status != 0
    assert said is None
    assert "Where each process has a part of the weights, each must have the same callbacks" in complaints
