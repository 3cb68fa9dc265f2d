"""Reading ahead and writing behind: the same order, errors where they belong, and no thread that stays."""

from collections.abc import Iterator
from contextlib import closing
from threading import Event, active_count, current_thread, main_thread

import pytest

from brushwork.media.overlap import ahead, behind


def numbers(end: int, made: list[int], fault: int | None = None) -> Iterator[int]:
    for number in range(end):
        if number == fault:
            raise ValueError(number)
        made.append(number)
        yield number


def test_items_come_in_order_one_ahead() -> None:
    made: list[int] = []
    taken: list[int] = []
    for number in ahead(numbers(20, made)):
        assert len(made) <= number + 2
        taken.append(number)
    assert taken == made == list(range(20))


def test_an_item_is_made_while_the_one_before_is_at_work() -> None:
    second = Event()

    def items() -> Iterator[int]:
        yield 1
        assert current_thread() is not main_thread()
        second.set()
        yield 2

    for number in ahead(items()):
        assert number == 2 or second.wait(10)


def test_errors_come_where_the_item_would() -> None:
    taken: list[int] = []
    with pytest.raises(ValueError, match="3"):
        for number in ahead(numbers(20, [], fault=3)):
            taken.append(number)
    assert taken == [0, 1, 2]


def test_whoever_stops_leaves_no_thread() -> None:
    before = active_count()
    with pytest.raises(KeyboardInterrupt), closing(ahead(numbers(20, []))) as items:
        for number in items:
            if number == 3:
                raise KeyboardInterrupt
    assert active_count() == before


def test_work_is_done_behind_in_order() -> None:
    done: list[int] = []
    go = Event()
    with behind() as later:
        later(go.wait, 10)
        assert not go.is_set()  # nobody waited for it
        go.set()
        for number in range(20):
            later(done.append, number)
    assert done == list(range(20))


def fail(number: int) -> None:
    raise ValueError(number)


def test_errors_behind_come_at_the_next_call_or_the_end() -> None:
    done: list[int] = []
    with pytest.raises(ValueError, match="1"), behind() as later:
        later(fail, 1)
        later(done.append, 2)
    with pytest.raises(ValueError, match="1"), behind() as later:
        later(fail, 1)
    assert done == []


def test_what_was_called_is_done_before_an_interruption_goes_on() -> None:
    done: list[int] = []
    with pytest.raises(KeyboardInterrupt), behind() as later:
        later(done.append, 1)
        raise KeyboardInterrupt
    assert done == [1]
