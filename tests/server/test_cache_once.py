"""What is asked for several times at once is computed once; who leaves does not spoil it for the rest."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Awaitable, Callable, Coroutine
from functools import wraps
from typing import Any

import pytest
from server.cached import address, result

from rembolt.errors import InputError
from rembolt.server.cache import Cache, MemoryCache
from rembolt.server.errors import OverloadedError
from rembolt.server.result import Result

HERE = address("here")
DONE = result(b"done")


def on_a_loop(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Run a test on a loop of its own; what asyncio complains about afterwards fails it."""

    @wraps(test)
    def run(*given: Any, **named: Any) -> None:
        complaints: list[dict[str, Any]] = []

        async def watched() -> None:
            asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
            await test(*given, **named)
            gc.collect()  # a task complains when it goes

        asyncio.run(watched())
        assert not complaints

    return run


class Work:
    """A computation that says that it began, and ends when it is told to."""

    def __init__(self, outcome: Result | Exception = DONE) -> None:
        self.began = asyncio.Event()
        self.may_end = asyncio.Event()
        self.ended = asyncio.Event()
        self.times = 0
        self.cancelled = 0
        self._outcome = outcome

    async def __call__(self) -> Result:
        self.times += 1
        self.began.set()
        try:
            await self.may_end.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        finally:
            self.ended.set()
        if isinstance(self._outcome, Exception):
            raise self._outcome
        return self._outcome


async def never() -> Result:
    raise AssertionError("this was to be found, not computed")


async def waiting(cache: Cache, count: int, where: str = HERE) -> None:
    """Let the loop turn until this many wait; turning on for ever is a failure of the test."""
    while cache.flights.waiting(where) != count:
        await asyncio.sleep(0)


async def begun(
    cache: Cache, count: int, compute: Callable[[], Awaitable[Result]]
) -> list[asyncio.Task[tuple[Result, str]]]:
    """This many callers for the same address, all of them waiting."""
    callers = [asyncio.create_task(cache.once(HERE, compute)) for _ in range(count)]
    await waiting(cache, count)
    return callers


NEITHER = {"argnames": "memory", "argvalues": [None, 1 << 20], "ids": ["nothing kept", "memory"]}


def cache_of(memory: int | None) -> Cache:
    return Cache(None if memory is None else MemoryCache(memory), None)


@pytest.mark.parametrize(**NEITHER)
@on_a_loop
async def test_callers_at_the_same_time_share_one_computation(memory):
    cache, work = cache_of(memory), Work()
    callers = await begun(cache, 5, work)
    work.may_end.set()
    assert await asyncio.gather(*callers) == [(DONE, "computed"), *[(DONE, "joined")] * 4]
    assert work.times == 1
    assert cache.hits == {"memory": 0, "shared": 0, "joined": 4}
    assert cache.misses == 1
    assert len(cache.flights) == 0


@on_a_loop
async def test_afterwards_it_is_in_memory():
    cache, work = cache_of(1 << 20), Work()
    work.may_end.set()
    assert await cache.once(HERE, work) == (DONE, "computed")
    assert await cache.once(HERE, never) == (DONE, "memory")
    assert await cache.get(HERE) is DONE
    assert (cache.hits["memory"], cache.misses) == (2, 1)


@on_a_loop
async def test_with_nothing_kept_it_is_computed_again():
    cache, work = cache_of(None), Work()
    work.may_end.set()
    assert await cache.once(HERE, work) == (DONE, "computed")
    assert await cache.once(HERE, work) == (DONE, "computed")
    assert await cache.get(HERE) is None
    assert (work.times, cache.misses) == (2, 3)


@on_a_loop
async def test_other_addresses_do_not_wait_for_each_other():
    cache, slow, quick = cache_of(1 << 20), Work(), Work(result(b"quick"))
    (caller,) = await begun(cache, 1, slow)
    quick.may_end.set()
    assert await cache.once(address("there"), quick) == (result(b"quick"), "computed")
    assert not caller.done()
    slow.may_end.set()
    assert await caller == (DONE, "computed")


@pytest.mark.parametrize(**NEITHER)
@on_a_loop
async def test_when_the_one_who_began_leaves_the_others_get_it(memory):
    cache, work = cache_of(memory), Work()
    first, *others = await begun(cache, 3, work)
    await work.began.wait()
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    await waiting(cache, 2)
    late = asyncio.create_task(cache.once(HERE, never))
    await waiting(cache, 3)
    work.may_end.set()
    assert await asyncio.gather(*others, late) == [(DONE, "joined")] * 3
    assert (work.times, work.cancelled) == (1, 0)


@on_a_loop
async def test_when_one_who_joined_leaves_the_rest_goes_on():
    cache, work = cache_of(None), Work()
    first, second, third = await begun(cache, 3, work)
    second.cancel()
    await waiting(cache, 2)
    work.may_end.set()
    assert await asyncio.gather(first, third) == [(DONE, "computed"), (DONE, "joined")]
    assert second.cancelled()


@on_a_loop
async def test_when_all_leave_it_is_cancelled_and_nothing_is_kept():
    cache, work = cache_of(1 << 20), Work()
    callers = await begun(cache, 3, work)
    await work.began.wait()
    for caller in callers:
        caller.cancel()
    await work.ended.wait()
    assert work.cancelled == 1
    assert [type(outcome) for outcome in await asyncio.gather(*callers, return_exceptions=True)] == [
        asyncio.CancelledError
    ] * 3
    assert len(cache.memory) == len(cache.flights) == 0
    again = Work()
    again.may_end.set()
    assert await cache.once(HERE, again) == (DONE, "computed")


@on_a_loop
async def test_who_comes_while_it_is_being_cancelled_begins_anew():
    cache = cache_of(1 << 20)
    unwinding, may_unwind, unwound = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def reluctant() -> Result:
        try:
            await asyncio.Event().wait()
        finally:
            unwinding.set()
            await may_unwind.wait()
            unwound.set()
        return DONE

    (caller,) = await begun(cache, 1, reluctant)
    await asyncio.sleep(0)  # the computation runs to where it waits
    caller.cancel()
    await unwinding.wait()
    fresh = Work(result(b"fresh"))
    second = asyncio.create_task(cache.once(HERE, fresh))
    await fresh.began.wait()
    may_unwind.set()
    await unwound.wait()
    await asyncio.sleep(0)
    assert cache.flights.waiting(HERE) == 1, "the old one's end took the new one away"
    fresh.may_end.set()
    assert await second == (result(b"fresh"), "computed")


@on_a_loop
async def test_an_error_goes_to_all_and_is_not_kept():
    cache, work = cache_of(1 << 20), Work(InputError("not a photo"))
    callers = await begun(cache, 3, work)
    work.may_end.set()
    outcomes = await asyncio.gather(*callers, return_exceptions=True)
    assert [str(outcome) for outcome in outcomes] == ["not a photo"] * 3
    assert all(isinstance(outcome, InputError) for outcome in outcomes)
    assert cache.hits["joined"] == 0
    right = Work()
    right.may_end.set()
    assert await cache.once(HERE, right) == (DONE, "computed")


@on_a_loop
async def test_an_error_that_nobody_waits_for_is_no_noise():
    cache = cache_of(None)
    ended = asyncio.Event()

    async def fails_when_cancelled() -> Result:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
            raise InputError("while it was cleaned up")
        return DONE

    (caller,) = await begun(cache, 1, fails_when_cancelled)
    await asyncio.sleep(0)
    caller.cancel()
    await ended.wait()
    await asyncio.sleep(0)


@on_a_loop
async def test_a_callers_time_limit_is_its_own():
    cache, work = cache_of(None), Work()
    (patient,) = await begun(cache, 1, work)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await cache.once(HERE, never)
    work.may_end.set()
    assert await patient == (DONE, "computed")


@on_a_loop
async def test_a_stop_ends_what_is_computed_and_says_so():
    cache, work = cache_of(None), Work()
    callers = await begun(cache, 2, work)
    await work.began.wait()
    await cache.aclose()
    assert work.cancelled == 1
    for outcome in await asyncio.gather(*callers, return_exceptions=True):
        assert isinstance(outcome, OverloadedError)
        assert outcome.http_status == 503


@pytest.mark.parametrize(
    "wrong", ["", "a", HERE.upper(), HERE + "\n", " " + HERE, HERE.replace("-", "_"), f"../{HERE}", HERE * 2]
)
@on_a_loop
async def test_what_is_no_address_has_no_result(wrong):
    cache = cache_of(1 << 20)
    assert await cache.get(wrong) is None
    with pytest.raises(ValueError, match="content address"):
        await cache.once(wrong, never)
    with pytest.raises(ValueError, match="content address"):
        cache.put(wrong, DONE)
    assert len(cache.memory) == 0


@on_a_loop
async def test_many_callers_who_come_and_go():
    """However callers interleave: those who stay get the result of one computation at a time."""
    cache = cache_of(None)
    running = most = 0

    async def compute() -> Result:
        nonlocal running, most
        running += 1
        most = max(most, running)
        try:
            for _ in range(3):
                await asyncio.sleep(0)
            return DONE
        finally:
            running -= 1

    callers = []
    for turn in range(300):
        callers.append(asyncio.create_task(cache.once(HERE, compute)))
        if turn % 3 == 0:
            callers[turn // 2].cancel()
        if turn % 2:
            await asyncio.sleep(0)
    outcomes = await asyncio.gather(*callers, return_exceptions=True)
    stayed = [outcome for outcome in outcomes if not isinstance(outcome, asyncio.CancelledError)]
    assert len(stayed) >= 200
    assert {outcome[0] for outcome in stayed} == {DONE}
    assert most <= 2, "one that is being cancelled, and its successor"
    assert running == len(cache.flights) == 0
