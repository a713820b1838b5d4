"""Results in a real Redis; whatever happens to it, a request only finds nothing."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

import pytest
from server.cached import address, result
from server.redis_server import RedisServer, free_port, redis_server

from rembolt.errors import MissingExtraError, UsageError
from rembolt.server.cache import Cache, MemoryCache, RedisCache
from rembolt.server.cache.layers import WRITES
from rembolt.server.cache.shared import CONNECTIONS, PAUSE_SECONDS, WARNING_SECONDS

redis = pytest.importorskip("redis")

HERE = address("here")
SECRET = "s3cret-pass"


class Clock:
    """Seconds that go by when the test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


SHARED = "rembolt.server.cache.shared"


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Sets what a call may take; long at first, as a busy machine is not what is tested here."""

    def set_limit(seconds: float) -> None:
        monkeypatch.setattr(f"{SHARED}.CALL_SECONDS", seconds)
        monkeypatch.setattr(f"{SHARED}.CONNECT_SECONDS", seconds)

    set_limit(30)
    return set_limit


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def server() -> Iterator[RedisServer]:
    with redis_server() as running:
        yield running


@contextlib.asynccontextmanager
async def opened(url: str, clock: Clock | None = None, **options: object) -> AsyncIterator[RedisCache]:
    cache = RedisCache(url, seconds=100, clock=clock or Clock(), **options)
    try:
        yield cache
    finally:
        await cache.aclose()


def raw(server: RedisServer) -> redis.Redis:
    """A client of the test's own, which sees what is really in there."""
    return redis.Redis(unix_socket_path=str(server.socket))


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


def test_what_one_process_keeps_another_finds(server):
    async def scenario() -> None:
        large = result(bytes(range(256)) * 20_000)
        async with opened(server.url) as one, opened(server.url) as other:
            assert await other.get(HERE) is None
            assert await one.put(HERE, large)
            assert await other.get(HERE) == large
            assert (one.failures, other.failures) == (0, 0)

    asyncio.run(scenario())
    with raw(server) as client:
        assert client.keys() == [b"rembolt:" + HERE.encode()]
        assert 90 <= client.ttl("rembolt:" + HERE) <= 100


def test_prefixes_keep_services_apart(server):
    async def scenario() -> None:
        async with opened(server.url, prefix="a:") as one, opened(server.url, prefix="b:") as other:
            await one.put(HERE, result())
            assert await other.get(HERE) is None

    asyncio.run(scenario())


def test_a_file_too_large_to_send_in_time_is_not_shared(server, monkeypatch):
    monkeypatch.setattr(f"{SHARED}.LARGEST_BYTES", 1000)

    async def scenario() -> None:
        async with opened(server.url) as cache:
            assert not await cache.put(HERE, result(bytes(1001)))
            assert await cache.put(HERE, result(bytes(1000)))
            assert cache.failures == 0

    asyncio.run(scenario())


def test_killed_and_started_again(server, clock, caplog):
    async def scenario() -> None:
        async with opened(server.url, clock) as cache:
            await cache.put(HERE, result())
            server.kill()
            assert await cache.get(HERE) is None
            assert not await cache.put(HERE, result())
            server.start()
            assert await cache.get(HERE) is None
            assert not await cache.put(HERE, result()), "it is left alone for a while"
            clock.now += PAUSE_SECONDS
            assert not await cache.put(HERE, result()), "a write does not try whether it is back"
            assert await cache.get(HERE) is None
            assert await cache.put(HERE, result())
            assert await cache.get(HERE) == result()

    asyncio.run(scenario())
    (warning,) = warnings(caplog)
    assert str(server.socket) in warning
    assert "left alone for 5 s" in warning


def test_frozen_and_thawed(server, clock, caplog, patience):
    async def scenario() -> None:
        async with opened(server.url, clock) as cache:
            await cache.put(HERE, result())
            server.freeze()
            patience(0.3)
            assert not await cache.put(HERE, result(bytes(8 << 20)))
            assert await cache.get(HERE) is None
            clock.now += PAUSE_SECONDS
            assert await cache.get(HERE) is None
            server.thaw()
            patience(30)
            clock.now += PAUSE_SECONDS
            assert await cache.get(HERE) is not None
            assert cache.failures == 2

    asyncio.run(scenario())
    assert "no answer within 0.3 s" in caplog.text


def full(client: redis.Redis) -> None:
    client.config_set("maxmemory-policy", "noeviction")
    client.config_set("maxmemory", 1)


def no_longer_full(client: redis.Redis) -> None:
    client.config_set("maxmemory", 0)


def replica(client: redis.Redis) -> None:
    client.replicaof("127.0.0.1", str(free_port()))


def no_longer_replica(client: redis.Redis) -> None:
    client.replicaof("NO", "ONE")


@pytest.mark.parametrize(
    ("refuse", "accept", "reason"),
    [(full, no_longer_full, "maxmemory"), (replica, no_longer_replica, "read only")],
    ids=["full", "replica"],
)
def test_a_redis_that_takes_nothing_still_gives(server, clock, caplog, refuse, accept, reason):
    async def scenario() -> None:
        async with opened(server.url, clock) as cache:
            with raw(server) as client:
                assert await cache.put(HERE, result())
                refuse(client)
                assert not await cache.put(address("more"), result())
                assert await cache.get(HERE) == result()
                accept(client)
                assert not await cache.put(address("more"), result()), "it is not asked again at once"
                assert await cache.get(HERE) == result()
                clock.now += PAUSE_SECONDS
                assert await cache.put(address("more"), result())
                assert cache.failures == 1

    asyncio.run(scenario())
    (warning,) = warnings(caplog)
    assert "takes no results for 5 s" in warning
    assert reason in warning


def test_a_small_redis_fills_up_and_nothing_fails(clock):
    async def scenario(url: str) -> None:
        async with opened(url, clock) as cache:
            kept = []
            for number in range(40):
                if await cache.put(address(number), result(bytes(200_000))):
                    kept.append(number)
                clock.now += PAUSE_SECONDS
            assert 0 < len(kept) < 40
            for number in kept:
                assert await cache.get(address(number)) == result(bytes(200_000))

    with redis_server(maxmemory="4mb", maxmemory_policy="noeviction") as small:
        asyncio.run(scenario(small.url))


def wrapped(name: object, made: bytes) -> bytes:
    return address(name).encode() + made


RUBBISH = {
    "nothing": b"",
    "text": b"hello",
    "random": bytes(range(256)),
    "no address": result().to_bytes(),
    "another's": wrapped("there", result().to_bytes()),
    "only the address": HERE.encode(),
    "cut short": wrapped("here", result().to_bytes()[:-1]),
    "damaged": wrapped("here", result().to_bytes()[:-1] + b"!"),
}


@pytest.mark.parametrize("value", RUBBISH.values(), ids=RUBBISH.keys())
def test_rubbish_under_a_key_is_not_found_and_is_overwritten(server, caplog, value):
    async def scenario() -> None:
        async with opened(server.url) as cache:
            await cache.put(address("fine"), result())
            with raw(server) as client:
                client.set("rembolt:" + HERE, value)
            assert await cache.get(HERE) is None
            assert cache.failures == 1
            assert await cache.get(address("fine")) == result(), "one bad value is no reason for a pause"
            assert await cache.put(HERE, result())
            assert await cache.get(HERE) == result()

    asyncio.run(scenario())
    assert "no result" in warnings(caplog)[0]


def test_a_list_under_a_key_is_not_found_and_is_overwritten(server):
    async def scenario() -> None:
        async with opened(server.url) as cache:
            with raw(server) as client:
                client.rpush("rembolt:" + HERE, "a", "b")
            assert await cache.get(HERE) is None
            assert await cache.put(HERE, result())
            assert await cache.get(HERE) == result()

    asyncio.run(scenario())


Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Impostor:
    """A TCP server that is not Redis; it counts those who came."""

    def __init__(self, answer: Answer) -> None:
        self.came = 0
        self._answer = answer
        self._open: set[asyncio.StreamWriter] = set()

    async def __aenter__(self) -> Impostor:
        self._server = await asyncio.start_server(self._meet, "127.0.0.1", 0)
        self.url = f"redis://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/0"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for writer in self._open:
            writer.transport.abort()

    async def _meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.came += 1
        self._open.add(writer)
        with contextlib.suppress(ConnectionError):
            await self._answer(reader, writer)


async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()


async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()


def saying(words: bytes) -> Answer:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while said := await reader.read(65536):
            writer.write(words * said.count(b"*"))  # what every command begins with
            await writer.drain()

    return answer


async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One reply that drips in and never ends."""
    writer.write(b"+OK\r\n+OK\r\n$1000000000\r\n")
    while not writer.transport.is_closing():
        writer.write(b"x")
        await asyncio.sleep(0.01)


def test_one_that_never_answers_costs_one_time_limit_not_one_each(clock, caplog, patience):
    patience(1)

    async def scenario() -> None:
        async with Impostor(say_nothing) as silent, opened(silent.url, clock) as cache:
            assert await asyncio.gather(*(cache.get(address(number)) for number in range(60))) == [None] * 60
            assert silent.came <= CONNECTIONS
            before = silent.came
            for number in range(60):
                assert await cache.get(address(number)) is None
                assert not await cache.put(address(number), result())
            assert silent.came == before
            clock.now += PAUSE_SECONDS
            assert await asyncio.gather(*(cache.get(address(number)) for number in range(60))) == [None] * 60
            assert silent.came == before + 1, "one tries for all"

    asyncio.run(scenario())
    assert len(warnings(caplog)) == 1


IMPOSTORS = {
    "silence": say_nothing,
    "hang-up": hang_up,
    "endless": endless,
    "web server": saying(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"),
    "noise": saying(bytes(range(256))),
    "no number": saying(b":one\r\n"),
    "no length": saying(b"$one\r\n"),
    "negative length": saying(b"$-5\r\n"),
    "huge length": saying(b"$99999999999999999999\r\n"),
    "nested": saying(b"*1\r\n" * 5000),
    "error": saying(b"-ERR\r\n"),
    "empty error": saying(b"-\r\n"),
    "no sign": saying(b"\r\n\r\n"),
    "all is well": saying(b"+OK\r\n"),
    "numbers": saying(b":1\r\n"),
    "push": saying(b">2\r\n+a\r\n+b\r\n"),
}


@pytest.mark.parametrize("answer", IMPOSTORS.values(), ids=IMPOSTORS.keys())
def test_what_is_not_redis_has_nothing(clock, answer, patience):
    patience(0.5)

    async def scenario() -> None:
        async with Impostor(answer) as impostor, opened(impostor.url, clock) as cache:
            for _ in range(2):
                assert await cache.get(HERE) is None
                await cache.put(HERE, result())
                clock.now += PAUSE_SECONDS
            assert cache.failures
            computed = await Cache(None, cache).once(HERE, coroutine(result()))
            assert computed == (result(), "computed")

    asyncio.run(scenario())


def coroutine(value: object) -> Callable[[], Awaitable[object]]:
    async def compute() -> object:
        return value

    return compute


def test_at_most_one_warning_a_minute(clock, caplog):
    async def scenario() -> None:
        async with opened(f"redis://127.0.0.1:{free_port()}", clock) as cache:
            for second in range(int(WARNING_SECONDS) + 1):
                await cache.get(HERE)
                assert len(warnings(caplog)) == 1 + (second == WARNING_SECONDS)
                clock.now += 1
            assert cache.failures == 13, "once every five seconds"

    asyncio.run(scenario())


def test_passwords_are_used_and_never_logged(clock, caplog):
    async def scenario(port: int) -> None:
        async with opened(f"redis://:{SECRET}@127.0.0.1:{port}/2", clock) as cache:
            assert await cache.put(HERE, result())
            assert await cache.get(HERE) == result()
        assert not warnings(caplog)
        for wrong in (f"redis://:not-{SECRET}@127.0.0.1:{port}", f"redis://127.0.0.1:{port}"):
            async with opened(wrong, clock) as cache:
                assert await cache.get(HERE) is None
                assert not await cache.put(HERE, result())
                assert cache.failures == 1

    caplog.set_level(logging.DEBUG)
    port = free_port()
    with redis_server(port=port, requirepass=SECRET):
        asyncio.run(scenario(port))
    assert len(warnings(caplog)) == 2
    assert f"127.0.0.1:{port}" in caplog.text
    assert SECRET not in caplog.text


@pytest.mark.parametrize(
    "url",
    [
        "",
        "localhost:6379",
        f"http://:{SECRET}@localhost",
        f"redis://:{SECRET}/x@localhost:6379",
        f"redis://:{SECRET}@localhost:port",
        f"redis://:{SECRET}@localhost/0?nonsense=1",
        f"redis://:{SECRET}@localhost/0?protocol=9",
        f"redis://:{SECRET}@localhost/0?max_connections={SECRET}",
        f"redis://[{SECRET}",
    ],
)
def test_a_url_that_is_none_is_refused_at_once_and_not_shown(url):
    with pytest.raises(UsageError, match="redis://HOST:6379/0") as caught:
        RedisCache(url, seconds=1)
    assert SECRET not in str(caught.value)
    assert caught.value.__suppress_context__


def test_without_the_package_it_is_said_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "redis", None)
    with pytest.raises(MissingExtraError, match=r'pip install "rembolt\[server\]"'):
        RedisCache("redis://localhost", seconds=1)


def test_the_package_is_imported_only_when_it_is_used():
    code = "import sys, rembolt.server.cache; print('redis' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=120, check=True)
    assert done.stdout.split() == [b"False"]


def test_callers_who_leave_midway_never_mix_up_replies(server):
    async def scenario() -> None:
        async with opened(server.url) as cache:
            cut = 0
            kept = {address(number): result(b"%d" % number * 5000) for number in range(60)}
            for where, value in kept.items():
                assert await cache.put(where, value)
            for turns in range(12):
                askers = {where: asyncio.create_task(cache.get(where)) for where in kept}
                for _ in range(turns):
                    await asyncio.sleep(0)
                leavers = set(list(kept)[turns % 3 :: 3])
                for where in leavers:
                    askers[where].cancel()
                found = await asyncio.gather(*askers.values(), return_exceptions=True)
                cut += sum(isinstance(value, asyncio.CancelledError) for value in found)
                for where, value in zip(askers, found, strict=True):
                    if where not in leavers or not isinstance(value, asyncio.CancelledError):
                        assert value == kept[where]
            assert cut > 100
            assert cache.failures == 0

    asyncio.run(scenario())


def test_layers_memory_first_then_redis(server):
    async def scenario() -> None:
        one = Cache(MemoryCache(1 << 20), RedisCache(server.url, seconds=100))
        other = Cache(MemoryCache(1 << 20), RedisCache(server.url, seconds=100))
        assert await one.once(HERE, coroutine(result())) == (result(), "computed")
        await one.aclose()
        assert await other.once(HERE, coroutine(None)) == (result(), "shared")
        assert await other.once(HERE, coroutine(None)) == (result(), "memory")
        assert await other.get(HERE) == result()
        assert await other.get(address("there")) is None
        assert other.hits == {"memory": 2, "shared": 1, "joined": 0}
        assert other.misses == 1
        await other.aclose()

    asyncio.run(scenario())


def test_get_brings_it_from_redis_into_memory(server):
    async def scenario() -> None:
        async with opened(server.url) as writer:
            await writer.put(HERE, result())
        cache = Cache(MemoryCache(1 << 20), RedisCache(server.url, seconds=100))
        assert await cache.get(HERE) == result()
        server.kill()
        assert await cache.get(HERE) == result()
        assert cache.hits == {"memory": 1, "shared": 1, "joined": 0}
        await cache.aclose()

    asyncio.run(scenario())


def test_callers_at_the_same_time_ask_redis_once(server):
    async def scenario() -> None:
        cache = Cache(None, RedisCache(server.url, seconds=100))
        assert await cache.once(HERE, coroutine(result())) == (result(), "computed")
        await cache.aclose()
        cache = Cache(None, RedisCache(server.url, seconds=100))
        with raw(server) as client:
            before = client.info("commandstats")["cmdstat_get"]["calls"]
            answers = await asyncio.gather(*(cache.once(HERE, coroutine(None)) for _ in range(20)))
            assert client.info("commandstats")["cmdstat_get"]["calls"] == before + 1
        assert answers == [(result(), "shared"), *[(result(), "joined")] * 19]
        await cache.aclose()

    asyncio.run(scenario())


def test_what_is_on_its_way_arrives_before_it_closes(server):
    async def scenario() -> None:
        cache = Cache(None, RedisCache(server.url, seconds=100))
        for number in range(40):
            cache.put(address(number), result(bytes(100_000)))
        await cache.aclose()
        assert cache.dropped == 0

    asyncio.run(scenario())
    with raw(server) as client:
        assert client.dbsize() == 40


def test_what_is_on_its_way_to_a_frozen_redis_is_bounded(server, patience):
    patience(0.3)

    async def scenario() -> None:
        cache = Cache(MemoryCache(1 << 20), RedisCache(server.url, seconds=100))
        server.freeze()
        for number in range(2 * WRITES):
            cache.put(address(number), result())
        assert cache.dropped == WRITES
        assert await cache.get(address(2 * WRITES - 1)) == result(), "in memory it is"
        await cache.aclose()
        server.thaw()

    asyncio.run(scenario())


def test_bytes_on_their_way_are_bounded(server, monkeypatch):
    monkeypatch.setattr("rembolt.server.cache.layers.WRITTEN_BYTES", 2500)

    async def scenario() -> None:
        cache = Cache(None, RedisCache(server.url, seconds=100))
        for number in range(3):
            cache.put(address(number), result(bytes(1000)))
        assert cache.dropped == 1
        while cache._writes:
            await asyncio.sleep(0.001)
        cache.put(address("later"), result(bytes(2500)))
        assert cache.dropped == 1, "there is room again"
        await cache.aclose()

    asyncio.run(scenario())
    with raw(server) as client:
        assert client.dbsize() == 3
