"""Many photos: a few at a time, results in order, errors as values."""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

from rembolt.engine.threads import usable_cores
from rembolt.errors import RemboltError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

Item = TypeVar("Item")
Result = TypeVar("Result")


def map_in_order(
    job: Callable[[Item], Result], items: Iterable[Item], workers: int | None = None
) -> Iterator[Result | RemboltError]:
    """Do `job` for each item in worker threads and yield the results in the items' order.

    At most two items a worker are taken ahead of the one whose result is asked for, so memory stays
    bounded however long `items` is. Closing the iterator early drops what has not begun.

    Args:
        job: called with one item; a `RemboltError` it raises becomes the item's result.
        items: taken lazily.
        workers: threads; by default one for each core that may be used.
    """
    workers = workers or usable_cores()

    def attempt(item: Item) -> Result | RemboltError:
        try:
            return job(item)
        except RemboltError as error:
            return error

    pool = ThreadPoolExecutor(workers, thread_name_prefix="rembolt")
    pending: deque[Future[Result | RemboltError]] = deque()
    try:
        for item in items:
            pending.append(pool.submit(attempt, item))
            if len(pending) >= 2 * workers:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
