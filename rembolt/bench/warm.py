"""Processes in which sessions stay loaded; see `rembolt.bench.worker` for what runs in them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from rembolt.bench.children import ChildFailedError, last_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from rembolt.bench.candidates import Candidate
    from rembolt.bench.weights import Home

WORKER = (sys.executable, "-m", "rembolt.bench.worker")


class Job(NamedTuple):
    """One photo.

    Attributes:
        total: seconds of the whole job, encoded photo in and PNG out.
        stages: seconds of each stage; rembg does not tell them.
        size: of the PNG, in bytes.
    """

    total: float
    stages: dict[str, float]
    size: int


class Warm:
    """A process of one side, rembolt or rembg, that keeps its sessions; close it after use."""

    def __init__(self, home: Home, name: str) -> None:
        self._complaints = home.folder / f"{name}.txt"
        with self._complaints.open("wb") as complaints:
            self._process = subprocess.Popen(  # noqa: S603 - this very interpreter
                WORKER,
                env={**os.environ, **home.environment},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=complaints,
                text=True,
                encoding="utf-8",
            )

    def open(self, candidate: Candidate) -> str:
        """Load a candidate's session and give the device that it runs on.

        Raises:
            ChildFailedError: it cannot be loaded, or the process has died.
        """
        return str(self._ask({"open": candidate.name, **candidate.order()})["device"])

    def run(self, candidate: Candidate, photo: Path) -> Job:
        """Have a candidate cut out a photo.

        Raises:
            ChildFailedError: it fails, or the process has died.
        """
        return Job(**self._ask({"run": candidate.name, "photo": str(photo)}))

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.communicate()

    def _ask(self, order: dict[str, Any]) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps(order) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except BrokenPipeError:
            line = ""
        name = order.get("open") or order.get("run")
        if not line:
            said = last_line(self._complaints.read_text(encoding="utf-8", errors="replace"))
            raise ChildFailedError(f"the process that ran {name} ended: {said}")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise ChildFailedError(f"{name} failed: {last_line(answer['error'])}")
        return answer


class Opened(NamedTuple):
    """Candidates whose sessions are loaded.

    Attributes:
        runs: what cuts out a photo, by the candidate's name.
        devices: where each runs.
        refused: why a candidate could not be loaded, by its name.
    """

    runs: dict[str, Callable[[Path], Job]]
    devices: dict[str, str]
    refused: dict[str, str]


@contextmanager
def opened(candidates: Sequence[Candidate], home: Home) -> Iterator[Opened]:
    """Load the candidates' sessions, rembolt's in one process and rembg's in another."""
    with ExitStack() as stack:
        sides: dict[str, Warm] = {}
        loaded = Opened({}, {}, {})
        for candidate in candidates:
            if candidate.side not in sides:
                sides[candidate.side] = warm = Warm(home, candidate.side)
                stack.callback(warm.close)
            warm = sides[candidate.side]
            try:
                loaded.devices[candidate.name] = warm.open(candidate)
            except ChildFailedError as error:
                loaded.refused[candidate.name] = str(error)
                continue
            loaded.runs[candidate.name] = partial(warm.run, candidate)
        yield loaded
