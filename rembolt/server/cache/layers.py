"""All that is kept, nearest first: this process's memory, then Redis."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from typing import TYPE_CHECKING

from rembolt.server.cache.flights import Flights

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from rembolt.server.cache.memory import MemoryCache
    from rembolt.server.cache.shared import RedisCache
    from rembolt.server.result import Result

ADDRESS = re.compile(r"[0-9a-f]{64}-[0-9a-f]{16}")
"""What every content address looks like."""

WRITES = 64
WRITTEN_BYTES = 64 << 20
"""How many results, and bytes of them, may be on their way to Redis; more are not sent."""

DRAIN_SECONDS = 5.0


class Cache:
    """Results under their content addresses, and those being computed. For one event loop.

    Args:
        memory: the results in this process, or None.
        shared: the results in Redis, or None.

    Attributes:
        hits: how often a result was found, by where: `memory`, `shared`, or `joined` to one being computed.
        misses: how often it was found nowhere.
        dropped: how many results were not sent to Redis, as too much was on its way.
    """

    def __init__(self, memory: MemoryCache | None, shared: RedisCache | None) -> None:
        self.memory = memory
        self.shared = shared
        self.hits: Counter[str] = Counter(memory=0, shared=0, joined=0)
        self.misses = 0
        self.dropped = 0
        self.flights: Flights[tuple[Result, str]] = Flights()
        self._writes: set[asyncio.Task[bool]] = set()
        self._written_bytes = 0

    async def get(self, address: str) -> Result | None:
        """The result under this address, or None; anything else than an address has none."""
        if ADDRESS.fullmatch(address) is None:
            self.misses += 1
            return None
        result = self._in_memory(address) or await self._in_shared(address)
        if result is None:
            self.misses += 1
        return result

    def put(self, address: str, result: Result) -> None:
        """Keep a result; to Redis it goes in the background.

        Raises:
            ValueError: this is not an address.
        """
        _check(address)
        if self.memory is not None:
            self.memory.put(address, result)
        if self.shared is not None:
            self._share(self.shared, address, result)

    async def once(self, address: str, compute: Callable[[], Awaitable[Result]]) -> tuple[Result, str]:
        """The result under this address; if it is not kept it is computed, once for all who ask meanwhile.

        The computation has a task of its own: it goes on when the caller that began it is cancelled, and is
        cancelled when nobody waits for it any more. An error goes to all who wait, and is never kept.

        Returns:
            The result, and where it is from: `memory`, `shared`, `joined` (another caller began to look for
            or compute it) or `computed`.

        Raises:
            ValueError: this is not an address.
            OverloadedError: the computation was cancelled from elsewhere, as when the service stops.
        """
        _check(address)
        result = self._in_memory(address)
        if result is not None:
            return result, "memory"
        (result, source), joined = await self.flights.join(address, lambda: self._find(address, compute))
        if joined:
            self.hits["joined"] += 1
        return result, "joined" if joined else source

    async def aclose(self) -> None:
        """Cancel what is computed, wait (some seconds) for what is on its way to Redis, and close it."""
        await self.flights.aclose()
        if self._writes:
            _, late = await asyncio.wait(self._writes, timeout=DRAIN_SECONDS)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        if self.shared is not None:
            await self.shared.aclose()

    def _in_memory(self, address: str) -> Result | None:
        result = None if self.memory is None else self.memory.get(address)
        if result is not None:
            self.hits["memory"] += 1
        return result

    async def _in_shared(self, address: str) -> Result | None:
        result = None if self.shared is None else await self.shared.get(address)
        if result is not None:
            self.hits["shared"] += 1
            if self.memory is not None:
                self.memory.put(address, result)
        return result

    async def _find(self, address: str, compute: Callable[[], Awaitable[Result]]) -> tuple[Result, str]:
        result = await self._in_shared(address)
        if result is not None:
            return result, "shared"
        self.misses += 1
        result = await compute()
        self.put(address, result)
        return result, "computed"

    def _share(self, shared: RedisCache, address: str, result: Result) -> None:
        size = len(result.data)
        if len(self._writes) >= WRITES or self._written_bytes + size > WRITTEN_BYTES:
            self.dropped += 1
            return
        task = asyncio.create_task(shared.put(address, result))
        self._writes.add(task)
        self._written_bytes += size

        def end(task: asyncio.Task[bool]) -> None:
            self._writes.discard(task)
            self._written_bytes -= size

        task.add_done_callback(end)


def _check(address: str) -> None:
    if ADDRESS.fullmatch(address) is None:
        raise ValueError("a content address is 64 hexadecimal digits, a dash and 16 more")
