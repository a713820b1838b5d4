"""Many more clients than the queue holds: is every request answered, and how fast is `/health` all the while?

The clients do not wait when they are put off: they come again at once, which is the worst they can do.
`/health` is asked for by another process every 20 ms, each time over a new connection; its seconds count from
the moment the question was due, so they hold what a busy machine keeps that process itself waiting.
"""

from __future__ import annotations

import sys
from collections import Counter
from statistics import median
from typing import TYPE_CHECKING, Any

from benchmarks import report
from benchmarks.server.figures import megabytes, milliseconds, percentile, table, verdict
from benchmarks.server.flags import add_size, add_way, add_weights
from benchmarks.server.home import furnished
from benchmarks.server.photos import shots
from benchmarks.server.programs import drive, health
from benchmarks.server.resident import resident, watched
from benchmarks.server.visits import SILENT
from benchmarks.server.ways import WAYS
from rembolt.errors import RemboltError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.server.visits import Shot, Visit
    from benchmarks.server.ways import Way
    from rembolt.bench.weights import Home

MOST_SECONDS = 0.1
"""That `/health` may take: what was promised."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, and return the exit code."""
    parser = report.flags(__doc__, rounds=None)
    parser.prog = "python -m benchmarks.server overload"
    add_weights(parser)
    add_size(parser)
    add_way(parser)
    parser.add_argument("--clients", type=report.positive, default=64, metavar="N", help="default 64")
    parser.add_argument("--queue", type=int, default=8, metavar="N", help="requests that may wait, default 8")
    parser.add_argument(
        "--requests",
        type=report.positive,
        default=10,
        metavar="N",
        help="of each client, at least; default 10",
    )
    parser.add_argument("--seconds", type=float, default=30.0, help="that it takes at least; default 30")
    asked = parser.parse_args(arguments)
    report.introduce()
    way = WAYS[asked.way]
    try:
        with furnished(asked.u2netp, [way.model]) as home:
            photos = shots(home.folder, [asked.size])
            counts = (asked.clients, asked.requests, asked.seconds)
            results = measure(way, home, photos, asked.queue, *counts)
            _print(f"{asked.size[0]}x{asked.size[1]}, rembolt {home.label(way.model)}", results, asked)
    except (RemboltError, FileNotFoundError) as error:
        parser.error(str(error))
    report.write(
        asked.json,
        {
            "size": list(asked.size),
            "model": way.model,
            "clients": asked.clients,
            "queue": asked.queue,
            "random_weights": sorted(home.random),
            **results,
        },
    )
    return 0


def measure(
    way: Way, home: Home, photos: list[Shot], queue: int, clients: int, requests: int, seconds: float
) -> dict[str, Any]:
    """Start a server and ask too much of it.

    Returns:
        `outcomes`, see `outcomes`; `seconds`; `images_per_second`; `start_bytes` and `peak_bytes` of memory;
        `slowest`, the longest request in seconds; `health`, the seconds of each answer, null where none came.

    Raises:
        ChildFailedError: the server does not start, or an image is not what it should be.
    """
    with way.serve(home, "--queue", str(queue)) as server:
        pid = server.process.pid
        before = resident(pid)
        order = way.order(server, photos, clients, clients * requests, seconds=seconds, again=True)
        with watched(pid) as peak, health(server.port) as asking:
            outcome = drive(order)
            answers = asking.finish()
    outcome.check()
    return {
        "outcomes": outcomes(outcome.visits),
        "seconds": outcome.seconds,
        "images_per_second": len(outcome.images) / outcome.seconds,
        "slowest": max(visit.seconds for visit in outcome.visits),
        "start_bytes": before,
        "peak_bytes": peak.bytes,
        "health": answers,
    }


def outcomes(visits: Sequence[Visit]) -> dict[str, int]:
    """How many requests came to what: each is one of `images`, `put off`, `other answers`, `lost`, `hang`."""
    counts = Counter({"images": 0, "put off": 0, "other answers": 0, "lost": 0, "hang": 0})
    for visit in visits:
        if visit.trouble:
            counts["hang" if visit.trouble == SILENT else "lost"] += 1
        elif visit.image:
            counts["images"] += 1
        else:
            counts["put off" if visit.put_off else "other answers"] += 1
    return dict(counts)


def _print(title: str, results: dict[str, Any], asked: Any) -> None:
    counts = results["outcomes"]
    table(
        f"{title}: {asked.clients} clients, a queue of {asked.queue}, {results['seconds']:.1f} seconds",
        (
            "requests",
            "images",
            "503 with Retry-After",
            "other answers",
            "lost",
            "hang",
            "images/s",
            "slowest s",
        ),
        [
            (
                str(sum(counts.values())),
                *map(str, counts.values()),
                f"{results['images_per_second']:.2f}",
                f"{results['slowest']:.1f}",
            )
        ],
    )
    memory = (megabytes(results["start_bytes"]), megabytes(results["peak_bytes"]))
    table("Memory, MB", ("at the start", "at its peak"), [memory])
    answered = [seconds for seconds in results["health"] if seconds is not None]
    missing = len(results["health"]) - len(answered)
    if answered:
        middle, high, most = median(answered), percentile(answered, 99), max(answered)
        row = (str(len(results["health"])), str(missing), *map(milliseconds, (middle, high, most)))
        table("/health every 20 ms", ("asked", "not answered", "median ms", "p99 ms", "longest ms"), [row])
    astray = counts["other answers"] + counts["lost"] + counts["hang"]
    quick = not missing and bool(answered) and max(answered) < MOST_SECONDS
    longest = f"{milliseconds(max(answered))} ms" if answered else "none"
    table(
        "Targets",
        ("what", "measured", "target", "met"),
        [
            ("requests without an image or a 503 with Retry-After", str(astray), "0", verdict(not astray)),
            ("longest answer of /health", longest, f"< {milliseconds(MOST_SECONDS)} ms", verdict(quick)),
        ],
    )


if __name__ == "__main__":
    sys.exit(main())
