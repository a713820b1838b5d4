"""Fetching from a little web site of our own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address

import pytest
from server.web_site import Site, photo, site

from rembolt.errors import RemboltError
from rembolt.server.fetch import Fetcher, FetchLimits

PHOTO = photo()
AMPLE = FetchLimits(max_bytes=1_000_000, seconds=30)


def only_here(address: IPv4Address | IPv6Address) -> bool:
    """What these tests allow: the one address that their site has."""
    return address == IPv4Address("127.0.0.1")


async def fetched(
    url: str,
    limits: FetchLimits = AMPLE,
    allowed: Callable[[IPv4Address | IPv6Address], bool] = only_here,
) -> bytes:
    fetcher = Fetcher(limits, allowed=allowed)
    try:
        return await fetcher.fetch(url)
    finally:
        await fetcher.aclose()


def visit(answer: object, limits: FetchLimits = AMPLE) -> tuple[bytes, Site]:
    """Fetch `/photo` from a site that answers so; `answer` may also be a function of the site."""

    async def main() -> tuple[bytes, Site]:
        async with site() as here:
            here.answers["/photo"] = answer(here) if callable(answer) else answer
            return await fetched(f"http://127.0.0.1:{here.port}/photo", limits), here

    return asyncio.run(main())


def refused(answer: object, error: type[RemboltError], limits: FetchLimits = AMPLE) -> str:
    """The sentence of the error with which that fails."""
    with pytest.raises(error) as caught:
        visit(answer, limits)
    assert type(caught.value) is error
    assert "127.0.0.1" not in str(caught.value)
    return str(caught.value)
