"""Who wins: only what is really faster, round by round."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rembolt.pipeline import Crew
from rembolt.tune.rounds import GAIN, LEAST, MOST, best_of, measured
from rembolt.tune.ways import crews, thread_counts


@pytest.mark.parametrize(
    ("results", "best"),
    [
        ({"default": [1.0] * 5}, "default"),
        ({"default": [1.0] * 5, "faster": [0.5] * 5}, "faster"),
        ({"default": [1.0] * 5, "faster": [0.5] * 5, "fastest": [0.4] * 5}, "fastest"),
        ({"default": [1.0] * 5, "within the noise": [0.98] * 5}, "default"),
        ({"default": [1.0] * 5, "slower": [2.0] * 5}, "default"),
        ({"default": [1.0] * 5, "now and then": [0.9, 1.1, 0.9, 1.1, 0.9]}, "default"),
        ({"default": [1.0] * 5, "left out early": [0.5] * 2}, "default"),
        # The machine slowed down in the middle; in each round the other was ahead all the same.
        ({"default": [1.0, 1.0, 3.0, 3.0], "faster": [0.8, 0.8, 2.4, 2.4]}, "faster"),
    ],
)
def test_the_best(results, best):
    assert best_of(results) == best


@given(
    st.lists(st.floats(0.001, 10), min_size=LEAST, max_size=20),
    st.floats(0.5, 2),
    st.integers(0, 2**32 - 1),
)
def test_a_winner_is_ahead_by_more_than_the_noise(default, factor, seed):
    noise = np.random.default_rng(seed).uniform(0.99, 1.01, len(default))
    other = [time * factor * one for time, one in zip(default, noise, strict=True)]
    won = best_of({"default": default, "other": other}) == "other"
    if factor > 1.02 / GAIN:
        assert not won
    if factor < 0.98 / GAIN:
        assert won


def counted(seconds: float):
    """A candidate that says how long it took, and keeps count of its calls."""
    calls = itertools.count(1)

    def call() -> float:
        call.calls = next(calls)
        return seconds

    return call


def test_everyone_has_a_turn_each_round():
    jobs = {"default": counted(1.0), "other": counted(1.1)}
    shown = []
    results = measured(jobs, 0, lambda: shown.append(1))
    assert {name: len(times) for name, times in results.items()} == {"default": LEAST, "other": LEAST}
    assert shown


def test_the_hopeless_are_left_out_but_never_the_default():
    jobs = {"default": counted(5.0), "best": counted(1.0), "hopeless": counted(9.0)}
    results = measured(jobs, 0, lambda: None)
    assert len(results["default"]) == len(results["best"]) == LEAST
    assert results["hopeless"] == [9.0, 9.0]


def test_a_lone_candidate_is_not_measured_for_long():
    alone = counted(1.0)
    measured({"default": alone}, 60, lambda: None)
    assert alone.calls <= LEAST


def test_the_rounds_are_bounded():
    jobs = {"default": counted(1.0), "other": counted(1.0)}
    assert len(measured(jobs, 5, lambda: None)["default"]) == MOST


@pytest.mark.parametrize(
    ("usable", "cores", "counts"),
    [
        (1, 1, [1]),
        (2, 2, [1, 2]),
        (6, None, [1, 2, 4, 6]),
        (16, 8, [1, 2, 4, 8, 16]),
        (12, 6, [1, 2, 4, 6, 8, 12]),
    ],
)
def test_numbers_of_threads(usable, cores, counts):
    assert thread_counts(usable, cores) == counts


@pytest.mark.parametrize("usable", range(1, 65))
def test_crews_begin_with_the_default_and_stay_few(usable):
    default = Crew(usable, 1)
    tried = crews(usable, default)
    assert tried[0] == default
    assert len(set(tried)) == len(tried) <= 10
    assert Crew(1, usable) in tried
    assert all(one.workers * one.threads <= usable + 1 for one in tried)
