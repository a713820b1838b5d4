"""A computed answer beside one that the server keeps: the same photo posted again, and got by its address.

One client on one connection asks in turn: a new photo, the same once more, and `GET` of the address that the
answer gave. Every answer says where it came from, which is checked, and the kept ones are the same bytes.
"""

from __future__ import annotations

import os
import sys
from statistics import median
from typing import TYPE_CHECKING, Any

from benchmarks import report
from benchmarks.server.caller import FORM, Caller, Reply, form, marked, wrong
from benchmarks.server.figures import milliseconds, percentile, table, verdict
from benchmarks.server.flags import OURS, add_size, add_weights
from benchmarks.server.home import furnished
from benchmarks.server.photos import shots
from benchmarks.server.programs import WrongAnswerError
from benchmarks.server.servers import rembolt_server
from benchmarks.server.ways import WAYS
from rembolt.errors import RemboltError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.server.servers import Server
    from benchmarks.server.visits import Shot
    from benchmarks.server.ways import Way
    from rembolt.bench.weights import Home

COMPUTED, POSTED, GOT = "computed", "the photo posted again", "GET by address"
SOURCES = {COMPUTED: "computed", POSTED: "memory", GOT: "cache"}
"""What `X-Rembolt-Source` says."""

WARM_UPS = 2
FASTER = 50
"""Times as fast as a computed answer: what was promised of a kept one."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, and return the exit code."""
    parser = report.flags(__doc__, rounds=30)
    parser.prog = "python -m benchmarks.server cache"
    add_weights(parser)
    add_size(parser)
    parser.add_argument("--ways", choices=OURS, nargs="+", default=OURS, help="which models")
    asked = parser.parse_args(arguments)
    report.introduce()
    try:
        with furnished(asked.u2netp, sorted({WAYS[way].model for way in asked.ways})) as home:
            photos = shots(home.folder, [asked.size])
            results = {way: measure(WAYS[way], home, photos, asked.rounds) for way in asked.ways}
            for way, seconds in results.items():
                _print(f"{asked.size[0]}x{asked.size[1]}, rembolt {home.label(WAYS[way].model)}", seconds)
    except (RemboltError, FileNotFoundError) as error:
        parser.error(str(error))
    report.write(
        asked.json,
        {
            "rounds": asked.rounds,
            "size": list(asked.size),
            "random_weights": sorted(home.random),
            "seconds": results,
        },
    )
    return 0


def measure(way: Way, home: Home, photos: list[Shot], rounds: int) -> dict[str, list[float]]:
    """Ask in turn.

    Returns:
        Seconds of each round, by what was asked.

    Raises:
        ChildFailedError: the server does not start, or an answer is not what it should be.
    """
    seconds: dict[str, list[float]] = {what: [] for what in SOURCES}
    flags = ["--model", way.model, "--precision", str(way.precision)]
    with rembolt_server(home, *flags) as server:
        caller = Caller(server.port)
        for turn in range(WARM_UPS + rounds):
            for what, spent in _turn(caller, server, way.model, photos[turn % len(photos)]).items():
                if turn >= WARM_UPS:
                    seconds[what].append(spent)
        caller.close()
    return seconds


def _turn(caller: Caller, server: Server, model: str, shot: Shot) -> dict[str, float]:
    with open(shot.path, "rb") as file:  # noqa: PTH123 - a path as text
        body = form(marked(file.read(), os.urandom(16)), model)
    first = caller.ask("POST", server.path, body, FORM)
    _check(first, shot, COMPUTED)
    again = caller.ask("POST", server.path, body, FORM)
    got = caller.ask("GET", first.headers["content-location"])
    for what, reply in ((POSTED, again), (GOT, got)):
        _check(reply, shot, what)
        if reply.body != first.body:
            raise WrongAnswerError(f"{what} gave other bytes; nothing is measured by that.")
    return {
        what: reply.ended - reply.begun for what, reply in ((COMPUTED, first), (POSTED, again), (GOT, got))
    }


def _check(reply: Reply, shot: Shot, what: str) -> None:
    if reply.status != 200:
        raise WrongAnswerError(
            f"{what} came to {reply.trouble or reply.status}; nothing is measured by that."
        )
    if amiss := wrong(reply, shot, {"x-rembolt-source": SOURCES[what]}):
        raise WrongAnswerError(f"{amiss}; nothing is measured by that.")


def _print(title: str, seconds: dict[str, Any]) -> None:
    computed = median(seconds[COMPUTED])
    rows = []
    for what, spent in seconds.items():
        faster = computed / median(spent)
        target = [] if what == COMPUTED else [f"{faster:.0f}", verdict(faster >= FASTER)]
        tail = milliseconds(percentile(spent, 99))
        rows.append((what, milliseconds(median(spent)), tail, *(target or ["", ""])))
    table(
        f"{title}, {len(seconds[COMPUTED])} of each",
        ("answer", "median ms", "p99 ms", "times as fast", f">= {FASTER}"),
        rows,
    )


if __name__ == "__main__":
    sys.exit(main())
