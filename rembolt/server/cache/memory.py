"""Results in this process's memory, bounded by bytes."""

from __future__ import annotations

import sys
from collections import OrderedDict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rembolt.server.result import Result

LARGEST_SHARE = 4
"""A result larger than this fraction (1/4) of the bounds is not kept: it would drive out too many others."""

_OBJECTS = 512
"""Bytes of an entry beside its file and texts: the objects of the result, and its place in the table."""


class MemoryCache:
    """The results last used. For one event loop: it has no locks, and needs none.

    Args:
        max_bytes: what all entries may take together, each with its texts, its key and its objects; the
            one unused for longest is let go first. With 0 nothing is kept.
    """

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self.bytes_used = 0
        self._results: OrderedDict[str, Result] = OrderedDict()

    def __len__(self) -> int:
        return len(self._results)

    def __contains__(self, address: str) -> bool:
        """Whether a result is kept under this address; asking is not using."""
        return address in self._results

    def get(self, address: str) -> Result | None:
        """The result under this address, which is then the one last used, or None."""
        result = self._results.get(address)
        if result is not None:
            self._results.move_to_end(address)
        return result

    def put(self, address: str, result: Result) -> None:
        """Keep a result, in the place of what was under its address; one that is too large is not kept."""
        old = self._results.pop(address, None)
        if old is not None:
            self.bytes_used -= weight(address, old)
        heavy = weight(address, result)
        if heavy > self.max_bytes // LARGEST_SHARE:
            return
        self._results[address] = result
        self.bytes_used += heavy
        while self.bytes_used > self.max_bytes:
            self.bytes_used -= weight(*self._results.popitem(last=False))

    def clear(self) -> None:
        """Let all results go."""
        self._results.clear()
        self.bytes_used = 0


def weight(address: str, result: Result) -> int:
    """The bytes that a result takes while it is kept: all of it, and its key."""
    texts = (address, result.media_type, result.model, result.device, result.precision)
    return sys.getsizeof(result.data) + sum(map(sys.getsizeof, texts)) + _OBJECTS
