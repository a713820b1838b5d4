"""What is made of the numbers: percentiles, and tables in Markdown."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from benchmarks import report

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

MEGABYTE = 1e6


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that so many percent of all are not above."""
    return sorted(values)[max(0, math.ceil(len(values) * percent / 100) - 1)]


def milliseconds(seconds: float) -> str:
    """For a table: three digits that count where there are fewer before the point."""
    value = seconds * 1000
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def megabytes(count: float) -> str:
    """For a table."""
    return f"{count / MEGABYTE:.0f}"


def in_rounds(count: int) -> str:
    """For the title of a table, with what its numbers are; see `rembolt.bench.alternate.spread`."""
    return "1 round" if count == 1 else f"{count} rounds, median (quartiles)"


def verdict(met: bool) -> str:
    """For a table."""
    return "yes" if met else "no"


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table in Markdown."""
    report.note(f"\n{title}\n")
    for row in (columns, ("---",) * len(columns), *rows):
        report.note(f"| {' | '.join(row)} |")
