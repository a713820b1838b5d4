"""What is printed: the machine, tables, remarks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rembolt.bench.machine import busy, describe

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.console import Console

WIDE = 160
"""Characters in a line where there is no terminal."""


def introduce() -> None:
    """Say what this runs on, and warn when the machine has other work."""
    console = _console()
    console.print(f"[dim]{describe().sentence()}[/dim]", soft_wrap=True)
    if warning := busy():
        console.print(f"[yellow]{warning}[/yellow]")


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table: the first column says what, the others are numbers."""
    from rich.table import Table

    grid = Table(box=None, pad_edge=False)
    for index, column in enumerate(columns):
        grid.add_column(column, justify="right" if index else "left", no_wrap=True)
    for row in rows:
        grid.add_row(*row)
    console = _console()
    console.print(f"\n[bold]{title}[/bold]")
    console.print(grid)


def note(sentence: str) -> None:
    """Print a remark on the numbers."""
    _console().print(sentence, markup=False, soft_wrap=True)


def _console() -> Console:
    """Stdout; tables in files and pipes are not cut to the width of a terminal."""
    from rich.console import Console

    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=WIDE)
