"""Candidates that take turns until the time is up, and whether one of them is really faster."""

from __future__ import annotations

import time
from statistics import median
from typing import TYPE_CHECKING

from rembolt.bench.alternate import alternate, quartiles, ratios

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

LEAST = 3
MOST = 100
"""Rounds that count."""

HOPELESS = 2.0
"""Times as long as the fastest: who takes that in its better one of two rounds is left out of the others."""

GAIN = 1.03
"""Times as fast as the default a candidate must be to take its place: more than a quiet machine's noise."""


def measured(
    candidates: Mapping[str, Callable[[], float]], seconds: float, show: Callable[[], None]
) -> dict[str, list[float]]:
    """Call every candidate once a round, for about `seconds`.

    Args:
        candidates: each gives its own time; the first, which is the default, is never left out.
        seconds: for all of it; at least `LEAST` rounds are made, however long they take.
        show: called after each round.

    Returns:
        For each name its times: one for each round, two where it was left out.
    """
    end = time.monotonic() + seconds
    results = alternate(candidates, 2)
    fastest = min(map(min, results.values()))
    default = next(iter(candidates))
    kept = {
        name: call
        for name, call in candidates.items()
        if name == default or min(results[name]) < HOPELESS * fastest
    }
    for done in range(2, MOST):
        show()
        if len(kept) == 1 or (done >= LEAST and time.monotonic() >= end):
            break
        for name, times in alternate(kept, 1, warm_ups=0).items():
            results[name] += times
    return results


def best_of(results: Mapping[str, Sequence[float]]) -> str:
    """The fastest, if it is faster than the first by more than the noise, else the first.

    The times of one round are compared with each other, as what disturbs the machine disturbs them all.
    """
    default = next(iter(results))
    gains = {
        name: ratios(results[default][: len(times)], times)
        for name, times in results.items()
        if name != default and len(times) >= LEAST
    }
    faster = {
        name: median(gain) for name, gain in gains.items() if median(gain) > GAIN and quartiles(gain)[0] > 1
    }
    return max(faster, key=lambda name: faster[name]) if faster else default
