import pytest

from keras_see.schedule import Schedule


@pytest.mark.parametrize("every", range(1, 8))
def test_every_so_many_epochs_and_the_last_are_due(every):
    schedule = Schedule.checked(every, None)
    assert [epoch for epoch in range(20) if schedule.is_due(epoch, 19)] == sorted({*range(0, 20, every), 19})


def test_given_epochs_are_due_and_no_others():
    schedule = Schedule.checked(1, {3, 5})
    assert [epoch for epoch in range(20) if schedule.is_due(epoch, 19)] == [3, 5]
