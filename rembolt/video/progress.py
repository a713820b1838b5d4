"""Shows how far a video is: a bar on a terminal, plain lines elsewhere, always on stderr."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any

from rembolt.models.progress import LINE_SECONDS

if TYPE_CHECKING:
    from collections.abc import Iterator

Show = Callable[[int], None]
"""Called with the number of frames that are done."""

Progress = Callable[[int | None], AbstractContextManager[Show]]
"""Called with the number of frames there will be, or None; to be entered around the work."""


@contextmanager
def silent(_total: int | None) -> Iterator[Show]:
    """Show nothing."""
    yield lambda _done: None


def default_progress(total: int | None) -> AbstractContextManager[Show]:
    """Show what suits stderr."""
    if sys.stderr is None:
        return silent(total)
    return bar(total) if sys.stderr.isatty() else lines(total)


@contextmanager
def bar(total: int | None) -> Iterator[Show]:
    """A bar with the frames, their rate and the time left."""
    from rich import progress as rich_progress
    from rich.console import Console

    class Rate(rich_progress.ProgressColumn):
        def render(self, task: rich_progress.Task) -> Any:
            from rich.text import Text

            speed = task.finished_speed or task.speed
            return Text("" if speed is None else f"{speed:.1f} frames/s")

    columns = (
        rich_progress.BarColumn(),
        rich_progress.MofNCompleteColumn(),
        rich_progress.TextColumn("frames"),
        Rate(),
        rich_progress.TimeRemainingColumn(),
    )
    with rich_progress.Progress(*columns, console=Console(stderr=True)) as shown:
        task = shown.add_task("", total=total)
        yield lambda done: shown.update(task, completed=done, total=total and max(total, done))


@contextmanager
def lines(total: int | None) -> Iterator[Show]:
    """A line every ten seconds."""
    start = last = time.monotonic()

    def show(done: int) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= LINE_SECONDS:
            last = now
            rate = done / (now - start)
            of = f" of {total}" if total else ""
            left = f", {(total - done) / rate:.0f} s left" if total and total > done else ""
            print(f"rembolt: {done}{of} frames, {rate:.1f} a second{left}", file=sys.stderr, flush=True)

    yield show
