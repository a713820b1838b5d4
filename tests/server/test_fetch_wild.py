"""Whatever a URL or an answer looks like, only the named errors are raised."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from server.web_site import head, moved, ok, photo, site, use_names

from rembolt.errors import UnreadableImageError, UnsupportedImageError
from rembolt.server.addresses import is_global
from rembolt.server.errors import BodyTooLargeError, FetchFailedError, FetchRefusedError
from rembolt.server.fetch import Fetcher, FetchLimits

NAMED = (FetchRefusedError, FetchFailedError, BodyTooLargeError, UnreadableImageError, UnsupportedImageError)
PHOTO = photo()

SCHEMES = st.sampled_from(["http://", "https://", "HTTP://", "http:", "//", "file://", ""]) | st.text(
    max_size=5
)
HOSTS = (
    st.text(max_size=20)
    | st.sampled_from(
        ["127.0.0.1", "localhost", "8.8.8.8", "xn--", "xn--a", "[::1]", "[::1%25lo]", "[v1.a]", "."]
    )
    | st.ip_addresses(v=4).map(str)
    | st.ip_addresses(v=6).map(lambda address: f"[{address}]")
    | st.integers(0, 2**40).map(str)
    | st.integers(0, 2**33).map(hex)
)
PORTS = st.just("") | st.integers(-10, 70_000).map(lambda port: f":{port}") | st.text(max_size=4)
URLS = st.text() | st.builds("".join, st.tuples(SCHEMES, HOSTS, PORTS, st.just("/") | st.text()))


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    """One event loop for all examples."""
    with asyncio.Runner() as running:
        yield running


async def outcome(fetcher: Fetcher, url: str) -> bytes | None:
    try:
        return await fetcher.fetch(url)
    except NAMED:
        return None


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(urls=st.lists(URLS, min_size=1, max_size=5))
def test_any_url(runner: asyncio.Runner, urls: list[str]) -> None:
    async def main() -> None:
        async def nowhere(*args: object, **rest: object) -> None:
            raise OSError("these tests leave the Internet alone")

        loop = asyncio.get_running_loop()
        connect, names = loop.create_connection, loop.getaddrinfo
        use_names()
        loop.create_connection = nowhere
        try:
            for url in urls:
                assert await outcome(fetcher, url) is None
        finally:
            loop.create_connection, loop.getaddrinfo = connect, names

    fetcher = Fetcher(FetchLimits(1000, 30), allowed=is_global)
    runner.run(main())
    runner.run(fetcher.aclose())


@st.composite
def answers(draw: st.DrawFn) -> bytes:
    """An answer, with a piece of it changed or cut out."""
    locations = st.sampled_from(["/", "http://127.0.0.1/", "http://10.0.0.1"]) | st.text(max_size=20)
    whole = draw(
        st.binary(max_size=300)
        | st.just(ok(PHOTO))
        | st.just(head("200 OK", "Transfer-Encoding: chunked") + b"3\r\nGIF\r\n0\r\n\r\n")
        | locations.map(moved)
    )
    begin = draw(st.integers(0, len(whole)))
    end = draw(st.integers(begin, min(begin + 5, len(whole))))
    return whole[:begin] + draw(st.binary(max_size=5)) + whole[end:]


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(answer=answers())
def test_any_answer(runner: asyncio.Runner, answer: bytes) -> None:
    async def main() -> None:
        async with site() as here:
            use_names()
            here.answers["/"] = answer
            fetcher = Fetcher(FetchLimits(10_000, 30), allowed=lambda address: str(address) == "127.0.0.1")
            await outcome(fetcher, f"http://127.0.0.1:{here.port}/")
            await fetcher.aclose()

    runner.run(main())
