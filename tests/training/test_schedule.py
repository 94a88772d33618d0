import pytest

from keras_see.training.schedule import Schedule


@pytest.mark.parametrize("every", range(1, 8))
def test_every_so_many_epochs_and_the_last_are_due(every):
    schedule = Schedule.checked(every, None, None, None)
    assert [epoch for epoch in range(20) if schedule.is_due(epoch, 19)] == sorted({*range(0, 20, every), 19})


def test_given_epochs_are_due_and_no_others():
    schedule = Schedule.checked(1, {3, 5}, None, None)
    assert [epoch for epoch in range(20) if schedule.is_due(epoch, 19)] == [3, 5]


@pytest.mark.parametrize("epochs", [3, 10, 11, 60, 100, 101, 500, 12345])
def test_auto_sees_all_of_the_first_ten_and_a_hundred_in_all_at_most(epochs):
    schedule = Schedule.checked("auto", None, None, None)
    due = [epoch for epoch in range(epochs) if schedule.is_due(epoch, epochs - 1)]
    assert due[:10] == list(range(min(epochs, 10)))
    assert len(due) <= 100
    assert due[-1] == epochs - 1


@pytest.mark.parametrize(("cost", "every"), [(0.01, 1), (0.05, 1), (0.051, 2), (0.2, 5), (0.5, 10), (99.0, 2000)])
def test_a_budget_picks_the_pace_at_which_looks_cost_less(cost, every):
    schedule = Schedule.checked(1, None, 0.05, None)
    assert schedule.within_budget(cost, epoch_time=1.0).pace == every
    assert cost <= 0.05 * every * 1.0


def test_a_budget_never_makes_looks_more_frequent():
    assert Schedule.checked(10, None, 0.05, None).within_budget(0.001, 1.0).pace == 1


def test_the_size_left_is_shared_among_the_epochs_left():
    schedule = Schedule.checked(1, None, None, 10)
    assert schedule.within_size(each=1_000_000, evaluations=1, epoch=0, last=8).pace == 1
    assert schedule.within_size(each=1_000_000, evaluations=1, epoch=0, last=40).pace == 5
    assert schedule.within_size(each=950_000, evaluations=10, epoch=0, last=40).pace > 40


def logged(schedule, epochs):
    return [epoch for epoch in range(epochs) if schedule.is_due(epoch, epochs - 1)]


def test_a_bound_never_makes_auto_log_more_often():
    auto = Schedule.checked("auto", None, 0.05, 60)
    slowed = auto.within_budget(0.08, 1.0)
    assert set(logged(slowed, 1000)) < set(logged(auto, 1000))
    assert auto.within_size(each=200_000, evaluations=10, epoch=9, last=999) == auto  # its hundred fit


def test_a_size_is_kept_where_the_number_of_epochs_is_not_known():
    schedule = Schedule.checked(1, None, None, 1)
    assert schedule.within_size(each=500_000, evaluations=1, epoch=0, last=-1).pace >= 1000
