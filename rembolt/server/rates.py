"""How much each client may ask for in a minute, counted in megapixels as remove.bg does."""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from typing import TYPE_CHECKING, NamedTuple

from rembolt.server.errors import RateLimitedError

if TYPE_CHECKING:
    from collections.abc import Callable

MINUTE = 60.0

MOST_CLIENTS = 100_000
"""Clients remembered; the one unseen for longest is forgotten."""


class Rate(NamedTuple):
    """Where a client stands.

    Attributes:
        limit: megapixels a minute.
        remaining: of them, rounded down.
        reset: seconds until all are there again, rounded up.
    """

    limit: int
    remaining: int
    reset: int


class Rates:
    """A bucket for each client that fills evenly (the token bucket).

    Args:
        limit: megapixels a minute, None for as many as they like.
        clock: gives seconds.
    """

    def __init__(self, limit: int | None, clock: Callable[[], float] = time.monotonic) -> None:
        self._limit = limit
        self._clock = clock
        self._clients: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def spend(self, client: str, megapixels: float) -> Rate | None:
        """Take a photo's size from a client's bucket.

        Args:
            client: its key or address.
            megapixels: of the photo; a bucket that has something in it may be overdrawn by one photo, as a
                photo larger than a minute's limit could never be sent otherwise.

        Returns:
            Where it stands, None without a limit.

        Raises:
            RateLimitedError: the bucket is empty.
        """
        if self._limit is None:
            return None
        now = self._clock()
        level = self._level(client, now)
        if level <= 0:
            raise RateLimitedError(
                f"more than {self._limit} megapixels a minute were sent; wait.",
                self._rate(level),
                max(1, math.ceil(-level * MINUTE / self._limit) + 1),
            )
        level -= max(megapixels, 0.01)
        self._clients[client] = (level, now)
        self._clients.move_to_end(client)
        while len(self._clients) > MOST_CLIENTS:
            self._clients.popitem(last=False)
        return self._rate(level)

    def _level(self, client: str, now: float) -> float:
        limit = self._limit or 0
        level, then = self._clients.get(client, (float(limit), now))
        return min(float(limit), level + (now - then) * limit / MINUTE)

    def _rate(self, level: float) -> Rate:
        limit = self._limit or 0
        return Rate(limit, max(0, int(level)), max(0, math.ceil((limit - level) * MINUTE / limit)))
