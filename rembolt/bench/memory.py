"""The most memory that one job takes, each in a fresh process."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from functools import partial
from statistics import median
from typing import TYPE_CHECKING, Any

from rembolt.bench.alternate import alternate, ratios, spread
from rembolt.bench.candidates import REMBG, baseline
from rembolt.bench.children import measure as measure_child
from rembolt.bench.photos import jpeg, photo
from rembolt.bench.tables import table
from rembolt.bench.warm import WORKER

if TYPE_CHECKING:
    from pathlib import Path

    from rembolt.bench.candidates import Candidate
    from rembolt.bench.plan import Plan

IMPORTS = {"rembolt": "from rembolt import remove", REMBG: "import rembg"}
SMALLEST = 64
"""Side of the photo, in pixels, after which a process has its session, and hardly a photo, in memory."""


def measure(plan: Plan) -> dict[str, Any]:
    """Measure.

    Returns:
        The `Usage` of each round: in `imports` by side, in `base` (a session and a tiny photo) by candidate,
        in `photos` by photo and candidate.

    Raises:
        ChildFailedError: a candidate fails.
    """
    candidates = plan.candidates
    tiny = plan.folder / "tiny.jpg"
    tiny.write_bytes(jpeg(photo(SMALLEST, SMALLEST)))
    sides = dict.fromkeys(one.side for one in candidates)
    return {
        "imports": _usages(plan, {side: [sys.executable, "-c", IMPORTS[side]] for side in sides}),
        "base": _usages(plan, {one.name: _once(one, tiny) for one in candidates}),
        "photos": {
            each.label: _usages(plan, {one.name: _once(one, each.path) for one in candidates})
            for each in plan.photos
        },
    }


def _once(candidate: Candidate, path: Path) -> list[str]:
    return [*WORKER, json.dumps({**candidate.order(), "photo": str(path)})]


def _usages(plan: Plan, commands: dict[str, list[str]]) -> dict[str, Any]:
    runs = {
        name: partial(measure_child, command, plan.folder, plan.home.environment)
        for name, command in commands.items()
    }
    usages = alternate(runs, plan.rounds("memory"), warm_ups=0)
    return {name: [asdict(one) for one in all_] for name, all_ in usages.items()}


def show(plan: Plan, results: dict[str, Any]) -> None:
    """Print a table of the imports and one for each photo."""
    table(
        "The most memory, a process with its imports alone",
        ("", "MB"),
        [(side, spread(_megabytes(usages))) for side, usages in results["imports"].items()],
    )
    candidates = plan.candidates
    columns = [
        "MB",
        "MB beyond its session",
        "times the RGB size",
        *(["times rembg's"] if plan.against else []),
    ]
    for each in plan.photos:
        usages = results["photos"][each.label]
        rows = []
        for one in candidates:
            peaks = _megabytes(usages[one.name])
            beyond = max(0.0, median(peaks) - median(_megabytes(results["base"][one.name])))
            row = [
                one.name.replace(one.model, plan.home.label(one.model)),
                spread(peaks),
                f"{beyond:.0f}",
                f"{beyond * 1e6 / each.rgb_bytes:.1f}",
            ]
            other = baseline(candidates, one)
            rows.append(
                [*row, *([spread(ratios(peaks, _megabytes(usages[other.name])), 2)] if other else [])]
            )
        size = f"{each.label} ({each.rgb_bytes / 1e6:.0f} MB as RGB)"
        title = f"{size}: the most memory of one job in a fresh process"
        table(title, ("", *columns), rows)


def _megabytes(usages: list[dict[str, Any]]) -> list[float]:
    return [usage["peak"] / 1e6 for usage in usages]
