"""SIGKILL of one of two processes under load: what fails, and how soon the process is replaced."""

from __future__ import annotations

import re
import signal
import time
from typing import TYPE_CHECKING, Any

import psutil

from benchmarks.server.caller import Caller
from benchmarks.server.programs import clients
from benchmarks.server.resident import processes
from benchmarks.server.servers import PATIENCE
from rembolt.bench.children import ChildFailedError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from benchmarks.server.servers import Server
    from benchmarks.server.visits import Shot, Visit
    from benchmarks.server.ways import Way
    from rembolt.bench.weights import Home

PROCESSES = 2

_SESSIONS = re.compile(rb"^rembolt_sessions (\S+)$", re.MULTILINE)


def measure(way: Way, home: Home, photos: list[Shot], count: int, seconds: float) -> dict[str, Any]:
    """Start a server of two processes, have it asked, and kill one meanwhile.

    Args:
        way: the server.
        home: the weights.
        photos: to send.
        count: of the clients, which keep their connections and go on when one breaks.
        seconds: of load before the signal, and after the new process is ready.

    Returns:
        `connections_of_killed`; `failed_at_killed` and `failed_elsewhere`: requests, from the signal on, by
        the process that had their connection; `answered_after`: images that came later; and from the signal
        on the seconds `seconds_to_answer` (the next image), `seconds_to_process` (another process is there)
        and `seconds_to_ready` (each process has its model).

    Raises:
        ChildFailedError: the server does not start, is not whole again, or the clients' process fails.
    """
    with way.serve(home, "--processes", str(PROCESSES)) as server:
        _until(lambda: _sessions(server.port) == PROCESSES, "each process has its model")
        order = way.order(server, photos, count, 0, seconds=2 * PATIENCE, warm_ups=1, again=True)
        with clients(order) as crowd:
            crowd.start()
            time.sleep(seconds)
            held = connections(server)
            victim = max(held, key=lambda pid: len(held[pid]))
            known = {process.pid for process in processes(server.process.pid)}
            killed = time.monotonic()
            psutil.Process(victim).send_signal(signal.SIGKILL)
            replaced = _until(lambda: _new(server, known), "there is another process")
            ready = _until(lambda: _sessions(server.port) == PROCESSES, "each process has its model again")
            time.sleep(seconds)
            crowd.stop()
            visits = crowd.finish()
    return {
        **counts(visits, killed, held[victim]),
        "seconds_to_process": replaced - killed,
        "seconds_to_ready": ready - killed,
    }


def connections(server: Server) -> dict[int, set[int]]:
    """The ports of the clients' ends of the connections that each process has, by its id.

    Raises:
        ChildFailedError: no process has one.
    """
    held: dict[int, set[int]] = {}
    for process in processes(server.process.pid):
        for one in process.net_connections(kind="tcp4"):
            if one.status == psutil.CONN_ESTABLISHED and one.laddr.port == server.port:
                held.setdefault(process.pid, set()).add(one.raddr.port)
    if not held:
        raise ChildFailedError("no process of the server has a connection; there is nothing to kill.")
    return held


def counts(visits: Sequence[Visit], killed: float, ports: set[int]) -> dict[str, Any]:
    """Count the requests since the signal.

    Args:
        visits: all requests.
        killed: the moment, see `Visit`.
        ports: of the connections of the process that was killed.
    """
    later = [visit for visit in visits if visit.ended > killed]
    failed = [visit for visit in later if not visit.image or visit.wrong]
    answers = [visit.ended for visit in later if visit.image]
    if not answers:
        raise ChildFailedError("no request was answered once a process was killed.")
    at_killed = [visit for visit in failed if visit.port in ports]
    return {
        "connections_of_killed": len(ports),
        "failed_at_killed": len(at_killed),
        "failed_elsewhere": len(failed) - len(at_killed),
        "answered_after": len(answers),
        "seconds_to_answer": min(answers) - killed,
    }


def _new(server: Server, known: set[int]) -> bool:
    return any(process.pid not in known for process in processes(server.process.pid))


def _sessions(port: int) -> float | None:
    """How many models all processes have loaded, None where nobody says."""
    caller = Caller(port, kept=False, patience=5.0)
    found = _SESSIONS.search(caller.ask("GET", "/metrics").body)
    return float(found[1]) if found else None


def _until(condition: Callable[[], bool], what: str) -> float:
    """Wait for something and give the moment when it was so.

    Raises:
        ChildFailedError: it never was.
    """
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if condition():
            return time.monotonic()
        time.sleep(0.02)
    raise ChildFailedError(f"after {PATIENCE:g} seconds it was still not so that {what}.")
