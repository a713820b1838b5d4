"""The application: the routes of all dialects around one core."""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from rembolt import __version__
from rembolt.errors import RemboltError, WeightsUnavailableError
from rembolt.server.access import CLIENT_GONE, Access
from rembolt.server.cache import Cache, MemoryCache, RedisCache
from rembolt.server.core import ClientGoneError, Core
from rembolt.server.cors import Cors
from rembolt.server.dialects import DIALECTS, dialect_of
from rembolt.server.dialects.base import error_headers
from rembolt.server.errors import OverloadedError, code_of
from rembolt.server.fetch import Fetcher, FetchLimits
from rembolt.server.intake import Intake
from rembolt.server.operations import router as operations
from rembolt.server.operations import scrape
from rembolt.server.order import Orders
from rembolt.server.rates import Rates
from rembolt.server.service import Service
from rembolt.server.settings import ServerOptions, words

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.types import Receive, Scope, Send

    from rembolt.settings import SessionOptions

log = logging.getLogger(__name__)

LONGEST_MESSAGE = 2000
"""Characters of an error's sentence."""

DESCRIPTION = (
    "Background removal for photos. Options and limits are explained in the documentation of rembolt."
)


def create_app(options: ServerOptions, session: SessionOptions) -> FastAPI:
    """Make the application of one process.

    Args:
        options: of the service.
        session: the default model, and where models run.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        core = _core(options, session)
        app.state.core = core
        warming = asyncio.create_task(core.service.warm())
        try:
            yield
        finally:
            warming.cancel()
            await core.service.stop()
            if core.fetcher is not None:
                await core.fetcher.aclose()

    app = FastAPI(title="rembolt", version=__version__, description=DESCRIPTION, lifespan=lifespan)
    for dialect in DIALECTS:
        app.include_router(dialect.router)
    app.include_router(operations)
    if options.metrics_port is None:
        app.include_router(scrape)
    app.add_exception_handler(RemboltError, _refuse)
    app.add_exception_handler(HTTPException, _refuse_plainly)
    app.add_exception_handler(RequestValidationError, _refuse_invalid)
    app.add_exception_handler(MemoryError, _refuse_for_memory)
    app.add_exception_handler(ClientGoneError, _nobody_there)
    app.add_exception_handler(ClientDisconnect, _nobody_there)
    app.add_middleware(Intake, options=options)
    if origins := words(options.cors_origins):
        app.add_middleware(
            Cors,
            allow_origins=list(origins),
            allow_methods=["GET", "POST"],
            allow_headers=["*"],
            expose_headers=["*"],
        )
    app.add_middleware(Access, failed=_fail)
    return app


def _core(options: ServerOptions, session: SessionOptions) -> Core:
    orders = Orders(options, session)
    shared = RedisCache(options.redis, seconds=options.redis_seconds) if options.redis else None
    cache = Cache(MemoryCache(options.cache) if options.cache else None, shared)
    service = Service(options, orders.session, cache)
    fetcher = None
    if options.fetch_urls:
        fetcher = Fetcher(FetchLimits(options.max_bytes, options.fetch_timeout))
    return Core(options, orders, service, cache, Rates(options.rate_limit), fetcher)


def _error(request: Request, status: int, code: str, message: str, headers: dict[str, str]) -> Response:
    request.state.error = code
    if len(message) > LONGEST_MESSAGE:  # it repeats what the request said
        message = f"{message[:LONGEST_MESSAGE]}…"
    dialect = dialect_of(request.scope["path"])
    body = dialect.error_body(code, message)
    # Never kept: the next request may fare better.
    return JSONResponse(body, dialect.error_status(status), {**headers, "Cache-Control": "no-store"})


async def _refuse(request: Request, error: Exception) -> Response:
    assert isinstance(error, RemboltError)
    status, message = error.http_status, str(error)
    if isinstance(error, WeightsUnavailableError):  # who asks for them asks for something else than is here
        status, message = 422, "the weights for this are not on this server; its operator can add them."
    elif status >= 500 and not isinstance(error, OverloadedError):
        message = "the model or device for this does not work on this server; its log says why."
    if message != str(error):  # it names files and devices, which are nobody else's business
        log.error("%s", error)
    return _error(request, status, code_of(error), message, error_headers(error))


async def _refuse_plainly(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    known = {
        404: ("not_found", "there is nothing under this path; see /docs."),
        405: ("method_not_allowed", "this path knows other methods; see /docs."),
    }
    code, message = known.get(error.status_code, ("refused", str(error.detail)))
    return _error(request, error.status_code, code, message, dict(error.headers or {}))


async def _refuse_invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    first: Any = error.errors()[0]
    name = ".".join(str(part) for part in first["loc"][1:])
    return _error(request, 422, "usage", f"{name}: {first['msg']}.", {})


async def _refuse_for_memory(request: Request, _error_raised: Exception) -> Response:
    message = "there is not enough memory for this photo now; make it smaller, or try again later."
    return _error(request, 503, "overloaded", message, {"Retry-After": "5"})


async def _nobody_there(_request: Request, _error_raised: Exception) -> Response:
    return Response(status_code=CLIENT_GONE)


async def _fail(scope: Scope, receive: Receive, send: Send) -> None:
    message = "something went wrong on this server; its log says what, under the X-Request-Id of this answer."
    await _error(Request(scope), 500, "internal", message, {})(scope, receive, send)
