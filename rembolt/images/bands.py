"""Large pictures a band of rows at a time, on as many threads as there are cores for."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from rembolt.cores import own_cores

if TYPE_CHECKING:
    from collections.abc import Callable

Result = TypeVar("Result")

MOST_THREADS = 4
"""Memory is as fast as this many cores can read and write it."""


def for_bands(work: Callable[[int, int], Result], height: int, rows: int) -> list[Result]:
    """Do something for every band of rows; Pillow and NumPy work beside each other.

    Args:
        work: called with a band's first row and one after its last, from several threads.
        height: rows in all.
        rows: of a band; the last may have fewer.

    Returns:
        What `work` returned, from the top down.
    """
    bands = [(top, min(top + rows, height)) for top in range(0, height, rows)]
    threads = min(own_cores(), MOST_THREADS, len(bands))
    if threads <= 1:
        return [work(*band) for band in bands]
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(threads) as pool:
        return [done.result() for done in [pool.submit(work, *band) for band in bands]]
