"""API keys: who may use the service, and who a client is."""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING

from rembolt.server.errors import KeyRequiredError

if TYPE_CHECKING:
    from starlette.requests import Request


def check_key(request: Request, keys: tuple[str, ...]) -> None:
    """Refuse a request without one of the keys; where there are none, nobody is refused.

    Raises:
        KeyRequiredError: the key is missing or wrong.
    """
    if not keys:
        return
    given = key_of(request)
    if given is None:
        raise KeyRequiredError("an API key is needed; send it in the header X-Api-Key.")
    # All are compared, each in constant time: how long it takes says nothing about any.
    if not max(hmac.compare_digest(given.encode(), key.encode()) for key in keys):
        raise KeyRequiredError("this API key is not known; check the header X-Api-Key.")


def key_of(request: Request) -> str | None:
    """The key that a request brings, in `X-Api-Key` or as a bearer token."""
    key = request.headers.get("x-api-key")
    if key:
        return key
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


def client_of(request: Request) -> str:
    """What stands for the client: its key's digest, else its address."""
    key = key_of(request) if request.app.state.core.options.keys else None
    if key is not None:
        return hashlib.sha256(key.encode()).hexdigest()
    return request.client.host if request.client else ""
