"""What all dialects are given: the way from a request to a result."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from rembolt.server.errors import FetchingOffError
from rembolt.server.header import check_header
from rembolt.server.keys import client_of
from rembolt.server.order import NO_EXTRAS, Extras

if TYPE_CHECKING:
    from collections.abc import Awaitable, Mapping

    from starlette.requests import Request

    from rembolt.server.cache import Cache
    from rembolt.server.fetch import Fetcher
    from rembolt.server.order import Order, Orders
    from rembolt.server.rates import Rate, Rates
    from rembolt.server.result import Result
    from rembolt.server.service import Service
    from rembolt.server.settings import ServerOptions


class ClientGoneError(Exception):
    """The client left; there is nobody to answer."""


class Answer(NamedTuple):
    """A result for one request.

    Attributes:
        result: the result.
        address: its content address.
        source: where it came from, see `Cache.once`.
        timings: seconds of each stage, where it was computed for this request.
        rate: where the client stands, None where there is no limit.
    """

    result: Result
    address: str
    source: str
    timings: Mapping[str, float]
    rate: Rate | None


@dataclass(frozen=True)
class Core:
    """The parts of a serving process."""

    options: ServerOptions
    orders: Orders
    service: Service
    cache: Cache
    rates: Rates
    fetcher: Fetcher | None

    async def admit(self, request: Request) -> None:
        """Refuse a request when there is no room for it, before any work is spent on its body.

        The body is read all the same, and dropped: most clients do not look for an answer before they have
        sent it.

        Raises:
            OverloadedError: the queue is full.
        """
        full = self.service.full()
        if full is not None:
            async for _ in request.stream():
                pass
            raise full

    async def answer(
        self, request: Request, photo: bytes, values: Mapping[str, Any], extras: Extras = NO_EXTRAS
    ) -> Answer:
        """Do what a request asks for, as long as its client is there.

        Args:
            request: whose body has been read.
            photo: the file's bytes.
            values: options, see `fields.read`.
            extras: what only some dialects ask for.

        Raises:
            RemboltError: it cannot be done.
            ClientGoneError: the client left.
        """
        order, address, megapixels = await asyncio.to_thread(self._prepare, photo, values, extras)
        rate = self.rates.spend(client_of(request), megapixels)
        timings: dict[str, float] = {}
        result, source = await _while_there(request, self.service.result(order, address, timings))
        answer = Answer(result, address, source, timings, rate)
        request.state.answer = answer  # for the log
        return answer

    def _prepare(self, photo: bytes, values: Mapping[str, Any], extras: Extras) -> tuple[Order, str, float]:
        """Check all that can be checked before the photo's turn comes, and hash it."""
        width, height = check_header(photo, self.options)
        order = self.orders.order(photo, values, extras)
        return order, order.address, width * height / 1e6

    async def fetch(self, request: Request, url: str) -> bytes:
        """Fetch a photo.

        Args:
            request: that asks for it; the photo's bytes count as if it had brought them.
            url: where the photo is.

        Raises:
            FetchingOffError: this server does not.
            RemboltError: see `Fetcher.fetch`.
        """
        if self.fetcher is None:
            raise FetchingOffError("this server fetches no URLs; send the photo itself.")
        photo = await self.fetcher.fetch(url)
        request.state.body.add(len(photo))
        return photo


async def _while_there(request: Request, work: Awaitable[tuple[Result, str]]) -> tuple[Result, str]:
    task = asyncio.ensure_future(work)
    gone = asyncio.ensure_future(_disconnected(request))
    try:
        await asyncio.wait({task, gone}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            return task.result()
        raise ClientGoneError
    finally:
        task.cancel()
        gone.cancel()
        del task, gone  # an error holds this frame, and would hold itself by it until garbage is collected


async def _disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
