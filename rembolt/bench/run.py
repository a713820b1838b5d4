"""All parts of the benchmark, one after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rembolt.bench import batch, classic, jobs, limits, memory, start
from rembolt.bench.children import can_measure, script
from rembolt.bench.machine import describe
from rembolt.bench.plan import PARTS
from rembolt.bench.tables import introduce, note
from rembolt.errors import MissingExtraError, RemboltError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from rembolt.bench.plan import Plan

SHELL_PARTS = ("memory", "start", "batch")
"""They measure whole processes, which not every system allows."""


def check_rembg() -> None:
    """Find out, before anything is measured, that rembg is not there.

    Raises:
        MissingExtraError: it is not installed.
    """
    from importlib.util import find_spec

    if find_spec("rembg") is None:
        raise MissingExtraError(
            'rembg is not installed; install it with: pip install "rembg[cpu,cli]==2.0.86", '
            "or leave --against out."
        )


def run(
    plan: Plan, parts: Collection[str], tell: Callable[[str], None]
) -> tuple[dict[str, Any], dict[str, str]]:
    """Measure and print each part.

    Args:
        plan: what is asked for.
        parts: which of `PARTS`.
        tell: called with what is being done.

    Returns:
        The raw numbers and the machine, for JSON; and what went wrong, by part.
    """
    introduce()
    document: dict[str, Any] = {
        "machine": describe().as_dict(),
        "against": plan.against,
        "models": list(plan.models),
        "random_weights": sorted(plan.home.random),
        "rounds": {part: plan.rounds(part) for part in PARTS if part in parts},
    }
    failures: dict[str, str] = {}
    if plan.against and script("rembg") is None and {"start", "batch"} & set(parts):
        note(
            'rembg\'s command is not installed (pip install "rembg[cli]"): '
            "its rows from the shell are left out."
        )
    for part in PARTS:
        if part not in parts:
            continue
        if part in SHELL_PARTS and not can_measure():
            note(f"{part} is left out: this system does not tell what a child process used.")
            continue
        tell(f"measuring {part}")
        try:
            document[part] = _measure(part, plan, document)
        except RemboltError as error:
            failures[part] = str(error)
            note(f"{part} failed: {error}")
        else:
            _SHOW[part](plan, document[part])
    if footnote := plan.home.footnote():
        note(f"\n{footnote}")
    return document, failures


_MEASURE: dict[str, Callable[[Plan], dict[str, Any]]] = {
    "jobs": jobs.measure,
    "memory": memory.measure,
    "start": start.measure,
    "batch": batch.measure,
    "classic": classic.measure,
}

_SHOW: dict[str, Callable[[Plan, dict[str, Any]], None]] = {
    "jobs": jobs.show,
    "memory": memory.show,
    "start": start.show,
    "batch": batch.show,
    "classic": classic.show,
    "limits": limits.show,
}


def _measure(part: str, plan: Plan, document: dict[str, Any]) -> dict[str, Any]:
    if part == "limits":
        return limits.measure(plan, document.get("jobs") or jobs.measure(plan, "limits"))
    return _MEASURE[part](plan)
