"""Cold processes: import, --help and one photo from the command line, rembolt beside rembg.

Targets: `import rembolt` costs less than 100 ms beyond `import numpy`, `rembolt --help` less than 150 ms, and
one cold `rembolt remove` of a 1920x1080 JPEG is at least 8 times as fast as `rembg i -m u2netp` with at most
a third of its peak memory.
"""

from __future__ import annotations

import sys
import tempfile
from dataclasses import asdict
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from benchmarks import report, u2netp
from benchmarks.photos import photo
from rembolt.bench.alternate import alternate, ratios, spread
from rembolt.bench.candidates import Candidate
from rembolt.bench.children import Usage, can_measure, measure, script
from rembolt.bench.photos import jpeg
from rembolt.bench.start import command, rembolt
from rembolt.bench.weights import furnish

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST_IMPORT_MS = 100
MOST_HELP_MS = 150
LEAST_SPEED = 8
MOST_MEMORY = 1 / 3

U2NETP = "u2netp"

NUMPY = "import numpy"
REMBOLT = "import rembolt"
REMBOLT_USED = "from rembolt import remove"
REMBOLT_HELP = "rembolt --help"
BOLT = "rembolt remove"
SAME_WEIGHTS = "rembolt remove -m u2netp"
REMBG = "rembg i -m u2netp"

Measured = dict[str, list[Usage]]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, and return the exit code."""
    parser = report.flags(__doc__, rounds=9)
    parser.add_argument(
        "--photo", type=Path, help="a photo to cut out instead of the 1920x1080 one made here"
    )
    parser.add_argument(
        "--u2netp", type=Path, metavar="FILE", help="weights of u2netp (default: the store's)"
    )
    asked = parser.parse_args(arguments)
    if not can_measure():
        report.note("This system does not tell what a child process used; run this on Linux or macOS.")
        return 2
    weights = u2netp.find(asked.u2netp)
    report.introduce()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "photo.jpg").write_bytes(
            asked.photo.read_bytes() if asked.photo else jpeg(photo(1920, 1080))
        )
        commands = _commands(with_u2netp=weights is not None)
        home = furnish(folder, [U2NETP] if weights else [], {U2NETP: weights} if weights else None)
        variables = home.environment
        runs = {what: partial(measure, command, folder, variables) for what, command in commands.items()}
        usages = alternate(runs, asked.rounds)
    report.table(
        f"One process each, alternating, {asked.rounds} rounds: median (quartiles)",
        ("command", "wall ms", "CPU ms", "peak MB"),
        [_row(what, usage) for what, usage in usages.items()],
    )
    report.table(
        f"Targets; photos beside {REMBG}",
        ("what", "measured", "target", "met"),
        [*_start_targets(usages), *_cold_targets(usages)],
    )
    if weights is None:
        report.note(u2netp.MISSING)
    if find_spec("rembg") is None or script("rembg") is None:
        report.note('rembg or its command is not installed (pip install "rembg[cpu,cli]"): it is skipped.')
    report.write(
        asked.json,
        {
            "rounds": asked.rounds,
            "usages": {what: [asdict(one) for one in all_] for what, all_ in usages.items()},
        },
    )
    return 0


def _commands(*, with_u2netp: bool) -> dict[str, list[str]]:
    """What is run, by the name it has in the table."""
    rembg = script("rembg") if find_spec("rembg") else None
    commands = {
        "python": _python("pass"),
        NUMPY: _python(NUMPY),
        REMBOLT: _python(REMBOLT),
        REMBOLT_USED: _python(REMBOLT_USED),
        REMBOLT_HELP: [*rembolt(), "--help"],
    }
    photos = {BOLT: Candidate(BOLT, "rembolt", "bolt")}
    if with_u2netp:
        photos[SAME_WEIGHTS] = Candidate(SAME_WEIGHTS, "rembolt", U2NETP)
    if rembg:
        commands["import rembg"] = _python("import rembg")
        commands["rembg --help"] = [*rembg, "--help"]
    if rembg and with_u2netp:
        photos[REMBG] = Candidate(REMBG, "rembg", U2NETP)
    for index, (what, candidate) in enumerate(photos.items()):
        line = command(candidate, "photo.jpg", f"{index}.png")
        if line:
            commands[what] = line
    return commands


def _python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def _row(what: str, usages: list[Usage]) -> tuple[str, ...]:
    return (
        what,
        spread([usage.wall * 1000 for usage in usages]),
        spread([usage.cpu * 1000 for usage in usages]),
        spread([usage.peak / 1e6 for usage in usages]),
    )


def _start_targets(usages: Measured) -> list[tuple[str, str, str, str]]:
    numpy = median(usage.wall for usage in usages[NUMPY])
    rows = []
    for what in (REMBOLT, REMBOLT_USED):
        extra = (median(usage.wall for usage in usages[what]) - numpy) * 1000
        row = (f"{what}, beyond numpy", f"{extra:+.0f} ms", f"< {MOST_IMPORT_MS} ms")
        rows.append((*row, _verdict(extra < MOST_IMPORT_MS)))
    help_ms = median(usage.wall for usage in usages[REMBOLT_HELP]) * 1000
    rows.append((REMBOLT_HELP, f"{help_ms:.0f} ms", f"< {MOST_HELP_MS} ms", _verdict(help_ms < MOST_HELP_MS)))
    return rows


def _cold_targets(usages: Measured) -> list[tuple[str, str, str, str]]:
    """The targets that compare with rembg; those with the same weights are told, but were never promised."""
    if REMBG not in usages:
        return []
    rembg = usages[REMBG]
    rows = []
    for what in (BOLT, SAME_WEIGHTS):
        faster = ratios([usage.wall for usage in rembg], [usage.wall for usage in usages[what]])
        memory = ratios([usage.peak for usage in usages[what]], [usage.peak for usage in rembg])
        promised = what == BOLT
        fast_enough, small_enough = median(faster) >= LEAST_SPEED, median(memory) <= MOST_MEMORY
        rows += [
            (
                f"{what}, times as fast",
                spread(faster, 2),
                f">= {LEAST_SPEED}" if promised else "",
                _verdict(fast_enough) if promised else "",
            ),
            (
                f"{what}, times the peak",
                spread(memory, 2),
                f"<= {MOST_MEMORY:.2f}" if promised else "",
                _verdict(small_enough) if promised else "",
            ),
        ]
    return rows


def _verdict(met: bool) -> str:
    return "yes" if met else "no"


if __name__ == "__main__":
    sys.exit(main())
