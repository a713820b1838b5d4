"""The whole job in a warm process, encoded photo in and PNG out, and the stages of rembolt's."""

from __future__ import annotations

from functools import partial
from statistics import median
from typing import TYPE_CHECKING, Any

from rembolt.bench.alternate import alternate, ratios, spread
from rembolt.bench.candidates import baseline
from rembolt.bench.children import ChildFailedError
from rembolt.bench.tables import table
from rembolt.bench.warm import opened

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rembolt.bench.candidates import Candidate
    from rembolt.bench.plan import Plan
    from rembolt.bench.weights import Home


def measure(plan: Plan, part: str = "jobs") -> dict[str, Any]:
    """Measure.

    Args:
        plan: what is asked for.
        part: whose number of rounds counts.

    Returns:
        `devices` by candidate and, in `photos`, by photo and candidate, the `Job` of each round.

    Raises:
        ChildFailedError: a candidate fails.
    """
    candidates = plan.candidates
    photos: dict[str, dict[str, Any]] = {}
    with opened(candidates, plan.home) as sessions:
        for reason in sessions.refused.values():
            raise ChildFailedError(reason)
        for photo in plan.photos:
            runs = {name: partial(run, photo.path) for name, run in sessions.runs.items()}
            jobs = alternate(runs, plan.rounds(part))
            photos[photo.label] = {name: [job._asdict() for job in all_] for name, all_ in jobs.items()}
    return {"devices": sessions.devices, "photos": photos}


def show(plan: Plan, results: dict[str, Any]) -> None:
    """Print the tables of every photo."""
    candidates = plan.candidates
    for label, jobs in results["photos"].items():
        totals = {name: [job["total"] for job in all_] for name, all_ in jobs.items()}
        beside = f"; times as fast as {plan.against}" if plan.against else ""
        table(
            f"{label}, session warm, {plan.rounds_in_words('jobs')}{beside}",
            ("whole job", "ms", *(["speed", "beside"] if plan.against else [])),
            [_row(plan.home, candidates, one, totals) for one in candidates],
        )
        known = [one for one in candidates if jobs[one.name][0]["stages"]]
        stages = list(dict.fromkeys(stage for one in known for stage in jobs[one.name][0]["stages"]))
        stages = [stage for stage in stages if any(_median(jobs[one.name], stage) for one in known)]
        table(
            f"{label}: stages, median ms",
            ("", *stages),
            [(_label(plan.home, one), *(_cell(jobs[one.name], stage) for stage in stages)) for one in known],
        )


def _row(
    home: Home, candidates: Sequence[Candidate], one: Candidate, totals: dict[str, list[float]]
) -> tuple[str, ...]:
    cells = (_label(home, one), spread([value * 1000 for value in totals[one.name]], 1))
    other = baseline(candidates, one)
    if other is None:
        return cells
    return (*cells, spread(ratios(totals[other.name], totals[one.name]), 2), _label(home, other))


def _label(home: Home, candidate: Candidate) -> str:
    return candidate.name.replace(candidate.model, home.label(candidate.model))


def _cell(jobs: Sequence[dict[str, Any]], stage: str) -> str:
    value = _median(jobs, stage)
    return "" if value is None else f"{value * 1000:.1f}"


def _median(jobs: Sequence[dict[str, Any]], stage: str) -> float | None:
    values = [job["stages"][stage] for job in jobs if stage in job["stages"]]
    return median(values) if values else None
