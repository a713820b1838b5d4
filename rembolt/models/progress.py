"""Shows how far a download is: a bar on a terminal, plain lines elsewhere, always on stderr."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

_LINE_STEP: Final = 0.25
LINE_SECONDS: Final = 10.0
"""At least so often a line says how far the work is, where there is no bar."""


class Progress(Protocol):
    """Called again and again while a file is downloaded."""

    def __call__(self, file: str, done: int, total: int | None, /) -> None:
        """Take note that `done` bytes of `total` (None: not known) of `file` are here."""


def silent(file: str, done: int, total: int | None, /) -> None:
    """Show nothing."""


def default_progress() -> AbstractContextManager[Progress]:
    """Give a progress that suits stderr; to be entered around the download."""
    if sys.stderr is None:
        return nullcontext(silent)
    return _bar() if sys.stderr.isatty() else _lines()


@contextmanager
def _bar() -> Iterator[Progress]:
    from rich import progress as rich_progress
    from rich.console import Console

    tasks: dict[str, rich_progress.TaskID] = {}
    columns = (
        rich_progress.TextColumn("{task.description}"),
        rich_progress.BarColumn(),
        rich_progress.DownloadColumn(),
        rich_progress.TransferSpeedColumn(),
        rich_progress.TimeRemainingColumn(),
    )
    with rich_progress.Progress(*columns, console=Console(stderr=True)) as bar:

        def show(file: str, done: int, total: int | None, /) -> None:
            if file not in tasks:
                tasks[file] = bar.add_task(file, total=total)
            bar.update(tasks[file], completed=done, total=total)

        yield show


@contextmanager
def _lines() -> Iterator[Progress]:
    last: dict[str, tuple[float, float]] = {}

    def show(file: str, done: int, total: int | None, /) -> None:
        now, share = time.monotonic(), done / total if total else 0.0
        shown_at, shown_share = last.get(file, (now - LINE_SECONDS, -1.0))
        finished = share >= 1.0 > shown_share
        if finished or share - shown_share >= _LINE_STEP or now - shown_at >= LINE_SECONDS:
            last[file] = (now, share)
            of = f" of {total / 1e6:.1f}" if total else ""
            print(f"rembolt: downloading {file}: {done / 1e6:.1f}{of} MB", file=sys.stderr, flush=True)

    yield show
