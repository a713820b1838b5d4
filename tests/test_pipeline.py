"""Many jobs at a time: order, bounds, errors, the end."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rembolt import pipeline
from rembolt.errors import UnreadableImageError
from rembolt.pipeline import AHEAD, Crew, crew, each


@pytest.mark.parametrize("ordered", [True, False])
@given(count=st.integers(0, 40), workers=st.integers(1, 5))
def test_every_item_has_one_result(ordered: bool, count: int, workers: int) -> None:
    results = list(each(lambda item: item * 2, range(count), workers=workers, ordered=ordered))
    assert (results if ordered else sorted(results)) == [item * 2 for item in range(count)]


def test_results_come_in_order_however_long_each_takes() -> None:
    def job(item: int) -> int:
        time.sleep(0.02 * (item % 3 == 0))
        return item

    assert list(each(job, range(20), workers=4)) == list(range(20))


def test_results_as_they_come_do_not_wait_for_a_slow_one() -> None:
    go_on = threading.Event()
    results = each(
        lambda item: (go_on.wait() if item == 0 else None, item)[1], range(4), workers=2, ordered=False
    )
    assert [next(results), next(results), next(results)] == [1, 2, 3]
    go_on.set()
    assert list(results) == [0]


@pytest.mark.parametrize("ordered", [True, False])
def test_a_result_does_not_wait_for_the_next_item(ordered: bool) -> None:
    asked = threading.Event()

    def items() -> Iterator[int]:
        yield 1
        asked.wait()
        yield 2

    results = each(lambda item: item, items(), workers=2, ordered=ordered)
    assert next(results) == 1
    asked.set()
    assert list(results) == [2]


@pytest.mark.parametrize("ordered", [True, False])
def test_items_are_taken_only_so_far_ahead(ordered: bool) -> None:
    taken: list[int] = []

    def items() -> Iterator[int]:
        for number in itertools.count():
            taken.append(number)
            yield number

    results = each(lambda item: item, items(), workers=3, ordered=ordered)
    for _ in range(5):
        next(results)
    time.sleep(0.05)
    results.close()
    assert len(taken) <= 5 + AHEAD * 3


def test_no_more_workers_than_asked_for() -> None:
    lock, running, most = threading.Lock(), 0, 0

    def job(_: int) -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.005)
        with lock:
            running -= 1

    list(each(job, range(30), workers=3))
    assert most == 3


def test_one_bad_item_is_a_value() -> None:
    def job(item: int) -> int:
        if item == 2:
            raise UnreadableImageError("bad")
        return item

    results = list(each(job, range(5), workers=2))
    assert isinstance(results[2], UnreadableImageError)
    assert [result for result in results if isinstance(result, int)] == [0, 1, 3, 4]


@pytest.mark.parametrize("ordered", [True, False])
def test_a_mistake_in_the_program_is_raised(ordered: bool) -> None:
    def job(item: int) -> int:
        return 1 // (item - 3)

    with pytest.raises(ZeroDivisionError):
        list(each(job, itertools.count(), workers=2, ordered=ordered))


@pytest.mark.parametrize("ordered", [True, False])
def test_an_error_of_the_items_comes_after_the_results_before_it(ordered: bool) -> None:
    def items() -> Iterator[int]:
        yield from range(3)
        raise OSError("the list broke off")

    results = each(lambda item: item, items(), workers=2, ordered=ordered)
    assert sorted(itertools.islice(results, 3)) == [0, 1, 2]
    with pytest.raises(OSError, match="broke off"):
        next(results)


@pytest.mark.parametrize("ordered", [True, False])
def test_closing_early_finishes_what_has_begun(ordered: bool) -> None:
    begun, done = [], []

    def job(item: int) -> int:
        begun.append(item)
        time.sleep(0.01)
        done.append(item)
        return item

    results = each(job, itertools.count(), workers=2, ordered=ordered)
    next(results)
    results.close()
    assert sorted(begun) == sorted(done)
    count = len(begun)
    time.sleep(0.05)
    assert len(begun) == count


@pytest.mark.parametrize(
    ("cores", "workers", "threads", "expected"),
    [
        (2, None, None, Crew(2, 1)),
        (8, None, None, Crew(8, 1)),
        (8, 2, None, Crew(2, 4)),
        (8, None, 4, Crew(2, 4)),
        (2, None, 4, Crew(1, 4)),
        (2, 5, None, Crew(5, 1)),
        (1, None, None, Crew(1, 1)),
        (4, 3, 2, Crew(3, 2)),
    ],
)
def test_cores_are_shared_out(monkeypatch, cores, workers, threads, expected) -> None:
    monkeypatch.setattr(pipeline, "usable_cores", lambda: cores)
    assert crew(workers, threads) == expected


def test_threads_may_come_from_rembgs_variable(monkeypatch) -> None:
    monkeypatch.setattr(pipeline, "usable_cores", lambda: 16)
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    assert crew() == Crew(8, 2)
    assert crew(threads=4) == Crew(4, 4)
