"""What a service refuses, as the exceptions that the library itself would raise."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import rembolt.errors
import rembolt.server.errors
from rembolt.client.retries import retry_after
from rembolt.errors import RemboltError
from rembolt.server.errors import OverloadedError, RateLimitedError, code_of
from rembolt.server.rates import Rate

if TYPE_CHECKING:
    from collections.abc import Mapping

LONGEST_SENTENCE = 500
"""Characters of a service's message that are believed."""


class ServiceError(RemboltError):
    """The service answered what this client cannot use, or something went wrong there."""

    http_status = 502


class UnreachableError(ServiceError):
    """No service answers, or the connection was lost."""


KINDS: dict[str, type[RemboltError]] = {
    code_of(kind): kind
    for module in (rembolt.errors, rembolt.server.errors)
    for kind in vars(module).values()
    if isinstance(kind, type) and issubclass(kind, RemboltError)
}
"""The exceptions by the codes that a service gives them."""


def error_of(where: str, status: int, headers: Mapping[str, str], body: bytes) -> RemboltError:
    """The exception for an answer that is no success.

    Args:
        where: the service's address, for the sentence.
        status: of the answer, as are the others.
        headers: by names in any case.
        body: JSON in a rembolt service's shape, or anything.
    """
    code, message = _said(body)
    if not message:
        return ServiceError(f"{where} answered {status}; check that this is a rembolt service's address.")
    kind = KINDS.get(code)
    if kind is None:
        request = headers.get("x-request-id", "")
        named = f" ({_plain(request)})" if request else ""
        return ServiceError(f"{where} answered {status}: {message}{named}")
    seconds = retry_after(headers)
    wait = 1 if seconds is None else max(1, round(seconds))
    if issubclass(kind, OverloadedError):
        return kind(message, wait)
    if issubclass(kind, RateLimitedError):
        rate = Rate(*(_number(headers, name) for name in ("limit", "remaining", "reset")))
        return kind(message, rate, wait)
    return kind(message)


def _said(body: bytes) -> tuple[str, str]:
    """The code and the sentence of an error, empty where the body is nothing of ours."""
    try:
        error: Any = json.loads(body)["error"]
        code, message = error["code"], error["message"]
    except (ValueError, RecursionError, TypeError, LookupError):
        return "", ""
    return (code, _plain(message)) if isinstance(code, str) and isinstance(message, str) else ("", "")


def _plain(text: str) -> str:
    """One line that does nothing to a terminal."""
    line = "".join(sign if sign.isprintable() else " " for sign in text)
    return " ".join(line.split())[:LONGEST_SENTENCE]


def _number(headers: Mapping[str, str], name: str) -> int:
    text = headers.get(f"x-ratelimit-{name}", "")
    return int(text) if text.isdecimal() and len(text) < 16 else 0
