"""Connections to the very addresses that were checked.

A guard that looks a name up, checks the addresses and then hands the *name* to an HTTP client has checked
nothing: the client looks it up again and may get another answer. Here a name is looked up once for each
connection, every address of the answer is checked, and one of those is connected to. TLS, above this, still
asks for and verifies the name.
"""

from __future__ import annotations

import asyncio
import socket
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, Final

import httpcore

from rembolt.server.errors import FetchFailedError, FetchRefusedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from rembolt.server.addresses import Address

LOOKUPS_AT_ONCE: Final = 4
"""Name look-ups under way at the same time; each holds a thread that others need, and cannot be stopped."""

_ADDRESSES_TRIED: Final = 4

# The same words whether a name does not exist, is not public, or is half public: the difference would let
# anyone list the names and addresses of the network the service stands in.
_REFUSAL: Final = (
    "The URL leads to a host that does not exist or is not on the public Internet;"
    " give the address of an image that anyone can open."
)


class PinnedBackend(httpcore.AsyncNetworkBackend):
    """Opens TCP connections for httpcore, to allowed addresses only.

    Args:
        allowed: which addresses may be connected to.
        seconds: what a fetch may take in all; an address that does not answer gets a share of it.
    """

    def __init__(self, allowed: Callable[[Address], bool], seconds: float) -> None:
        self._allowed = allowed
        self._seconds = seconds
        self._sockets = httpcore.AnyIOBackend()
        self._lookups = asyncio.Semaphore(LOOKUPS_AT_ONCE)

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Look the host up, check what it is, and connect.

        Args:
            host: a name, or an address in any notation that the operating system understands.
            port: 1 to 65535.
            timeout: seconds for each address tried; None for a share of the whole time.
            local_address: where to connect from.
            socket_options: as for `socket.setsockopt`.

        Returns:
            The connection.

        Raises:
            FetchRefusedError: the host does not exist, or one of its addresses is not allowed; nothing was
                connected to.
            FetchFailedError: no name server answers.
            httpcore.ConnectError: none of the addresses takes the connection.
            httpcore.ConnectTimeout: as above, and the last one did not answer.
        """
        addresses = await self._look_up(host, port)
        if not addresses or not all(self._allowed(address) for address in addresses):
            raise FetchRefusedError(_REFUSAL)
        tried = addresses[:_ADDRESSES_TRIED]
        share = self._seconds / (len(tried) + 1) if timeout is None else timeout
        for address in tried:
            try:
                # A literal address is not looked up again, neither by anyio nor by asyncio.
                return await self._sockets.connect_tcp(
                    str(address),
                    port,
                    timeout=share,
                    local_address=local_address,
                    socket_options=socket_options,
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                if address == tried[-1]:
                    raise
        raise AssertionError("the last address was tried")  # pragma: no cover

    async def _look_up(self, host: str, port: int) -> list[Address]:
        """All addresses of a host in the system's order, none when there is no such host."""
        await self._lookups.acquire()
        loop = asyncio.get_running_loop()
        lookup = asyncio.ensure_future(loop.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        lookup.add_done_callback(self._looked_up)
        try:
            # Its thread goes on when the fetch is given up, so its place is given back only when it ends.
            answers = await asyncio.shield(lookup)
            return list(dict.fromkeys(ip_address(answer[4][0]) for answer in answers))
        except socket.gaierror as error:
            if error.errno == socket.EAI_AGAIN:
                raise FetchFailedError(
                    "The host of the URL could not be looked up; try again later, or send the image itself."
                ) from error
            return []
        except (OSError, ValueError):  # ValueError: a label over 63 letters, an address that is none
            return []

    def _looked_up(self, lookup: asyncio.Future[Any]) -> None:
        self._lookups.release()
        if not lookup.cancelled():
            lookup.exception()  # taken, or asyncio complains about look-ups nobody waits for any more
