"""Results in Redis, where all processes and machines of a service find them.

Redis is a help, never a need: whatever is wrong with it, a request is answered as if nothing had been kept.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from typing import TYPE_CHECKING, Any

from rembolt.errors import UsageError
from rembolt.extras import load_extra
from rembolt.server.cache.pause import Pause
from rembolt.server.result import Result

if TYPE_CHECKING:
    from collections.abc import Callable

    from redis.asyncio import Redis

log = logging.getLogger(__name__)

CONNECT_SECONDS = 0.5
CALL_SECONDS = 1.0
"""What a call may take in all: waiting for its turn, connecting, sending and receiving."""

PAUSE_SECONDS = 5.0
WARNING_SECONDS = 60.0
CONNECTIONS = 16
LARGEST_BYTES = 32 << 20
"""A larger file is not shared: sending it could take longer than a call may."""


class RedisCache:
    """Results in Redis, each for a number of seconds. For one event loop.

    Redis being down, slow, full or not Redis at all, and values under our keys that are not ours, count as
    not found. They are logged as a warning, at most one a minute. After a failed call Redis is left alone
    for a few seconds; after a refused write (it is full, or a replica) only writes are.

    Args:
        url: `redis://`, `rediss://` or `unix://`, with credentials if needed; it is never logged.
        seconds: how long a result is kept, at least 1.
        prefix: what our keys begin with.
        clock: seconds that only go up.

    Attributes:
        failures: how many calls failed and values were unusable.

    Raises:
        UsageError: the URL is not one of Redis.
        MissingExtraError: the package `redis` is not installed.
    """

    def __init__(
        self,
        url: str,
        *,
        seconds: int,
        prefix: str = "rembolt:",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.failures = 0
        self._client = _client(url)
        pool = self._client.connection_pool
        self._place = _place(pool.connection_kwargs)
        self._seconds = seconds
        self._prefix = prefix
        self._clock = clock
        self._turn = asyncio.Semaphore(min(CONNECTIONS, pool.max_connections))
        self._pause = Pause(PAUSE_SECONDS, clock)
        self._pause_of_writes = Pause(PAUSE_SECONDS, clock)
        self._silent_until: float | None = None

    async def get(self, address: str) -> Result | None:
        """The result under this address, or None. It takes at most about a second, and never fails."""
        value: object
        try:
            async with asyncio.timeout(CALL_SECONDS), self._turn:
                if not self._pause.may_try():
                    return None
                value = await self._client.get(self._prefix + address)
        except Exception as error:  # noqa: BLE001 - what is not Redis makes the client raise nearly anything
            if str(error).startswith("WRONGTYPE"):  # there is something else than a string under our key
                self._pause.end()
                self._warn("holds something that is no result")
            else:
                self._pause.begin()
                self._warn(f"is left alone for {PAUSE_SECONDS:g} s: {_reason(error)}")
            return None
        self._pause.end()
        if value is None:
            return None
        try:
            return _unwrap(address, value)
        except ValueError as error:
            self._warn(f"holds something that is no result: {error}")
            return None

    async def put(self, address: str, result: Result) -> bool:
        """Keep a result; whether it was kept. It takes at most about a second, and never fails."""
        # After a failure, only `get` tries whether Redis is back: what a write had sent to a Redis that
        # does not read would stay in this process's memory.
        if self._pause.on or len(result.data) > LARGEST_BYTES:
            return False
        value = _wrap(address, result)
        try:
            async with asyncio.timeout(CALL_SECONDS), self._turn:
                if self._pause.on or not self._pause_of_writes.may_try():
                    return False
                await self._client.set(self._prefix + address, value, ex=self._seconds)
        except Exception as error:  # noqa: BLE001 - as above
            if _is_refusal(error):
                self._pause_of_writes.begin()
                self._warn(f"takes no results for {PAUSE_SECONDS:g} s: {_reason(error)}")
            else:
                self._pause.begin()
                self._warn(f"is left alone for {PAUSE_SECONDS:g} s: {_reason(error)}")
            return False
        self._pause_of_writes.end()
        return True

    async def aclose(self) -> None:
        """Close all connections."""
        with contextlib.suppress(Exception):
            async with asyncio.timeout(CALL_SECONDS):
                await self._client.aclose()

    def _warn(self, what: str) -> None:
        self.failures += 1
        now = self._clock()
        if self._silent_until is None or now >= self._silent_until:
            self._silent_until = now + WARNING_SECONDS
            log.warning("The Redis at %s %s", self._place, what)


def _client(url: str) -> Redis:
    redis = load_extra(
        "redis",
        "the package redis",
        absent="results are shared with the package redis, which is not installed; install it with: "
        'pip install "rembolt[server]"',
        reinstall="redis",
    )
    from redis.asyncio.retry import Retry
    from redis.backoff import NoBackoff
    from redis.exceptions import RedisError

    try:
        client: Redis = redis.asyncio.Redis.from_url(
            url,
            protocol=2,
            retry=Retry(NoBackoff(), 0),
            socket_connect_timeout=CONNECT_SECONDS,
            socket_timeout=None,  # the whole call has its limit
        )
        pool: Any = client.connection_pool
        pool.make_connection()  # it does not connect, but says which options are wrong
    except (ValueError, TypeError, RedisError):
        # Neither the URL nor what is wrong with it is shown: both may hold the password.
        raise UsageError(
            "the URL of Redis cannot be used; give redis://HOST:6379/0, rediss://HOST:6379/0 or "
            "unix:///PATH/TO/SOCKET, with % codes for special characters in a password"
        ) from None
    return client


def _place(options: dict[str, object]) -> str:
    path = options.get("path")
    return str(path) if path else f"{options.get('host', 'localhost')}:{options.get('port', 6379)}"


def _wrap(address: str, result: Result) -> bytes:
    """A result as a value. It begins with its address, so that it is never answered under another.

    A client that lost step on a connection takes one reply for another; here that would hand someone a
    stranger's photo.
    """
    return address.encode() + result.to_bytes()


def _unwrap(address: str, value: object) -> Result:
    """What `_wrap` made of the result with this address; a ValueError if it is anything else."""
    if not isinstance(value, bytes):
        raise ValueError("it is not bytes")
    head = address.encode()
    if not value.startswith(head):
        raise ValueError("it does not begin with its address")
    return Result.from_bytes(memoryview(value)[len(head) :])


def _is_refusal(error: Exception) -> bool:
    """Whether Redis is there and said no."""
    from redis.exceptions import ResponseError

    return isinstance(error, ResponseError)


def _reason(error: Exception) -> str:
    """One short line."""
    if isinstance(error, TimeoutError):
        return f"no answer within {CALL_SECONDS:g} s"
    first = str(error).partition("\n")[0]
    text = "".join(letter for letter in first if letter.isprintable())
    return f"{type(error).__name__}, {text[:120]}" if text else type(error).__name__
