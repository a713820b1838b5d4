"""What every script shares: its flags, its tables and its JSON."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.machine import busy, describe

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def flags(description: str | None, *, rounds: int) -> argparse.ArgumentParser:
    """The flags of every script.

    Args:
        description: the script's docstring; its first line goes into the help.
        rounds: how many rounds are measured when the user does not say.
    """
    parser = argparse.ArgumentParser(description=(description or "").partition("\n")[0])
    parser.add_argument(
        "--rounds", type=_positive, default=rounds, help=f"rounds to measure, default {rounds}"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the raw numbers too")
    return parser


def size(text: str) -> tuple[int, int]:
    """Read `1920x1080`, for argparse."""
    width, _, height = text.partition("x")
    return _positive(width), _positive(height)


def introduce() -> None:
    """Say what this runs on, and warn when the machine has other work."""
    from rich.console import Console

    console = Console(highlight=False)
    console.print(f"[dim]{describe().sentence()}[/dim]")
    if warning := busy():
        console.print(f"[yellow]{warning}[/yellow]")


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table: the first column says what, the others are numbers."""
    from rich.console import Console
    from rich.table import Table

    grid = Table(box=None, pad_edge=False)
    for index, column in enumerate(columns):
        grid.add_column(column, justify="right" if index else "left", no_wrap=True)
    for row in rows:
        grid.add_row(*row)
    console = Console(highlight=False)
    console.print(f"\n[bold]{title}[/bold]")
    console.print(grid)


def note(sentence: str) -> None:
    """Print a remark on the numbers."""
    from rich.console import Console

    Console(highlight=False, markup=False).print(sentence)


def write(path: Path | None, results: dict[str, object]) -> None:
    """Write the results and the machine they are from, where the user asked for it."""
    if path is not None:
        document = {"machine": describe().as_dict(), **results}
        path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


def _positive(text: str) -> int:
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1.")
    return number
