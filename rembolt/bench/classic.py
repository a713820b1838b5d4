"""The classic table: u2net with alpha matting is 1, and what one gains by giving it up."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from rembolt.bench.alternate import alternate, ratios, spread
from rembolt.bench.candidates import REMBG, REMBOLT, Candidate
from rembolt.bench.tables import note, table
from rembolt.bench.warm import opened

if TYPE_CHECKING:
    from rembolt.bench.plan import Plan

MODELS = ("u2net", "u2netp", "silueta", "bolt")
"""The networks of the table."""

SMALLER = 1024
"""The longest side that the network and the refinement work at, in pixels, where the table says so."""


def line_up(against: str | None, device: str | None = None) -> list[Candidate]:
    """The rows; the first one is 1.

    Args:
        against: `rembg`, or None: then rembolt's exact way stands in for it.
        device: a device beside the CPU, or None.
    """
    cpu, matting = {"device": "cpu"}, {"alpha_matting": True}
    smaller = {**cpu, "max_size": SMALLER}
    first = (
        Candidate("rembg u2net, alpha matting", REMBG, "u2net", {**cpu, **matting})
        if against
        else Candidate(
            "rembolt u2net --exact, alpha matting", REMBOLT, "u2net", {**cpu, **matting, "exact": True}
        )
    )
    rows = [
        first,
        Candidate("rembolt u2net, alpha matting", REMBOLT, "u2net", {**cpu, **matting}),
        Candidate("rembolt u2netp", REMBOLT, "u2netp", cpu),
        Candidate(f"rembolt u2netp, max size {SMALLER}", REMBOLT, "u2netp", smaller),
        Candidate(f"rembolt silueta, max size {SMALLER}", REMBOLT, "silueta", smaller),
    ]
    if device:
        rows.append(Candidate(f"rembolt u2netp, {device}", REMBOLT, "u2netp", {"device": device}))
    return [*rows, Candidate("rembolt bolt", REMBOLT, "bolt", cpu)]


def other_device() -> str | None:
    """The best device beside the CPU that the installed runtime was built for, or None."""
    from rembolt.engine.device import AUTO_ORDER, available

    return next((name for name in AUTO_ORDER if name in available() and name != "cpu"), None)


def measure(plan: Plan) -> dict[str, Any]:
    """Measure with the first photo.

    Returns:
        `photo`, its label, in `rows` the seconds of each round, and in `refused` why a row is missing.

    Raises:
        ChildFailedError: a candidate fails with the photo.
    """
    photo = plan.photos[0]
    with opened(line_up(plan.against, other_device()), plan.home) as sessions:
        runs = {name: partial(run, photo.path) for name, run in sessions.runs.items()}
        jobs = alternate(runs, plan.rounds("classic"))
    rows = {name: [job.total for job in all_] for name, all_ in jobs.items()}
    return {"photo": photo.label, "rows": rows, "devices": sessions.devices, "refused": sessions.refused}


def show(plan: Plan, results: dict[str, Any]) -> None:
    """Print the table, and why a row is missing."""
    rows = results["rows"]
    device = next((name for name in results["devices"].values() if name != "cpu"), None)
    candidates = [one for one in line_up(plan.against, device) if one.name in rows]
    first = line_up(plan.against)[0].name
    table(
        f"{results['photo']}, session warm, {plan.rounds_in_words('classic')}",
        ("the classic table", "ms", *(["speed"] if first in rows else [])),
        [
            [
                one.name.replace(one.model, plan.home.label(one.model)),
                spread([value * 1000 for value in rows[one.name]], 1),
                *([spread(ratios(rows[first], rows[one.name]), 2)] if first in rows else []),
            ]
            for one in candidates
        ],
    )
    for reason in results["refused"].values():
        note(f"left out: {reason}")
    if device is None and not results["refused"]:
        note("no GPU row: the installed runtime drives no device here beside the CPU.")
