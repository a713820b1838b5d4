"""Which web pages may use the service (CORS)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.datastructures import MutableHeaders
from starlette.middleware.cors import CORSMiddleware

if TYPE_CHECKING:
    from starlette.types import Message, Receive, Scope, Send


class Cors(CORSMiddleware):
    """Starlette's, whose answers also tell caches that they depend on who asks.

    An answer to a request without `Origin` lacks the headers that let a page read it. Without `Vary` a cache,
    the browser's own among them, would give that answer to a page too.
    """

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""

        async def send_varied(message: Message) -> None:
            if message["type"] == "http.response.start":
                message.setdefault("headers", [])
                headers = MutableHeaders(scope=message)
                if "origin" not in headers.get("vary", "").lower():
                    headers.add_vary_header("Origin")
            await send(message)

        await super().__call__(scope, receive, send_varied)
