"""Taking turns, medians and ratios."""

from __future__ import annotations

from functools import partial
from statistics import median

from hypothesis import given
from hypothesis import strategies as st

from rembolt.bench.alternate import alternate, quartiles, ratios, spread


def test_candidates_take_turns_and_warm_ups_do_not_count() -> None:
    calls: list[str] = []

    def call(name: str) -> int:
        calls.append(name)
        return len(calls)

    results = alternate({name: partial(call, name) for name in "ab"}, 3, warm_ups=2)
    assert calls == list("ab" * 5)
    assert results == {"a": [5, 7, 9], "b": [6, 8, 10]}


def test_ratios_are_those_of_each_round() -> None:
    assert ratios([2.0, 9.0], [1.0, 3.0]) == [2.0, 3.0]


@given(st.lists(st.floats(0.001, 1e6), min_size=1))
def test_the_median_lies_between_the_quartiles(values: list[float]) -> None:
    lower, upper = quartiles(values)
    assert min(values) <= lower <= median(values) * (1 + 1e-12)
    assert median(values) * (1 - 1e-12) <= upper <= max(values)


def test_a_single_value_has_no_spread() -> None:
    assert spread([1.25], 1) == "1.2"
    assert spread([1.0, 2.0, 3.0], 1) == "2.0 (1.5-2.5)"
