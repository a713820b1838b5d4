"""The way in: what a request's body may be, enforced while it arrives, for all routes alike."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from rembolt.server import metrics
from rembolt.server.errors import BadRequestError, BodyTooLargeError, OverloadedError, SlowClientError

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from rembolt.server.settings import ServerOptions


MOST_PIECES = 10_000
PIECE_BYTES = 100
"""A body may come in so many pieces, and one more for each so many bytes: each takes time of its own."""


class Intake:
    """Counts the bytes of bodies as they arrive, and the seconds they take.

    What is over a limit is raised from `receive`, so in the handler that wants the body: it becomes an answer
    like any other error, and a handler that wants no body does not care.

    Args:
        app: the application.
        options: of the service.
    """

    def __init__(self, app: ASGIApp, options: ServerOptions) -> None:
        self._app = app
        self._options = options
        self._held = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        body = _Body(self, _content_length(scope), receive)
        scope.setdefault("state", {})["body"] = body
        try:
            await self._app(scope, body.receive, send)
        finally:
            self._hold(-body.bytes)

    def _hold(self, count: int) -> None:
        self._held += count
        metrics.body_bytes.set(self._held)

    def check(self, count: int) -> None:
        """Refuse a body of so many bytes.

        Raises:
            BodyTooLargeError: nobody may send so much.
        """
        most = self._options.max_bytes
        if count > most:
            raise BodyTooLargeError(f"the body has more than {most} bytes; send a smaller photo.")

    def take(self, count: int) -> None:
        """Make room for so many more bytes.

        Raises:
            OverloadedError: all bodies together have too many.
        """
        self._hold(count)
        if self._held > self._options.max_memory:
            raise OverloadedError("too many photos are arriving at the same time; try again later.")

    @property
    def seconds(self) -> float:
        """How long a body may take."""
        return self._options.upload_timeout


class _Body:
    """One request's body."""

    def __init__(self, intake: Intake, announced: int | None, receive: Receive) -> None:
        self._intake = intake
        self._announced = announced
        self._receive = receive
        self._deadline: float | None = None
        self._ended = False
        self._pieces = 0
        self.bytes = 0

    async def receive(self) -> Message:
        """The next message.

        Raises:
            BadRequestError: the announced length is no number, or the pieces are too small.
            BodyTooLargeError, OverloadedError: see `Intake`.
            SlowClientError: the body takes too long.
        """
        if self._ended:
            return await self._receive()
        if self._deadline is None:
            self._deadline = asyncio.get_running_loop().time() + self._intake.seconds
            if self._announced is not None:
                if self._announced < 0:
                    raise BadRequestError("Content-Length is not a number of bytes.")
                self._intake.check(self._announced)
        try:
            async with asyncio.timeout_at(self._deadline):
                message = await self._receive()
        except TimeoutError:
            raise SlowClientError(
                f"the body did not arrive within {self._intake.seconds:g} seconds; send a smaller photo."
            ) from None
        if message["type"] == "http.request":
            count = len(message.get("body", b""))
            self.add(count)
            self._intake.check(self.bytes)
            self._pieces += 1
            if self._pieces > MOST_PIECES + self.bytes // PIECE_BYTES:
                raise BadRequestError("the body comes in too small pieces; send it in larger ones.")
            self._ended = not message.get("more_body", False)
        return message

    def add(self, count: int) -> None:
        """Count so many bytes more as this request's.

        Raises:
            OverloadedError: see `Intake.take`.
        """
        self.bytes += count
        self._intake.take(count)


def _content_length(scope: Scope) -> int | None:
    """The length that a request announces, None without one, -1 for what is none."""
    for name, value in scope["headers"]:
        if name == b"content-length":
            return int(value) if value.isdigit() else -1
    return None
