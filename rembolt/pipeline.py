"""Many photos at a time: bounded queues, results in order or as they come, errors as values."""

from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor, wait
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from rembolt.cores import take_share, usable_cores
from rembolt.engine.threads import threads_asked_for
from rembolt.errors import RemboltError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable

    from rembolt.profile import Choice

Item = TypeVar("Item")
Result = TypeVar("Result")
Ready = TypeVar("Ready")

AHEAD = 2
"""Items a worker that are taken before the result of the first of them is asked for."""

NOTICE = 0.5
"""Seconds of waiting after which signals are looked for: one just before a wait does not end it."""


class Crew(NamedTuple):
    """Who works on many photos.

    Attributes:
        workers: photos worked on at a time.
        threads: CPU threads that the network gets for each of them.
    """

    workers: int
    threads: int


def crew(workers: int | None = None, threads: int | None = None, measured: Choice | None = None) -> Crew:
    """Share the cores out; what is asked for wins, then `OMP_NUM_THREADS`, then what was measured.

    One worker a core, each with one thread: the stages around the network run on one core anyway, and a
    network that is run on two cores at once, one photo each, does more than on one photo after the other.

    Args:
        workers: photos at a time.
        threads: of each network run.
        measured: what `rembolt tune` found for the model; used where neither of the others was asked for.

    Raises:
        UsageError: `OMP_NUM_THREADS` is not a number of threads.
    """
    cores = usable_cores()
    threads = threads_asked_for(threads)
    if workers is None and threads is None and measured and measured.workers and measured.worker_threads:
        return Crew(measured.workers, measured.worker_threads)
    if workers is None:
        workers = max(1, cores // (threads or 1))
    return Crew(workers, threads or max(1, cores // workers))


class _End(NamedTuple):
    """There are no more items.

    Attributes:
        items: how many there were.
        error: why they ended before their time, or None.
    """

    items: int
    error: BaseException | None = None


def each(
    job: Callable[[Item], Result],
    items: Iterable[Item],
    *,
    workers: int | None = None,
    ordered: bool = True,
) -> Generator[Result | RemboltError]:
    """Do `job` for each item in worker threads.

    At most two items a worker are taken ahead of what was asked for, so memory stays bounded however long
    `items` is. A result is given as soon as it is there, even when the next item is long in coming. Closing
    the iterator early finishes what has begun and drops the rest.

    Args:
        job: called with one item; a `RemboltError` it raises becomes the item's result, anything else is
            raised here.
        items: taken lazily, in a thread of their own; when this is closed while the next item is long in
            coming, that thread waits for it and ends then.
        workers: threads; by default one for each core that may be used.
        ordered: give the results in the items' order; otherwise as they come.
    """
    workers = workers or usable_cores()
    free = threading.Semaphore(AHEAD * workers)
    results: SimpleQueue[Future[Result | RemboltError] | _End] = SimpleQueue()
    closed = threading.Event()
    pool = ThreadPoolExecutor(
        workers, thread_name_prefix="rembolt", initializer=take_share, initargs=(workers,)
    )

    def attempt(item: Item) -> Result | RemboltError:
        try:
            return job(item)
        except RemboltError as error:
            return error

    def feed() -> None:
        taken = 0
        try:
            source = iter(items)
            while True:
                free.acquire()  # before the item, which may be large
                if closed.is_set():
                    return
                try:
                    item = next(source)
                except StopIteration:
                    break
                future = pool.submit(attempt, item)
                taken += 1
                if ordered:
                    results.put(future)
                else:
                    future.add_done_callback(results.put)
        except BaseException as error:  # noqa: BLE001 - raised again where the results are asked for
            results.put(_End(taken, error))
        else:
            results.put(_End(taken))

    threading.Thread(target=feed, name="rembolt-items", daemon=True).start()
    given, end = 0, None
    try:
        while end is None or given < end.items:
            ready = _next(results)
            if isinstance(ready, _End):
                end = ready
                continue
            while not ready.done():
                wait([ready], timeout=NOTICE)
            result = ready.result()
            given += 1
            free.release()
            yield result
        if end.error is not None:
            raise end.error
    finally:
        closed.set()
        free.release()
        pool.shutdown(wait=True, cancel_futures=True)


def _next(results: SimpleQueue[Ready]) -> Ready:
    while True:
        try:
            return results.get(timeout=NOTICE)
        except Empty:
            continue
