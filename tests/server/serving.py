"""A real `rembolt serve` for tests, as a child process."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import httpx

PATIENCE = 120.0
"""Seconds; a busy machine may take long, and nothing is measured here."""


class Serving(NamedTuple):
    """A running service."""

    url: str
    process: subprocess.Popen[bytes]
    log: Path

    def said(self) -> str:
        """All that it logged."""
        return self.log.read_text(encoding="utf-8")


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def start(
    folder: Path, *flags: str, environment: Mapping[str, str] | None = None, scheme: str = "http"
) -> Serving:
    """Start a service and wait until it listens; see `serving`."""
    port = free_port()
    log = folder / f"serve-{port}.log"
    child_environment = {**os.environ, "OMP_NUM_THREADS": "1", "HOME": str(folder), **(environment or {})}
    with log.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "rembolt", "serve", "--port", str(port), *flags],
            stdout=file,
            stderr=file,
            env=child_environment,
        )
    return Serving(f"{scheme}://127.0.0.1:{port}", process, log)


def wait_until_ready(service: Serving) -> None:
    """Wait for `/ready`; a service that ends, or never gets there, fails the test with its log."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        assert service.process.poll() is None, service.said()
        with contextlib.suppress(httpx.HTTPError):
            if httpx.get(f"{service.url}/ready", timeout=10, verify=False).status_code == 200:
                return
        time.sleep(0.1)
    raise AssertionError(f"it never got ready: {service.said()}")


@contextlib.contextmanager
def serving(
    folder: Path, *flags: str, environment: Mapping[str, str] | None = None, scheme: str = "http"
) -> Iterator[Serving]:
    """Start a service that is ready, and stop it in the end.

    Args:
        folder: for its log and as its home.
        flags: of `rembolt serve`, beside `--port`.
        environment: further variables.
        scheme: `https` where the flags say so.
    """
    service = start(folder, *flags, environment=environment, scheme=scheme)
    try:
        wait_until_ready(service)
        yield service
    finally:
        stop(service)


def stop(service: Serving) -> int:
    """Stop it with SIGTERM and give its exit code; one that does not end is killed and fails the test."""
    with contextlib.suppress(ProcessLookupError):
        service.process.send_signal(signal.SIGTERM)
    try:
        return service.process.wait(60)
    except subprocess.TimeoutExpired:
        service.process.kill()
        raise
