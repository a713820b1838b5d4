"""Stopping under load: SIGTERM, after which what was accepted must be answered; SIGKILL of a process of two.

SIGTERM is measured with clients that keep their connections and with clients that make one for each request.
For SIGKILL it is noted which process has which connection, so that each request that failed can be laid at a
process's door.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from benchmarks import report
from benchmarks.server import kill, terminate
from benchmarks.server.figures import table, verdict
from benchmarks.server.flags import add_size, add_way, add_weights
from benchmarks.server.home import furnished
from benchmarks.server.photos import shots
from benchmarks.server.ways import WAYS
from rembolt.errors import RemboltError

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST_SECONDS = 20
"""That stopping may take: what was promised."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, and return the exit code."""
    parser = report.flags(__doc__, rounds=5)
    parser.prog = "python -m benchmarks.server stop"
    add_weights(parser)
    add_size(parser)
    add_way(parser)
    parser.add_argument("--clients", type=report.positive, default=8, metavar="N", help="default 8")
    parser.add_argument(
        "--seconds", type=float, default=3.0, help="of load before the signal, and after SIGKILL; default 3"
    )
    asked = parser.parse_args(arguments)
    report.introduce()
    way = WAYS[asked.way]
    try:
        with furnished(asked.u2netp, [way.model]) as home:
            photos = shots(home.folder, [asked.size])
            counts = (asked.clients, asked.seconds)
            terminated = {
                name: [terminate.measure(way, home, photos, *counts, kept=kept) for _ in range(asked.rounds)]
                for name, kept in (("kept", True), ("one a request", False))
            }
            killed = [kill.measure(way, home, photos, *counts) for _ in range(asked.rounds)]
            title = (
                f"{asked.size[0]}x{asked.size[1]}, rembolt {home.label(way.model)}, {asked.clients} clients"
            )
            _print_terminated(title, terminated)
            _print_killed(title, killed)
    except (RemboltError, FileNotFoundError) as error:
        parser.error(str(error))
    report.write(
        asked.json,
        {
            "rounds": asked.rounds,
            "size": list(asked.size),
            "model": way.model,
            "clients": asked.clients,
            "random_weights": sorted(home.random),
            "terminated": terminated,
            "killed": killed,
        },
    )
    return 0


def _print_terminated(title: str, results: dict[str, list[dict[str, Any]]]) -> None:
    columns = ("in work", "failed", "half sent", "failed", "later, answered", "refused", "broken")
    rows = [
        (
            connections,
            str(number),
            *(str(one[name]) for name in terminate.COUNTS),
            f"{one['seconds_to_exit']:.2f}",
            str(one["exit_code"]),
        )
        for connections, each in results.items()
        for number, one in enumerate(each, 1)
    ]
    table(
        f"{title}: SIGTERM under load; requests sent whole before it (in work), half sent, and begun later",
        ("connections", "round", *columns, "seconds to exit", "exit code"),
        rows,
    )
    every = [one for each in results.values() for one in each]
    failed = sum(one["accepted_failed"] for one in every)
    slowest = max(one["seconds_to_exit"] for one in every)
    table(
        "Targets",
        ("what", "measured", "target", "met"),
        [
            ("accepted requests that failed", str(failed), "0", verdict(not failed)),
            ("seconds to exit", f"{slowest:.2f}", f"< {MOST_SECONDS}", verdict(slowest < MOST_SECONDS)),
        ],
    )


def _print_killed(title: str, results: list[dict[str, Any]]) -> None:
    rows = [
        (
            str(number),
            str(one["connections_of_killed"]),
            str(one["failed_at_killed"]),
            str(one["failed_elsewhere"]),
            str(one["answered_after"]),
            *(f"{one[name]:.2f}" for name in ("seconds_to_answer", "seconds_to_process", "seconds_to_ready")),
        )
        for number, one in enumerate(results, 1)
    ]
    table(
        f"{title}: SIGKILL of one of {kill.PROCESSES} processes under load",
        (
            "round",
            "connections of the killed",
            "of these failed",
            "failed elsewhere",
            "answered later",
            "s to the next answer",
            "s to a new process",
            "s until it is ready",
        ),
        rows,
    )
    elsewhere = sum(one["failed_elsewhere"] for one in results)
    target = ("requests of other processes that failed", str(elsewhere), "0", verdict(not elsewhere))
    table("Targets", ("what", "measured", "target", "met"), [target])


if __name__ == "__main__":
    sys.exit(main())
