"""What a dialect is, and what the answers of all have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from fastapi import Request  # noqa: TC002 - FastAPI reads the annotations of dependencies

from rembolt.server.errors import OverloadedError, RateLimitedError
from rembolt.server.keys import check_key

if TYPE_CHECKING:
    from collections.abc import Callable

    from fastapi import APIRouter

    from rembolt.errors import RemboltError
    from rembolt.server.core import Core
    from rembolt.server.rates import Rate


TROUBLED = 10
"""Seconds after which to come again when something here does not work, which its operator must see to."""


class Dialect(NamedTuple):
    """One flavour of HTTP.

    Attributes:
        prefix: what its paths begin with.
        router: its routes.
        error_body: the JSON of an error, made of its code and its sentence.
        error_status: the status it gives instead of ours.
    """

    prefix: str
    router: APIRouter
    error_body: Callable[[str, str], Any]
    error_status: Callable[[int], int] = lambda status: status


def core_of(request: Request) -> Core:
    """The parts of this process."""
    core: Core = request.app.state.core
    return core


def known_client(request: Request) -> None:
    """Refuse requests without a valid key; for routes to depend on.

    Raises:
        KeyRequiredError: see `check_key`.
    """
    check_key(request, core_of(request).options.keys)


def rate_headers(rate: Rate | None) -> dict[str, str]:
    """Where the client stands, under remove.bg's names."""
    if rate is None:
        return {}
    return {
        "X-RateLimit-Limit": str(rate.limit),
        "X-RateLimit-Remaining": str(rate.remaining),
        "X-RateLimit-Reset": str(rate.reset),
    }


def error_headers(error: RemboltError) -> dict[str, str]:
    """The headers that belong to an error."""
    if isinstance(error, RateLimitedError):
        return {"Retry-After": str(error.retry_after), **rate_headers(error.rate)}
    if isinstance(error, OverloadedError):
        return {"Retry-After": str(error.retry_after)}
    if error.http_status == 503:  # a model or device that does not work now
        return {"Retry-After": str(TROUBLED)}
    return {"WWW-Authenticate": "ApiKey"} if error.http_status == 401 else {}
