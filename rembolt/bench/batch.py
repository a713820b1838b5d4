"""Many photos in a row, from the shell: `rembolt batch` beside `rembg p`."""

from __future__ import annotations

import shutil
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Any

from rembolt.bench.alternate import alternate, ratios, spread
from rembolt.bench.candidates import REMBG, baseline
from rembolt.bench.children import ChildFailedError, Usage, script
from rembolt.bench.children import measure as measure_child
from rembolt.bench.photos import jpeg, photo
from rembolt.bench.start import rembolt
from rembolt.bench.tables import table

if TYPE_CHECKING:
    from pathlib import Path

    from rembolt.bench.candidates import Candidate
    from rembolt.bench.plan import Plan

DIFFERENT = 4
"""So many photos differ; the others repeat them."""


def measure(plan: Plan) -> dict[str, Any]:
    """Measure with photos of the size of the first.

    Returns:
        `size` and `photos`, their number, and in `commands`, by candidate, the `Usage` of each round.

    Raises:
        ChildFailedError: a command fails, or leaves a photo out.
    """
    source = plan.folder / "photos"
    _fill(source, plan)
    runs = {}
    for one in _line_up(plan):
        line = _command(one, source, plan.folder / "cutouts")
        if line is not None:
            runs[one.name] = partial(_run, line, plan)
    usages = alternate(runs, plan.rounds("batch"), warm_ups=0)
    shutil.rmtree(source)
    return {
        "size": plan.photos[0].label,
        "photos": plan.batch_photos,
        "commands": {name: [asdict(usage) for usage in all_] for name, all_ in usages.items()},
    }


def _line_up(plan: Plan) -> list[Candidate]:
    """Without the exact and the refined way, whose speed up here is that of the standard way."""
    return [one for one in plan.candidates if not {"exact", "refine"} & one.options.keys()]


def _fill(folder: Path, plan: Plan) -> None:
    folder.mkdir()
    first = plan.photos[0]
    different = [first.path.read_bytes()]
    if first.path.name == f"{first.label}.jpg":  # made here; the user's photo stays the only one
        seeds = range(1, min(DIFFERENT, plan.batch_photos))
        different += [jpeg(photo(first.width, first.height, seed)) for seed in seeds]
    for index in range(plan.batch_photos):
        (folder / f"{index:04}{first.path.suffix}").write_bytes(different[index % len(different)])


def _command(candidate: Candidate, source: Path, target: Path) -> list[str] | None:
    folders = [str(source), str(target)]
    if candidate.side == REMBG:
        rembg = script(REMBG)
        return [*rembg, "p", "-m", candidate.model, *folders] if rembg else None
    return [*rembolt(), "batch", "-q", *candidate.flags(), *folders]


def _run(line: list[str], plan: Plan) -> Usage:
    target = plan.folder / "cutouts"
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir()
    usage = measure_child(line, plan.folder, plan.home.environment)
    made = len(list(target.glob("*.png")))
    shutil.rmtree(target)
    if made != plan.batch_photos:
        raise ChildFailedError(f"{' '.join(line)[:200]} made {made} of {plan.batch_photos} cut-outs.")
    return usage


def show(plan: Plan, results: dict[str, Any]) -> None:
    """Print the table."""
    commands = results["commands"]
    walls = {name: [usage["wall"] for usage in all_] for name, all_ in commands.items()}
    candidates = [one for one in _line_up(plan) if one.name in commands]
    compared = any(one.side == REMBG for one in candidates)
    rows = []
    for one in candidates:
        row = [
            one.name.replace(one.model, plan.home.label(one.model)).replace(
                one.side, f"{one.side} {'p' if one.side == REMBG else 'batch'}", 1
            ),
            spread(walls[one.name], 2),
            spread([results["photos"] / wall for wall in walls[one.name]], 1),
            spread([usage["peak"] / 1e6 for usage in commands[one.name]]),
        ]
        other = baseline(candidates, one)
        rows.append([*row, *([spread(ratios(walls[other.name], walls[one.name]), 2)] if other else [])])
    table(
        f"{results['photos']} photos of {results['size']} from the shell, {plan.rounds_in_words('batch')}",
        ("", "s", "photos/s", "peak MB", *(["speed"] if compared else [])),
        rows,
    )
