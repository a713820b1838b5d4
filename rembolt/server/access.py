"""The log of requests: one line each, with what was done and how long its stages took."""

from __future__ import annotations

import logging
import re
import time
import uuid
from typing import TYPE_CHECKING, Any

from rembolt.server import metrics

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = logging.getLogger("rembolt.server.access")

_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")

CLIENT_GONE = 499
"""nginx's status of a request whose client left."""


class Access:
    """Gives each request an id, answers it in `X-Request-Id`, and logs the request when it has ended.

    Args:
        app: the application. What its handlers set on `request.state` (`dialect`, `answer`, `error`) is
            logged.
        failed: answers a request that met an error nobody expected.
    """

    def __init__(self, app: ASGIApp, failed: ASGIApp) -> None:
        self._app = app
        self._failed = failed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        start = time.perf_counter()
        request_id = _given_id(scope) or uuid.uuid4().hex[:16]
        state = scope.setdefault("state", {})
        status = CLIENT_GONE

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [
                    *message["headers"],
                    (b"x-request-id", request_id.encode()),
                    (b"x-content-type-options", b"nosniff"),
                ]
            await send(message)

        try:
            await self._app(scope, receive, send_with_id)
        except Exception:
            log.exception("request %s failed", request_id)
            if status != CLIENT_GONE:  # the answer has begun: only its end can be missing
                raise
            await self._failed(scope, receive, send_with_id)
        finally:
            spent = time.perf_counter() - start
            if dialect := state.get("dialect"):
                metrics.requests.labels(dialect, str(status)).inc()
                metrics.request_seconds.labels(dialect).observe(spent)
                if status == CLIENT_GONE:
                    metrics.abandoned.inc()
            level = logging.INFO if dialect else logging.DEBUG
            if log.isEnabledFor(level):
                facts = {"id": request_id, "status": status, "ms": round(spent * 1000, 1), **_facts(state)}
                log.log(level, "%s %s", scope["method"], scope["path"], extra={"facts": facts})


def _given_id(scope: Scope) -> str | None:
    """The id that a proxy gave the request; anything that is not plain is not believed."""
    for name, value in scope["headers"]:
        if name == b"x-request-id" and _REQUEST_ID.fullmatch(value):
            return str(value, "ascii")
    return None


def _facts(state: dict[str, Any]) -> dict[str, Any]:
    facts: dict[str, Any] = {}
    if dialect := state.get("dialect"):
        facts["dialect"] = dialect
    if error := state.get("error"):
        facts["error"] = error
    if answer := state.get("answer"):
        result = answer.result
        facts |= {
            "model": result.model,
            "device": result.device,
            "precision": result.precision,
            "size": f"{result.width}x{result.height}",
            "bytes": len(result.data),
            "source": answer.source,
            "stages": {name: round(spent * 1000, 1) for name, spent in answer.timings.items()},
        }
    return facts
