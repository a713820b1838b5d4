"""One photo from the shell, everything cold: a fresh process for each."""

from __future__ import annotations

import sys
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Any

from rembolt.bench.alternate import alternate, ratios, spread
from rembolt.bench.candidates import REMBG, baseline
from rembolt.bench.children import measure as measure_child
from rembolt.bench.children import script
from rembolt.bench.tables import table

if TYPE_CHECKING:
    from rembolt.bench.candidates import Candidate
    from rembolt.bench.plan import Plan


def rembolt() -> list[str]:
    """The command `rembolt`, as installed, else through this Python."""
    return script("rembolt") or [sys.executable, "-m", "rembolt"]


def command(candidate: Candidate, photo: str, target: str) -> list[str] | None:
    """The command line that does a candidate's job; None when rembg's command is not installed."""
    if candidate.side == REMBG:
        rembg = script(REMBG)
        return [*rembg, "i", "-m", candidate.model, photo, target] if rembg else None
    return [*rembolt(), "remove", *candidate.flags(), photo, target]


def measure(plan: Plan) -> dict[str, Any]:
    """Measure with the first photo.

    Returns:
        `photo`, its label, and in `commands`, by candidate, the `Usage` of each round.

    Raises:
        ChildFailedError: a command fails.
    """
    photo = plan.photos[0]
    runs = {}
    for index, one in enumerate(plan.candidates):
        line = command(one, str(photo.path), f"start-{index}.png")
        if line is not None:
            runs[one.name] = partial(measure_child, line, plan.folder, plan.home.environment)
    usages = alternate(runs, plan.rounds("start"))
    commands = {name: [asdict(usage) for usage in all_] for name, all_ in usages.items()}
    return {"photo": photo.label, "commands": commands}


def show(plan: Plan, results: dict[str, Any]) -> None:
    """Print the table."""
    commands = results["commands"]
    walls = {name: [usage["wall"] for usage in all_] for name, all_ in commands.items()}
    candidates = [one for one in plan.candidates if one.name in commands]
    compared = any(one.side == REMBG for one in candidates)
    rows = []
    for one in candidates:
        usages = commands[one.name]
        row = [
            one.name.replace(one.model, plan.home.label(one.model)),
            spread([usage["wall"] * 1000 for usage in usages]),
            spread([usage["cpu"] * 1000 for usage in usages]),
            spread([usage["peak"] / 1e6 for usage in usages]),
        ]
        other = baseline(candidates, one)
        rows.append([*row, *([spread(ratios(walls[other.name], walls[one.name]), 2)] if other else [])])
    table(
        f"{results['photo']} from the shell, cold, {plan.rounds_in_words('start')}",
        ("", "wall ms", "CPU ms", "peak MB", *(["speed"] if compared else [])),
        rows,
    )
