"""How far a tuning is: a bar on a terminal, a line for each step elsewhere, always on stderr."""

from __future__ import annotations

import sys
from contextlib import contextmanager, nullcontext, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from rembolt.tune.run import Show


def progress_for(*, quiet: bool) -> AbstractContextManager[Show]:
    """The progress that suits stderr; to be entered around the tuning."""
    if quiet or sys.stderr is None:
        return nullcontext(_silent)
    return _bar() if sys.stderr.isatty() else _lines()


def _silent(_doing: str, _share: float, /) -> None:
    pass


@contextmanager
def _bar() -> Iterator[Show]:
    from rich import progress
    from rich.console import Console

    columns = (
        progress.TextColumn("{task.description}", markup=False),
        progress.BarColumn(),
        progress.TaskProgressColumn(),
    )
    # Drawn after each round and not by a thread of its own, which would be measured too.
    with progress.Progress(*columns, console=Console(stderr=True), auto_refresh=False) as bar:
        task = bar.add_task("", total=1.0)

        def show(doing: str, share: float, /) -> None:
            bar.update(task, description=doing, completed=share, refresh=True)

        yield show


@contextmanager
def _lines() -> Iterator[Show]:
    last = ""

    def show(doing: str, _share: float, /) -> None:
        nonlocal last
        if doing != last:
            last = doing
            with suppress(OSError):  # whoever read this is gone: the work goes on
                print(f"rembolt: measuring {doing}", file=sys.stderr, flush=True)

    yield show
