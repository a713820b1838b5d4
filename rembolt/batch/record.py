"""What there is to do for a photo, what became of it, and the sum of all."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

if TYPE_CHECKING:
    from rembolt.batch.sources import Photo

MOST_NAMED = 20
"""Failures that are named again at the end; the report has all of them."""


class Stamp(NamedTuple):
    """By what a changed file is told.

    Attributes:
        size: in bytes.
        changed: time of the last change, in nanoseconds.
    """

    size: int
    changed: int


def stamp_of(path: str | Path) -> Stamp | None:
    """The stamp of a file; None when there is none."""
    try:
        status = Path(path).stat()
    except (OSError, ValueError):  # ValueError: a NUL in the name
        return None
    return Stamp(status.st_size, status.st_mtime_ns)


class Task(NamedTuple):
    """A photo to cut out.

    Attributes:
        photo: which.
        result: the file to write.
    """

    photo: Photo
    result: Path


class Record(NamedTuple):
    """What became of one photo.

    Attributes:
        input: its path.
        output: its result; None for a place where no photo could be looked for.
        status: done, skipped or failed.
        error: why it failed or was skipped, in a sentence.
        seconds: spent on it.
        size: width and height of the result.
        bytes: size of the result.
        stamp: of the input, before it was read.
        fatal: the next photos would fail too.
        known: the report has it already.
    """

    input: str
    output: Path | None
    status: Literal["done", "skipped", "failed"]
    error: str | None = None
    seconds: float = 0.0
    size: tuple[int, int] | None = None
    bytes: int | None = None
    stamp: Stamp | None = None
    fatal: bool = False
    known: bool = False

    @property
    def complaint(self) -> str:
        """Which photo failed, and why."""
        error = self.error or ""
        return error if self.input in error else f"{self.input}: {error}"


@dataclass
class Totals:
    """All records, counted; only a few failures are kept, so that memory stays flat."""

    planned: int | None = None
    done: int = 0
    skipped: int = 0
    failed: int = 0
    failures: list[Record] = field(default_factory=list)
    stopped: str | None = None
    started: float = field(default_factory=time.monotonic)

    def add(self, record: Record) -> None:
        """Count one."""
        if record.status == "done":
            self.done += 1
        elif record.status == "skipped":
            self.skipped += 1
        else:
            self.failed += 1
            if len(self.failures) < MOST_NAMED:
                self.failures.append(record)

    @property
    def finished(self) -> int:
        """Photos that are through, whatever became of them."""
        return self.done + self.skipped + self.failed

    @property
    def seconds(self) -> float:
        """Since the beginning."""
        return time.monotonic() - self.started

    @property
    def rate(self) -> float:
        """Photos cut out a second."""
        return self.done / max(self.seconds, 1e-6)

    def as_json(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "photos": self.finished if self.planned is None else self.planned,
            "done": self.done,
            "skipped": self.skipped,
            "failed": self.failed,
            "seconds": round(self.seconds, 3),
            "photos_per_second": round(self.rate, 3),
            "stopped": self.stopped,
            "failures": [{"input": record.input, "error": record.error} for record in self.failures],
        }
