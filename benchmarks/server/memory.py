"""Memory of a server while photos of many sizes go through it, and whether it grows; rembg beside it.

rembolt keeps no results here (`--cache 0`, unless told otherwise): what a cache holds is bounded, but it
would hide what does not come back.
"""

from __future__ import annotations

import argparse
import sys
from statistics import median
from typing import TYPE_CHECKING, Any

from benchmarks import report
from benchmarks.server.figures import megabytes, table, verdict
from benchmarks.server.flags import add_way, add_weights
from benchmarks.server.home import furnished
from benchmarks.server.photos import shots
from benchmarks.server.programs import drive
from benchmarks.server.resident import resident, watched
from benchmarks.server.servers import rembg_is_here
from benchmarks.server.ways import REMBG, WAYS
from rembolt.errors import RemboltError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.server.visits import Shot
    from benchmarks.server.ways import Way
    from rembolt.bench.weights import Home

SIZES = ((640, 480), (1920, 1080), (1080, 1350), (3000, 2000), (1280, 720), (3000, 4000))
SEEDS = 2
"""Photos of each size."""

LOOKS = 20
"""At the memory, at least, where there are so many requests."""

FLAT = 1.05
"""Times the memory of the second quarter that the last one may have."""

HALF = 0.5
"""Of rembg's memory: what was promised."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, and return the exit code."""
    parser = report.flags(__doc__, rounds=None)
    parser.prog = "python -m benchmarks.server memory"
    add_weights(parser)
    add_way(parser)
    parser.add_argument("--requests", type=_quarters, default=2000, metavar="N", help="to ours, default 2000")
    parser.add_argument(
        "--rembg-requests", type=_quarters, default=400, metavar="N", help="to rembg, default 400"
    )
    parser.add_argument(
        "--every", type=report.positive, default=100, metavar="N", help="requests between looks"
    )
    parser.add_argument("--clients", type=report.positive, default=4, metavar="N", help="default 4")
    parser.add_argument("--sizes", type=report.size, nargs="+", default=SIZES, metavar="WxH")
    parser.add_argument("--cache", type=int, default=0, metavar="BYTES", help="of results that ours keeps")
    parser.add_argument("--no-rembg", action="store_true", help="leave rembg out")
    asked = parser.parse_args(arguments)
    report.introduce()
    counts = {asked.way: asked.requests}
    if not asked.no_rembg and rembg_is_here():
        counts[REMBG] = asked.rembg_requests
    try:
        with furnished(asked.u2netp, sorted({WAYS[way].model for way in counts})) as home:
            photos = shots(home.folder, asked.sizes, SEEDS)
            results = {
                way: measure(WAYS[way], home, photos, asked.clients, count, asked.every, asked.cache)
                for way, count in counts.items()
            }
            _print(results, home, asked)
    except (RemboltError, FileNotFoundError) as error:
        parser.error(str(error))
    report.write(
        asked.json,
        {
            "sizes": [list(size) for size in asked.sizes],
            "clients": asked.clients,
            "cache_bytes": asked.cache,
            "random_weights": sorted(home.random),
            "ways": results,
        },
    )
    return 0


def measure(
    way: Way, home: Home, photos: list[Shot], clients: int, requests: int, every: int, cache: int
) -> dict[str, Any]:
    """Start a server, send it photos, and look at its memory every so often.

    Returns:
        `requests`, how many there were; `every` how many between looks; `bytes`, the looks; `start_bytes`
        before the first request; `peak_bytes`, the most in between.

    Raises:
        ChildFailedError: the server does not start, or an answer is not what it should be.
    """
    every = max(1, min(every, requests // LOOKS))
    looks: list[int] = []
    with way.serve(home, *(["--cache", str(cache)] if cache else [])) as server:
        pid = server.process.pid
        before = resident(pid)
        order = way.order(server, photos, clients, requests, tell=every)
        with watched(pid) as peak:
            outcome = drive(order, lambda _: looks.append(resident(pid)))
    outcome.check_all_images()
    return {
        "requests": len(outcome.visits),
        "every": every,
        "start_bytes": before,
        "bytes": looks,
        "peak_bytes": max(peak.bytes, *looks),
    }


def quarter(looks: Sequence[int], number: int) -> float:
    """The median of a quarter of the looks.

    Args:
        looks: at least 4.
        number: from 1.
    """
    return median(looks[(number - 1) * len(looks) // 4 : number * len(looks) // 4])


def _print(results: dict[str, Any], home: Home, asked: Any) -> None:
    rows = []
    for way, one in results.items():
        second, last = quarter(one["bytes"], 2), quarter(one["bytes"], 4)
        label = WAYS[way].name.replace(WAYS[way].model, home.label(WAYS[way].model))
        before, peak = megabytes(one["start_bytes"]), megabytes(one["peak_bytes"])
        rows.append(
            (
                label,
                str(one["requests"]),
                before,
                megabytes(second),
                megabytes(last),
                f"{last / second:.3f}",
                peak,
            )
        )
    sizes = ", ".join(f"{width}x{height}" for width, height in asked.sizes)
    table(
        f"Memory in MB, {asked.clients} clients, photos of {sizes}: medians of quarters of the requests",
        ("", "requests", "at the start", "2nd quarter", "4th quarter", "4th / 2nd", "peak"),
        rows,
    )
    ours = results[asked.way]
    second, last = quarter(ours["bytes"], 2), quarter(ours["bytes"], 4)
    targets = [("4th / 2nd quarter", f"{last / second:.3f}", f"<= {FLAT:g}", verdict(last <= FLAT * second))]
    if REMBG in results:
        ratio = last / quarter(results[REMBG]["bytes"], 4)
        targets.append(("4th quarter, times rembg's", f"{ratio:.2f}", f"<= {HALF:g}", verdict(ratio <= HALF)))
    table("Targets", ("what", "measured", "target", "met"), targets)


def _quarters(text: str) -> int:
    """Read a number of requests, for argparse: no fewer than there are quarters."""
    number = report.positive(text)
    if number < 4:
        raise argparse.ArgumentTypeError(f"{text} requests have no quarters; ask for 4 or more.")
    return number


if __name__ == "__main__":
    sys.exit(main())
