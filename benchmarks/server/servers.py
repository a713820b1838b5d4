"""The servers that are measured: `rembolt serve` and `rembg s`, each as its command starts it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING, NamedTuple

from benchmarks import report
from benchmarks.server.caller import Caller
from benchmarks.server.resident import processes
from rembolt.bench.children import ChildFailedError, last_line, script
from rembolt.bench.start import rembolt

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from rembolt.bench.weights import Home

PATIENCE = 180.0
"""Seconds that a server may take to start, or to stop."""

REMBOLT_PATH, REMBG_PATH = "/v1/cutouts", "/api/remove"
"""What photos are posted to."""

NO_REMBG = "rembg's command is not installed (`pip install 'rembolt[test]'`): what needs it is left out."


class Server(NamedTuple):
    """A server that runs.

    Attributes:
        port: on 127.0.0.1.
        path: what photos are posted to.
        process: the one that was started, and that ends last.
        log: what it said.
    """

    port: int
    path: str
    process: subprocess.Popen[bytes]
    log: Path


def rembg_is_here() -> bool:
    """Whether rembg's server can be compared with; says so when not."""
    here = find_spec("rembg") is not None and script("rembg") is not None
    if not here:
        report.note(NO_REMBG)
    return here


@contextmanager
def rembolt_server(home: Home, *flags: str) -> Iterator[Server]:
    """Run `rembolt serve` with some flags; it is ready.

    Raises:
        ChildFailedError: it does not start.
    """
    command = [*rembolt(), "serve", "--host", "127.0.0.1", "--log-level", "warning", *flags]
    with _running(command, home, REMBOLT_PATH, "/ready") as server:
        yield server


@contextmanager
def rembg_server(home: Home) -> Iterator[Server]:
    """Run `rembg s`; its process is there, its model not before the first request.

    Raises:
        ChildFailedError: it does not start.
    """
    command = [*(script("rembg") or ["rembg"]), "s", "--no-ui", "--host", "127.0.0.1"]
    with _running([*command, "--log_level", "warning"], home, REMBG_PATH, "/api") as server:
        yield server


@contextmanager
def _running(command: list[str], home: Home, path: str, ready: str) -> Iterator[Server]:
    port = _free_port()
    log = home.folder / f"server-{port}.txt"
    with log.open("wb") as file:
        process = subprocess.Popen(
            [*command, "--port", str(port)],
            env=_environment(home),
            cwd=home.folder,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
        )
    server = Server(port, path, process, log)
    try:
        _wait(server, ready)
        yield server
    finally:
        _stop(process)


def _environment(home: Home) -> dict[str, str]:
    """Ours, without settings of the user's own for either side."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("REMBOLT_", "REMBG_", "U2NET_"))
    }
    return {**kept, **home.environment, "BROWSER": "true"}  # rembg opens one; `true` does nothing


def _wait(server: Server, ready: str) -> None:
    """Wait until a path is answered 200.

    Raises:
        ChildFailedError: the server ended, or took too long.
    """
    caller = Caller(server.port, kept=False)
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if server.process.poll() is not None:
            said = last_line(server.log.read_text(encoding="utf-8", errors="replace"))
            raise ChildFailedError(f"{server.process.args!s:.200} ended: {said}")
        if caller.ask("GET", ready).status == 200:
            return
        time.sleep(0.05)
    raise ChildFailedError(f"{server.process.args!s:.200} was not ready after {PATIENCE:g} seconds.")


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    try:
        process.wait(PATIENCE)
    except BaseException:  # also Ctrl-C: nothing of it may stay
        for one in reversed(processes(process.pid)):
            one.kill()
        process.wait()
        raise


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
