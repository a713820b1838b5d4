"""Memory of a server: what its processes have resident together."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Iterator

EVERY = 0.1
"""Seconds between two looks."""


def processes(main: int) -> list[psutil.Process]:
    """A process and all below it."""
    try:
        first = psutil.Process(main)
        return [first, *first.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def resident(main: int) -> int:
    """Bytes that a process and all below it have in memory; what they share counts for each."""
    total = 0
    for process in processes(main):
        try:
            total += process.memory_info().rss
        except psutil.NoSuchProcess:
            continue
    return total


class Peak:
    """The most that was seen.

    Attributes:
        bytes: so many.
    """

    def __init__(self) -> None:
        self.bytes = 0


@contextmanager
def watched(main: int) -> Iterator[Peak]:
    """Look at a server's memory all the while, ten times a second."""
    peak = Peak()
    stop = threading.Event()

    def look() -> None:
        while True:
            peak.bytes = max(peak.bytes, resident(main))
            if stop.wait(EVERY):
                return

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield peak
    finally:
        stop.set()
        thread.join()
