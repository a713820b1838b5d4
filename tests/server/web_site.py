"""A little web server on this machine, which may answer any nonsense, and names that lead to it."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from io import BytesIO

import numpy as np
from PIL import Image

Answer = bytes | Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def photo() -> bytes:
    """A PNG file of a few kilobytes."""
    pixels = np.random.default_rng(7).integers(0, 255, (40, 40, 3), dtype=np.uint8)
    file = BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def ok(body: bytes, *headers: str) -> bytes:
    """A whole answer with status 200."""
    return head("200 OK", f"Content-Length: {len(body)}", *headers) + body


def head(status: str, *headers: str) -> bytes:
    """The head of an answer."""
    return "\r\n".join([f"HTTP/1.1 {status}", *headers, "", ""]).encode()


def moved(location: str, status: str = "302 Found") -> bytes:
    """A redirect."""
    return head(status, f"Location: {location}", "Content-Length: 0")


@dataclass
class Site:
    """What a site answers by path, and who came."""

    port: int
    answers: dict[str, Answer] = field(default_factory=dict)
    connections: int = 0
    requests: list[str] = field(default_factory=list)
    gone: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when a client has closed its connection before its answer was complete."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection and close it."""
        self.connections += 1
        try:
            request = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            self.requests.append(request)
            answer = self.answers.get(request.split()[1], head("404 Not Found", "Content-Length: 0"))
            if isinstance(answer, bytes):
                writer.write(answer)
                await writer.drain()
            else:
                await answer(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            self.gone.set()
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    async def until_gone(self, reader: asyncio.StreamReader) -> None:
        """Send nothing more, and wait for the client to leave."""
        await reader.read()
        self.gone.set()


@asynccontextmanager
async def site(
    host: str = "127.0.0.1", port: int = 0, *, tls: ssl.SSLContext | None = None
) -> AsyncIterator[Site]:
    """A site on an address of this machine; `""` means all of them, IPv6 too where there is any."""
    if host == "" and socket.has_dualstack_ipv6():
        listener = socket.create_server((host, port), family=socket.AF_INET6, dualstack_ipv6=True)
    else:
        listener = socket.create_server((host, port))
    here = Site(listener.getsockname()[1])
    busy: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        busy.add(task)
        try:
            await here.serve(reader, writer)
        except asyncio.CancelledError:
            writer.transport.abort()
        finally:
            busy.discard(task)

    server = await asyncio.start_server(serve, sock=listener, ssl=tls)
    try:
        yield here
    finally:
        server.close()
        for task in busy:
            task.cancel()
        while busy:
            await asyncio.sleep(0.005)


@dataclass
class Names:
    """Stands in for the system's names: numbers are read by the system, names are looked up here.

    The last answer of a name is given again and again.
    """

    table: Mapping[str, Sequence[Sequence[str]]]
    asked: list[str] = field(default_factory=list)

    async def getaddrinfo(self, host: str, port: int, **rest: int) -> list[tuple]:
        """Like the event loop's method of this name."""
        self.asked.append(host)
        answers = self.table.get(host)
        if answers is None:
            return socket.getaddrinfo(host, port, type=rest["type"], flags=socket.AI_NUMERICHOST)
        answer = answers[min(self.asked.count(host), len(answers)) - 1]
        return [
            found
            for address in answer
            for found in socket.getaddrinfo(address, port, type=rest["type"], flags=socket.AI_NUMERICHOST)
        ]


def use_names(**table: Sequence[Sequence[str]]) -> Names:
    """Let the running event loop ask a table; underscores in a keyword stand for full stops."""
    names = Names({name.replace("_", "."): answers for name, answers in table.items()})
    asyncio.get_running_loop().getaddrinfo = names.getaddrinfo
    return names


def count_connections() -> list[object]:
    """Let the running event loop write down the address of each connection it is asked to open."""
    loop = asyncio.get_running_loop()
    opened: list[object] = []
    really = loop.create_connection

    async def create_connection(factory: object, *args: object, **rest: object) -> object:
        opened.append(args[0] if args else rest.get("host"))
        return await really(factory, *args, **rest)

    loop.create_connection = create_connection
    return opened
