"""Images a second, latency and memory with 1, 4 and 16 clients: rembolt in fp32, int8 and with bolt, rembg.

The servers take turns: in each round each is started anew, warmed up, and asked by 1, 4 and 16 clients one
after the other; the others do not run then. The form that is posted is the same for all. Each request brings
bytes of its own and rembolt keeps no results (`--cache 0`), so each answer is computed, which is checked.
"""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from benchmarks import report
from benchmarks.server.figures import in_rounds, megabytes, milliseconds, percentile, table, verdict
from benchmarks.server.flags import add_size, add_weights
from benchmarks.server.home import add_int8, furnished
from benchmarks.server.photos import shots
from benchmarks.server.programs import drive
from benchmarks.server.resident import watched
from benchmarks.server.servers import rembg_is_here
from benchmarks.server.ways import REMBG, REMBOLT_INT8, WAYS
from rembolt.bench.alternate import alternate, ratios, spread
from rembolt.errors import RemboltError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from benchmarks.server.visits import Shot
    from benchmarks.server.ways import Way
    from rembolt.bench.weights import Home

    Round = dict[str, dict[str, Any]]
    """By number of clients: `images_per_second`, `latencies` (seconds), `peak_bytes`."""

CLIENTS = (1, 4, 16)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, and return the exit code."""
    parser = report.flags(__doc__, rounds=3)
    parser.prog = "python -m benchmarks.server load"
    add_weights(parser)
    add_size(parser)
    parser.add_argument("--clients", type=report.positive, nargs="+", default=CLIENTS, metavar="N")
    parser.add_argument(
        "--requests", type=report.positive, default=8, metavar="N", help="of each client, at least; default 8"
    )
    parser.add_argument(
        "--seconds", type=float, default=5.0, help="that a measurement takes at least; default 5"
    )
    parser.add_argument("--ways", choices=WAYS, nargs="+", default=[*WAYS], help="who is measured")
    parser.add_argument(
        "--photos",
        type=Path,
        metavar="DIR",
        help="to calibrate int8 on where its weights are not there (default: made ones)",
    )
    asked = parser.parse_args(arguments)
    report.introduce()
    ways = {name: way for name, way in WAYS.items() if name in asked.ways}
    if REMBG in ways and not rembg_is_here():
        del ways[REMBG]
    if not ways:
        parser.error("nothing is left to measure; add one of ours to --ways.")
    try:
        with furnished(asked.u2netp, sorted({way.model for way in ways.values()})) as home:
            if REMBOLT_INT8 in ways:
                add_int8(home, asked.photos)
            photos = shots(home.folder, [asked.size])
            runs = {
                way: partial(measure, WAYS[way], home, photos, asked.clients, asked.requests, asked.seconds)
                for way in ways
            }
            rounds = alternate(runs, asked.rounds, warm_ups=0)
            labels = {name: way.name.replace(way.model, home.label(way.model)) for name, way in ways.items()}
            _print(rounds, labels, asked)
    except (RemboltError, FileNotFoundError) as error:
        parser.error(str(error))
    report.write(
        asked.json,
        {
            "rounds": asked.rounds,
            "size": list(asked.size),
            "clients": list(asked.clients),
            "requests_per_client": asked.requests,
            "least_seconds": asked.seconds,
            "random_weights": sorted(home.random),
            "ways": rounds,
        },
    )
    return 0


def measure(
    way: Way, home: Home, photos: list[Shot], crowds: Sequence[int], requests: int, seconds: float
) -> Round:
    """Start a server and have it asked by each number of clients.

    Args:
        way: the server.
        home: the weights.
        photos: to send.
        crowds: numbers of clients.
        requests: of each client, at least.
        seconds: that each number takes, at least.

    Raises:
        ChildFailedError: the server does not start, or an answer is not what it should be.
    """
    results = {}
    with way.serve(home) as server:
        for count in crowds:
            order = way.order(server, photos, count, count * requests, seconds=seconds, warm_ups=1)
            with watched(server.process.pid) as peak:
                outcome = drive(order)
            outcome.check_all_images()
            results[str(count)] = {
                "images_per_second": len(outcome.images) / outcome.seconds,
                "latencies": [visit.seconds for visit in outcome.visits],
                "peak_bytes": peak.bytes,
            }
    return results


def _print(rounds: Mapping[str, list[Round]], labels: Mapping[str, str], asked: Any) -> None:
    beside = REMBG in rounds
    speeds = {way: _figures(each, asked.clients, "images_per_second") for way, each in rounds.items()}
    rows = []
    for count in map(str, asked.clients):
        for way, each in rounds.items():
            latencies = _latencies(each, count)
            peak = median(one[count]["peak_bytes"] for one in each)
            rows.append(
                (
                    labels[way],
                    count,
                    spread(speeds[way][count], 2),
                    *([spread(ratios(speeds[way][count], speeds[REMBG][count]), 2)] if beside else []),
                    milliseconds(median(latencies)),
                    milliseconds(percentile(latencies, 99)),
                    megabytes(peak),
                )
            )
    width, height = asked.size
    table(
        f"{width}x{height} JPEG to PNG: images a second of {in_rounds(asked.rounds)}; latency of all; "
        "memory at its peak",
        ("", "clients", "images/s", *(["times rembg's"] if beside else []), "median ms", "p99 ms", "MB"),
        rows,
    )
    if beside:
        _print_targets(rounds, labels, str(max(asked.clients)), speeds)


def _print_targets(
    rounds: Mapping[str, list[Round]],
    labels: Mapping[str, str],
    most: str,
    speeds: Mapping[str, Mapping[str, list[float]]],
) -> None:
    theirs = median(_latencies(rounds[REMBG], most))
    rows = []
    for way, label in labels.items():
        if way == REMBG:
            continue
        faster = median(ratios(speeds[way][most], speeds[REMBG][most]))
        least = WAYS[way].speed
        rows.append(
            (f"{label}, times as many images", f"{faster:.2f}", f">= {least:g}", verdict(faster >= least))
        )
        slowest = percentile(_latencies(rounds[way], most), 99)
        bound = f"<= {milliseconds(theirs)} ms (rembg's median)"
        rows.append((f"{label}, p99", f"{milliseconds(slowest)} ms", bound, verdict(slowest <= theirs)))
    clients = "1 client" if most == "1" else f"{most} clients"
    table(f"Targets, {clients}", ("what", "measured", "target", "met"), rows)


def _figures(rounds: list[Round], crowds: Sequence[int], name: str) -> dict[str, list[float]]:
    return {str(count): [one[str(count)][name] for one in rounds] for count in crowds}


def _latencies(rounds: list[Round], count: str) -> list[float]:
    return [seconds for one in rounds for seconds in one[count]["latencies"]]


if __name__ == "__main__":
    sys.exit(main())
