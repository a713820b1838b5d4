"""The core that all dialects share: orders in, results out, within bounds."""

from __future__ import annotations

import asyncio
import logging
import math
import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING

from rembolt.cores import take_share
from rembolt.engine.batches import watchers
from rembolt.errors import ModelError, RemboltError
from rembolt.images.memory import keep_for
from rembolt.server import metrics
from rembolt.server.errors import OutOfTimeError, OverloadedError
from rembolt.server.sessions import Sessions
from rembolt.server.work import AbandonedError, Watched, cut_out

if TYPE_CHECKING:
    from rembolt.server.cache import Cache
    from rembolt.server.order import Order
    from rembolt.server.result import Result
    from rembolt.server.settings import ServerOptions
    from rembolt.settings import SessionOptions
    from rembolt.timings import Timings

log = logging.getLogger(__name__)

AHEAD = 1
"""Orders given to the threads before one of them is free, so that none waits for the event loop."""


def _begin_thread(workers: int) -> None:
    """Make this thread one of several workers, which give way to the event loop's."""
    take_share(workers)
    if sys.platform == "linux":  # where threads have a priority each
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), os.getpriority(os.PRIO_PROCESS, 0) + 5)


class Service:
    """Cuts out what is ordered, a few photos at a time.

    A network that gains by batches gets them from `rembolt.engine.batches`: whoever finds it idle runs it on
    all that is waiting, so a photo alone is not held up and batches grow with the load. On a CPU nothing is
    gained by them; there each worker runs the network on a core of its own, and a photo that is alone gets
    all cores.

    Args:
        options: of the service.
        session: the default model, and where models run.
        cache: of results.

    Attributes:
        trouble: why the default model cannot be used, if so.
    """

    def __init__(self, options: ServerOptions, session: SessionOptions, cache: Cache) -> None:
        self._options = options
        self._cache = cache
        self._sessions = Sessions(options, session)
        self._workers = 0
        self._threads: ThreadPoolExecutor | None = None
        self._slots = asyncio.Semaphore(0)
        self._waiting = 0
        self._recent = 1.0
        self._stopping = False
        self.trouble: RemboltError | None = None

    @property
    def ready(self) -> bool:
        """Whether the default model is loaded and warm, and the service is not stopping."""
        return self._threads is not None and not self._stopping

    async def warm(self) -> None:
        """Load the default model and run it once; if it cannot be used, that is the service's `trouble`."""
        try:
            self._workers = await asyncio.to_thread(self._sessions.open)
        except RemboltError as error:
            self.trouble = error
            log.error("the service cannot start: %s", error)
            return
        keep_for(self._workers)
        if metrics.batch_size.observe not in watchers:
            watchers.append(metrics.batch_size.observe)
        self._threads = ThreadPoolExecutor(
            self._workers, thread_name_prefix="rembolt", initializer=_begin_thread, initargs=(self._workers,)
        )
        for _ in range(self._workers + AHEAD):
            self._slots.release()

    def full(self) -> OverloadedError | None:
        """What to answer while no more requests may wait; None while some may."""
        if self._threads is None or not self._slots.locked() or self._waiting < self._options.queue:
            return None
        return OverloadedError(
            f"{self._waiting} requests are waiting, which is as many as may; try again later.",
            self._retry_after(),
        )

    async def result(self, order: Order, address: str, timings: dict[str, float]) -> tuple[Result, str]:
        """Give the result of an order.

        Args:
            order: what to do.
            address: its content address.
            timings: gets the seconds of each stage, where the result is computed for this request.

        Returns:
            The result, and where it came from: `computed`, `memory`, `shared` or `joined`.

        Raises:
            OverloadedError: the queue is full, or the time is over.
            RemboltError: the order cannot be done.
        """
        result, source = await self._cache.once(address, partial(self._compute, order, timings))
        metrics.results.labels(source).inc()
        if self._cache.memory is not None:
            metrics.cache_bytes.set(self._cache.memory.bytes_used)
        return result, source

    async def _compute(self, order: Order, timings: dict[str, float]) -> Result:
        if self.trouble is not None:
            raise ModelError(str(self.trouble))
        full = self.full()
        if full is not None:
            raise full
        watched = Watched()
        try:
            async with asyncio.timeout(self._options.timeout):
                await self._take_slot()
                work = asyncio.get_running_loop().run_in_executor(self._threads, self._work, order, watched)
                work.add_done_callback(self._free_slot)
                result = await asyncio.shield(work)
        except TimeoutError:
            raise OutOfTimeError(
                f"this took longer than the limit of {self._options.timeout:g} seconds; try again later.",
                self._retry_after(),
            ) from None
        finally:
            watched.abandoned.set()
        timings.update(watched)
        return result

    async def _take_slot(self) -> None:
        self._waiting += 1
        metrics.queue_depth.set(self._waiting)
        try:
            await self._slots.acquire()
        finally:
            self._waiting -= 1
            metrics.queue_depth.set(self._waiting)

    def _free_slot(self, work: asyncio.Future[Result]) -> None:
        self._slots.release()
        if not work.cancelled():
            work.exception()  # looked at: whoever waits is told, and nobody else need be

    def _work(self, order: Order, timings: Watched) -> Result:
        """In a worker's thread."""
        if timings.abandoned.is_set():  # while it waited for the thread; no model is loaded for nobody
            raise AbandonedError
        with self._sessions.lend(order.session) as remover:
            result = cut_out(order, remover, timings)
        self._note(result, timings)
        return result

    def _note(self, result: Result, timings: Timings) -> None:
        for stage, spent in timings.items():
            metrics.stage_seconds.labels(stage).observe(spent)
        metrics.photos.labels(result.model, result.device).inc()
        metrics.note_memory()
        self._recent += 0.1 * (sum(timings.values()) - self._recent)

    def _retry_after(self) -> int:
        """Seconds until about half of those that wait are done."""
        ahead = self._waiting + self._workers
        return max(1, min(60, math.ceil(0.5 * ahead * self._recent / max(1, self._workers))))

    async def stop(self) -> None:
        """Take nothing new and end what has begun."""
        self._stopping = True
        await self._cache.aclose()
        if self._threads is not None:
            self._threads.shutdown(wait=False, cancel_futures=True)
