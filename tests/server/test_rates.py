"""How much a client may ask for in a minute."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rembolt.server import rates
from rembolt.server.errors import RateLimitedError
from rembolt.server.rates import Rates


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_without_a_limit_nothing_is_counted() -> None:
    assert Rates(None).spend("a", 1e9) is None


def test_a_bucket_is_emptied_and_fills_again() -> None:
    clock = Clock()
    limited = Rates(60, clock)
    assert limited.spend("a", 25) == (60, 35, 25)
    assert limited.spend("a", 25) == (60, 10, 50)
    assert limited.spend("a", 25) == (60, 0, 75)  # overdrawn by what is larger than the rest
    with pytest.raises(RateLimitedError) as refused:
        limited.spend("a", 1)
    assert refused.value.retry_after == 16
    clock.now = 15.9
    assert limited.spend("b", 1) == (60, 59, 1)  # another client has its own
    clock.now = 16
    assert limited.spend("a", 0.5) == (60, 0, 60)


def test_those_unseen_for_longest_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rates, "MOST_CLIENTS", 2)
    limited = Rates(10, Clock())
    for client in ("a", "b", "a", "c"):
        limited.spend(client, 3)
    assert limited.spend("a", 1) == (10, 3, 42)
    assert limited.spend("b", 1) == (10, 9, 6)


@given(st.lists(st.tuples(st.floats(0, 100), st.floats(0, 30)), max_size=40))
def test_nobody_gets_more_than_a_full_bucket_and_what_flows_in(asked: list[tuple[float, float]]) -> None:
    clock = Clock()
    limited = Rates(50, clock)
    spent, largest = 0.0, 0.0
    for megapixels, wait in asked:
        clock.now += wait
        try:
            limited.spend("a", megapixels)
        except RateLimitedError:
            continue
        else:
            spent += megapixels
            largest = max(largest, megapixels)
    assert spent <= 50 + clock.now * 50 / 60 + largest + 1e-6
