"""Photos to send, of any size, as JPEG files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.server.visits import Shot
from rembolt.bench.photos import jpeg, photo

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

SEEDS = 4
"""How many photos of a size there are; each request marks its own besides, see `caller.marked`."""


def shots(folder: Path, sizes: Iterable[tuple[int, int]], seeds: int = SEEDS) -> list[Shot]:
    """Make photos of each size, those of different sizes in turn.

    Args:
        folder: for the files.
        sizes: width and height.
        seeds: photos of each size.
    """
    made = []
    for seed in range(seeds):
        for width, height in sizes:
            path = folder / f"{width}x{height}-{seed}.jpg"
            path.write_bytes(jpeg(photo(width, height, seed)))
            made.append(Shot(str(path), width, height))
    return made
