"""Large pictures a band of rows at a time, on as many threads as there are cores for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rembolt.cores import own_cores

if TYPE_CHECKING:
    from collections.abc import Callable

ENOUGH_THREADS = 4
"""Memory is as fast as this many cores can read and write it."""

BAND = 128
"""Rows at once, about: what is read and written then stays in the cache."""


def for_bands(work: Callable[[int, int], object], height: int, rows: int) -> None:
    """Do something for every band of rows; Pillow and NumPy work beside each other.

    Args:
        work: called with a band's first row and one after its last, from several threads.
        height: rows in all.
        rows: of a band; the last may have fewer.
    """
    bands = [(top, min(top + rows, height)) for top in range(0, height, rows)]
    threads = min(own_cores(), ENOUGH_THREADS, len(bands))
    if threads <= 1:
        for band in bands:
            work(*band)
        return
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(threads) as pool:
        for done in [pool.submit(work, *band) for band in bands]:
            done.result()
