"""What every script shares: its flags, its tables and its JSON."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from rembolt.bench.machine import describe
from rembolt.bench.tables import introduce, note, table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["flags", "introduce", "labels", "note", "positive", "progress", "size", "table", "target", "write"]

Item = TypeVar("Item")


def flags(description: str | None, *, rounds: int | None) -> argparse.ArgumentParser:
    """The flags of every script.

    Args:
        description: the script's docstring; its first line goes into the help.
        rounds: how many rounds are measured when the user does not say; None for a script without rounds.
    """
    parser = argparse.ArgumentParser(description=(description or "").partition("\n")[0])
    if rounds is not None:
        parser.add_argument(
            "--rounds", type=positive, default=rounds, help=f"rounds to measure, default {rounds}"
        )
    parser.add_argument("--json", type=target, metavar="FILE", help="write the raw numbers too")
    return parser


def target(text: str) -> Path:
    """Read the name of a file to write, for argparse: better refused now than when all is measured."""
    path = Path(text)
    if not path.parent.is_dir():
        raise argparse.ArgumentTypeError(f"there is no folder {str(path.parent)!r}.")
    return path


def positive(text: str) -> int:
    """Read a whole number from 1, for argparse."""
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1.")
    return number


def size(text: str) -> tuple[int, int]:
    """Read `1920x1080`, for argparse."""
    width, _, height = text.partition("x")
    return positive(width), positive(height)


def labels(paths: Sequence[Path]) -> list[str]:
    """Short names for paths, which do not say where they lie: the file's name, with its folder's if need be.

    Raises:
        ValueError: that does not tell them apart.
    """
    names = [path.resolve().name for path in paths]
    names = [
        name if names.count(name) == 1 else "/".join(path.absolute().parts[-2:])
        for name, path in zip(names, paths, strict=True)
    ]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"{name} is given twice, from folders of the same name; rename one.")
    return names


def progress(items: Sequence[Item], what: str) -> Iterator[Item]:
    """Give the items one after the other, with a bar on stderr where that is a terminal."""
    from rich.console import Console
    from rich.progress import track

    console = Console(stderr=True)
    yield from track(items, what, console=console, transient=True, disable=not console.is_terminal)


def write(path: Path | None, results: dict[str, object]) -> None:
    """Write the results and the machine they are from, where the user asked for it."""
    if path is not None:
        document = {"machine": describe().as_dict(), **results}
        path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
