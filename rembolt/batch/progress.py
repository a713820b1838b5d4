"""How far a batch is: a bar on a terminal, plain lines elsewhere, always on stderr."""

from __future__ import annotations

import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from rembolt.models.progress import LINE_SECONDS

if TYPE_CHECKING:
    from types import TracebackType

    from rembolt.batch.record import Record, Totals


class Lines:
    """Failures at once, and a line now and then.

    Args:
        quiet: say only failures.
        every: say every photo.
    """

    def __init__(self, *, quiet: bool = False, every: bool = False) -> None:
        self.quiet = quiet
        self.every = every
        self._last = time.monotonic()

    def __enter__(self) -> Lines:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing to clear away."""

    def restore(self) -> None:
        """Leave the terminal as it was, whatever is going on."""

    def finished(self, record: Record, totals: Totals) -> None:
        """Take note of a photo that is through."""
        if record.status == "failed":
            self.complain(record.complaint)
        elif self.every and record.status == "done":
            self.say(f"{record.input} -> {record.output} ({record.seconds:.3f} s)")
        elif self.every:
            self.say(f"{record.input}: skipped, {record.error}")
        self.show(totals)

    def say(self, sentence: str) -> None:
        """Say something that is no failure."""
        if not self.quiet:
            self.complain(sentence)

    def complain(self, sentence: str) -> None:
        """Say something that went wrong."""
        with suppress(OSError):  # whoever read this is gone: the work goes on
            if sys.stderr is not None:
                sys.stderr.write(f"rembolt: {printable(sentence)}\n")  # in one piece: threads share it
                sys.stderr.flush()

    def show(self, totals: Totals) -> None:
        """Say how far it is, if it is time for that."""
        now = time.monotonic()
        if now - self._last < LINE_SECONDS:
            return
        self._last = now
        of = "" if totals.planned is None else f" of {totals.planned}"
        left = "" if totals.planned is None else f", {_left(totals)} left"
        self.say(f"{totals.finished}{of} photos, {totals.failed} failed, {totals.rate:.1f} a second{left}")


class Bar(Lines):
    """One line that moves; see `Lines`."""

    def __init__(self, *, quiet: bool = False, every: bool = False) -> None:
        super().__init__(quiet=quiet, every=every)
        from rich import progress
        from rich.console import Console

        columns = (
            progress.BarColumn(),
            progress.MofNCompleteColumn(),
            progress.TextColumn("{task.fields[rate]}", markup=False),
            progress.TimeRemainingColumn(),
            progress.TextColumn("{task.fields[failed]}", style="red", markup=False),
        )
        self._bar = progress.Progress(*columns, console=Console(stderr=True, markup=False, highlight=False))
        self._task = self._bar.add_task("", total=None, rate="", failed="")

    def __enter__(self) -> Bar:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def restore(self) -> None:
        """Bring the cursor back."""
        self._bar.console.show_cursor(show=True)

    def complain(self, sentence: str) -> None:
        """Say something above the bar; the terminal breaks the line, so that it can be copied whole."""
        with suppress(OSError):
            self._bar.console.print(f"rembolt: {printable(sentence)}", soft_wrap=True)

    def show(self, totals: Totals) -> None:
        """Move the bar."""
        self._bar.update(
            self._task,
            total=totals.planned,
            completed=totals.finished,
            rate=f"{totals.rate:.1f} photos/s",
            failed=f"{totals.failed} failed" if totals.failed else "",
        )


def progress_for(*, quiet: bool, every: bool) -> Lines:
    """The progress that suits stderr."""
    terminal = sys.stderr is not None and sys.stderr.isatty()
    return Bar(every=every) if terminal and not quiet else Lines(quiet=quiet, every=every)


def printable(text: str) -> str:
    """The same text on one line, with what could move the cursor or is no character at all spelt out."""
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode()
        for character in text
    )


def _left(totals: Totals) -> str:
    missing = (totals.planned or 0) - totals.finished
    seconds = round(missing * totals.seconds / max(totals.finished, 1))
    hours, minutes = seconds // 3600, seconds // 60 % 60
    return f"{hours}:{minutes:02}:{seconds % 60:02}"
