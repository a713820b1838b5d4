"""Fair timing: the candidates take turns, so that what disturbs the machine disturbs them all."""

from __future__ import annotations

import time
from statistics import median, quantiles
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

Result = TypeVar("Result")


def alternate(
    candidates: Mapping[str, Callable[[], Result]], rounds: int, *, warm_ups: int = 1
) -> dict[str, list[Result]]:
    """Call every candidate once a round and collect what each round gave.

    Args:
        candidates: what to call, by name.
        rounds: how many rounds count.
        warm_ups: rounds before them that do not (file cache, compiled code, first-time buffers).

    Returns:
        For each name its results, in the order of the rounds.
    """
    for _ in range(warm_ups):
        for call in candidates.values():
            call()
    results: dict[str, list[Result]] = {name: [] for name in candidates}
    for _ in range(rounds):
        for name, call in candidates.items():
            results[name].append(call())
    return results


def seconds(call: Callable[[], object]) -> float:
    """Wall time of one call."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def quartiles(values: Sequence[float]) -> tuple[float, float]:
    """The lower and upper quartile: half of the values lie between them."""
    if len(values) < 2:
        return values[0], values[0]
    lower, _, upper = quantiles(values, n=4, method="inclusive")
    return lower, upper


def spread(values: Sequence[float], digits: int = 0) -> str:
    """The median and the quartiles, for a table; a single value stands alone."""
    if len(values) == 1:
        return f"{values[0]:.{digits}f}"
    lower, upper = quartiles(values)
    return f"{median(values):.{digits}f} ({lower:.{digits}f}-{upper:.{digits}f})"


def ratios(above: Sequence[float], below: Sequence[float]) -> list[float]:
    """The ratio of each round: both were measured in the same weather."""
    return [one / other for one, other in zip(above, below, strict=True)]
