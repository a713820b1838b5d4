"""Work that is under way, done once for all who want its outcome."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from rembolt.server.errors import OverloadedError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

Value = TypeVar("Value")


@dataclass(eq=False, slots=True)
class _Flight(Generic[Value]):
    task: asyncio.Task[Value]
    waiting: int = 0


class Flights(Generic[Value]):
    """The work under way, each piece under its key and in a task of its own.

    It goes on for as long as anyone waits for it, whoever began it, and is cancelled with the last who
    waited. Its outcome, an error too, goes to all who wait, and is not kept.
    """

    def __init__(self) -> None:
        self._flights: dict[str, _Flight[Value]] = {}
        # The event loop itself holds its tasks only weakly, and one that is cancelled is in no flight.
        self._tasks: set[asyncio.Task[Value]] = set()

    def __len__(self) -> int:
        return len(self._flights)

    def waiting(self, key: str) -> int:
        """How many wait for the work under this key."""
        flight = self._flights.get(key)
        return 0 if flight is None else flight.waiting

    async def join(self, key: str, begin: Callable[[], Coroutine[Any, Any, Value]]) -> tuple[Value, bool]:
        """The outcome of the work under this key, which is begun unless it is under way.

        Returns:
            The outcome, and whether the work was under way already.

        Raises:
            OverloadedError: the work was cancelled from elsewhere, as when the service stops.
        """
        flight = self._flights.get(key)
        if flight is None or flight.task.done():
            flight, joined = self._begin(key, begin), False
        else:
            joined = True
        flight.waiting += 1
        try:
            # Unlike awaiting the task, this leaves the task alone when it is cancelled itself.
            await asyncio.wait([flight.task])
        finally:
            flight.waiting -= 1
            if not flight.waiting and not flight.task.done():
                self._forget(key, flight)  # who comes now begins anew
                flight.task.cancel()
        if flight.task.cancelled():
            raise OverloadedError("the work on this photo was stopped before it was done; send it again")
        try:
            return flight.task.result(), joined
        finally:
            del flight  # an error holds this frame, and would hold itself by it until garbage is collected

    async def aclose(self) -> None:
        """Cancel all that is under way, and wait until it has ended."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _begin(self, key: str, begin: Callable[[], Coroutine[Any, Any, Value]]) -> _Flight[Value]:
        flight = self._flights[key] = _Flight(asyncio.create_task(begin()))
        self._tasks.add(flight.task)

        def land(task: asyncio.Task[Value]) -> None:
            self._tasks.discard(task)
            self._forget(key, flight)
            if not task.cancelled():
                task.exception()  # seen, or asyncio complains where nobody waits for it any more

        flight.task.add_done_callback(land)
        return flight

    def _forget(self, key: str, flight: _Flight[Value]) -> None:
        if self._flights.get(key) is flight:
            del self._flights[key]
