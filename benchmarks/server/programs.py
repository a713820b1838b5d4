"""The other end of the programs `clients` and `health`: starting them, and reading what they tell."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import benchmarks
from benchmarks.server.visits import Visit
from rembolt.bench.children import ChildFailedError, last_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from benchmarks.server.visits import Order

ROOT = str(Path(benchmarks.__file__).resolve().parent.parent)


class Outcome(NamedTuple):
    """What a crowd of clients did.

    Attributes:
        start: when all were warm, see `Visit`.
        visits: the requests from then on, in the order of their ends.
    """

    start: float
    visits: list[Visit]

    @property
    def seconds(self) -> float:
        """From the start to the last answer."""
        return max((visit.ended for visit in self.visits), default=self.start) - self.start

    @property
    def images(self) -> list[Visit]:
        """The requests that were answered with an image."""
        return [visit for visit in self.visits if visit.image]

    def check(self) -> None:
        """Find out that an image is not what it should be: nothing was measured then.

        Raises:
            WrongAnswerError: so it is.
        """
        for visit in self.visits:
            if visit.wrong:
                raise WrongAnswerError(f"{visit.wrong}; nothing is measured by that.")

    def check_all_images(self) -> None:
        """Find out that a request was not answered with a good image.

        Raises:
            WrongAnswerError: so it is.
        """
        self.check()
        for visit in self.visits:
            if not visit.image:
                raise WrongAnswerError(
                    f"a request came to {visit.trouble or visit.status}, not to an image; "
                    "nothing is measured by that."
                )


class WrongAnswerError(ChildFailedError):
    """A server answered something else than was asked for."""


class Clients:
    """The process that the clients are in."""

    def __init__(self, process: subprocess.Popen[str], complaints: Path) -> None:
        self._process = process
        self._complaints = complaints

    def start(self) -> float:
        """Wait until all clients are warm, and give the moment.

        Raises:
            ChildFailedError: they never will be.
        """
        return float(self._next()["started"])

    def finish(self, tell: Callable[[int], None] | None = None) -> list[Visit]:
        """Wait until all is done.

        Args:
            tell: called with how many requests are done, as often as the order says.

        Raises:
            ChildFailedError: the process failed.
        """
        while "visits" not in (told := self._next()):
            if tell is not None:
                tell(told["done"])
        return [Visit(*visit) for visit in told["visits"]]

    def stop(self) -> None:
        """Let each client wait for the answer it has asked for and ask no more."""
        assert self._process.stdin is not None
        self._process.stdin.close()

    def _next(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise ChildFailedError(f"the clients' process ended: {_said(self._complaints)}")
        told: dict[str, Any] = json.loads(line)
        if "failed" in told:
            raise ChildFailedError(f"the clients failed: {told['failed']}")
        return told


@contextmanager
def clients(order: Order) -> Iterator[Clients]:
    """Start clients; in the end they are no more."""
    with _program("clients") as (process, complaints):
        assert process.stdin is not None
        process.stdin.write(json.dumps(asdict(order)) + "\n")
        process.stdin.flush()
        yield Clients(process, complaints)


def drive(order: Order, tell: Callable[[int], None] | None = None) -> Outcome:
    """Have an order done.

    Args:
        order: what to do; it must end by itself.
        tell: see `Clients.finish`.

    Raises:
        ChildFailedError: a request to warm up was not answered well, or the process failed.
    """
    with clients(order) as crowd:
        return Outcome(crowd.start(), crowd.finish(tell))


class Health:
    """The process that asks for `/health`."""

    def __init__(self, process: subprocess.Popen[str], complaints: Path) -> None:
        self._process = process
        self._complaints = complaints

    def finish(self) -> list[float | None]:
        """Let it end; see `benchmarks.server.health` for what it gives.

        Raises:
            ChildFailedError: it failed.
        """
        answer, _ = self._process.communicate()
        if not answer:
            raise ChildFailedError(f"the process that asks for /health ended: {_said(self._complaints)}")
        seconds: list[float | None] = json.loads(answer)
        return seconds


@contextmanager
def health(port: int) -> Iterator[Health]:
    """Have `/health` of the server on this port of 127.0.0.1 asked for all the while."""
    with _program("health", str(port)) as (process, complaints):
        yield Health(process, complaints)


@contextmanager
def _program(name: str, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    known = [part for part in (ROOT, os.environ.get("PYTHONPATH")) if part]
    with tempfile.TemporaryDirectory() as folder:
        complaints = Path(folder) / "complaints.txt"
        with complaints.open("wb") as file:
            process = subprocess.Popen(
                [sys.executable, "-m", f"benchmarks.server.{name}", *arguments],
                env={**os.environ, "PYTHONPATH": os.pathsep.join(known)},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=file,
                text=True,
                encoding="utf-8",
            )
        try:
            yield process, complaints
        finally:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None and not pipe.closed:
                    pipe.close()


def _said(complaints: Path) -> str:
    return last_line(complaints.read_text(encoding="utf-8", errors="replace"))
