"""SIGTERM under load: which requests are answered, and how long it takes."""

from __future__ import annotations

import signal
import subprocess
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

from benchmarks.server.programs import clients
from benchmarks.server.servers import PATIENCE
from benchmarks.server.visits import REFUSED
from rembolt.bench.children import ChildFailedError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.server.visits import Shot, Visit
    from benchmarks.server.ways import Way
    from rembolt.bench.weights import Home

COUNTS = (
    "accepted",
    "accepted_failed",
    "half_sent",
    "half_sent_failed",
    "later_answered",
    "later_refused",
    "later_broken",
)
"""See `counts`."""


def measure(
    way: Way, home: Home, photos: list[Shot], count: int, seconds: float, *, kept: bool
) -> dict[str, Any]:
    """Start a server, have it asked, and stop it meanwhile.

    Args:
        way: the server.
        home: the weights.
        photos: to send.
        count: of the clients; each ends when nobody listens any more.
        seconds: of load before the signal.
        kept: whether clients keep their connections.

    Returns:
        `COUNTS`, `before` (requests that had ended), `seconds_to_exit` and `exit_code`.

    Raises:
        ChildFailedError: the server does not start or end, or the clients' process fails.
    """
    with way.serve(home) as server:
        order = way.order(server, photos, count, 0, seconds=seconds + PATIENCE, warm_ups=1, kept=kept)
        with clients(order) as crowd:
            crowd.start()
            time.sleep(seconds)
            told = time.monotonic()
            server.process.send_signal(signal.SIGTERM)
            try:
                code = server.process.wait(PATIENCE)
            except subprocess.TimeoutExpired as error:
                raise ChildFailedError(f"the server did not end within {PATIENCE:g} seconds.") from error
            ended = time.monotonic()
            visits = crowd.finish()
    return {**counts(visits, told), "seconds_to_exit": ended - told, "exit_code": code}


def counts(visits: Sequence[Visit], told: float) -> dict[str, int]:
    """Count the requests by where they were when the signal was sent.

    Args:
        visits: all requests.
        told: the moment, see `Visit`.

    Returns:
        `before`: ended by then; `accepted`: all of it sent, no answer yet; `half_sent`: begun; of these two
        also those that then `_failed`, which is whatever is no image. Of those begun later: `later_answered`,
        `later_refused` (nobody listened), `later_broken` (a connection was made, or kept, that nobody served
        any more; nothing was answered).
    """
    found: Counter[str] = Counter(dict.fromkeys(("before", *COUNTS), 0))
    for visit in visits:
        if visit.ended <= told:
            found["before"] += 1
        elif visit.begun > told:
            way = "answered" if visit.image else "refused" if visit.trouble == REFUSED else "broken"
            found[f"later_{way}"] += 1
        else:
            place = "accepted" if visit.sent is not None and visit.sent <= told else "half_sent"
            found[place] += 1
            found[f"{place}_failed"] += not visit.image or visit.wrong is not None
    return dict(found)
