"""A fetch ends when its time is up, and takes nothing along."""

from __future__ import annotations

import asyncio
import socket

import pytest
from server.visits import AMPLE, PHOTO, fetched, only_here, refused
from server.web_site import Site, head, moved, ok, site

from rembolt.server.addresses import is_global
from rembolt.server.errors import FetchFailedError, FetchRefusedError
from rembolt.server.fetch import Fetcher, FetchLimits
from rembolt.server.pinned import LOOKUPS_AT_ONCE

HASTY = FetchLimits(max_bytes=1_000_000, seconds=0.4)


@pytest.mark.parametrize("where", ["before the head", "in the head", "in the body", "between drops"])
def test_what_takes_too_long_is_given_up(where: str) -> None:
    def answer(here: Site) -> object:
        async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            if where == "in the head":
                writer.write(b"HTTP/1.1 200 OK\r\nContent-")
            if where == "in the body":
                writer.write(ok(PHOTO)[:-1])
            if where == "between drops":
                writer.write(head("200 OK") + PHOTO)
                while not writer.transport.is_closing():
                    writer.write(b"\0")
                    await writer.drain()
                    await asyncio.sleep(0.02)
            await here.until_gone(reader)

        return slow

    assert "0.4 seconds" in refused(answer, FetchFailedError, HASTY)


def test_redirects_share_one_time_limit() -> None:
    def answer(here: Site) -> object:
        async def hesitate(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await asyncio.sleep(HASTY.seconds / 3)
            writer.write(moved("/photo"))

        return hesitate

    assert "seconds" in refused(answer, FetchFailedError, HASTY._replace(redirects=1000))


def test_names_that_take_too_long_hold_few_threads() -> None:
    async def main() -> None:
        answered, under_way, most = asyncio.Event(), 0, 0

        async def getaddrinfo(host: str, port: int, **rest: object) -> list[tuple]:
            nonlocal under_way, most
            under_way += 1
            most = max(most, under_way)
            await answered.wait()
            under_way -= 1
            raise OSError("too late for anyone to hear")

        asyncio.get_running_loop().getaddrinfo = getaddrinfo
        fetcher = Fetcher(HASTY, allowed=is_global)
        given_up = await asyncio.gather(
            *(fetcher.fetch(f"http://slow{i}.example/") for i in range(3 * LOOKUPS_AT_ONCE)),
            return_exceptions=True,
        )
        assert [type(error) for error in given_up] == [FetchFailedError] * (3 * LOOKUPS_AT_ONCE)
        assert most == under_way == LOOKUPS_AT_ONCE
        answered.set()
        with pytest.raises(FetchRefusedError):  # their places are free again
            await fetcher.fetch("http://another.example/")
        assert under_way == 0
        await fetcher.aclose()

    asyncio.run(main())


def test_no_name_server_is_a_failure_not_a_refusal() -> None:
    async def main() -> None:
        async def getaddrinfo(host: str, port: int, **rest: object) -> list[tuple]:
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

        asyncio.get_running_loop().getaddrinfo = getaddrinfo
        with pytest.raises(FetchFailedError, match="looked up"):
            await fetched("http://photos.example/")

    asyncio.run(main())


def test_a_fetch_that_is_cancelled_leaves_its_connection() -> None:
    async def main() -> None:
        async with site() as here:
            begun = asyncio.Event()

            async def stall(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                writer.write(ok(PHOTO)[:-1])
                begun.set()
                await here.until_gone(reader)

            here.answers |= {"/stall": stall, "/": ok(PHOTO)}
            fetcher = Fetcher(AMPLE, allowed=only_here)
            task = asyncio.create_task(fetcher.fetch(f"http://127.0.0.1:{here.port}/stall"))
            await begun.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await asyncio.wait_for(here.gone.wait(), 30)
            assert await fetcher.fetch(f"http://127.0.0.1:{here.port}/") == PHOTO
            await fetcher.aclose()
            assert await fetcher.fetch(f"http://127.0.0.1:{here.port}/") == PHOTO  # it opens again
            await fetcher.aclose()

    asyncio.run(main())


def test_many_are_fetched_at_the_same_time() -> None:
    async def main() -> None:
        async with site() as here:
            here.answers["/"] = ok(PHOTO)
            fetcher = Fetcher(AMPLE, allowed=only_here)
            url = f"http://127.0.0.1:{here.port}/"
            assert await asyncio.gather(*(fetcher.fetch(url) for _ in range(50))) == [PHOTO] * 50
            await fetcher.aclose()
            assert here.connections == 50

    asyncio.run(main())
