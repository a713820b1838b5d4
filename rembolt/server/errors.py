"""What the service refuses beside what the library does, each with its status and its code.

    ServerError
    ├── BadRequestError            400  the request itself is malformed
    ├── KeyRequiredError           401  the API key is missing or wrong
    ├── FetchingOffError           403  this server does not fetch URLs
    ├── UnknownAddressError        404  no result is kept under this address
    ├── SlowClientError            408  the body did not come in time
    ├── BodyTooLargeError          413  more bytes than the limit
    ├── FetchRefusedError          422  the URL may not be fetched
    ├── FetchFailedError           422  the URL could not be fetched
    ├── RegionError                422  the region to look for the subject in holds nothing of the photo
    ├── RegionOutsideError         422  the region reaches beyond the photo
    ├── RateLimitedError           429  the client sent as much as it may; `Retry-After` says when to go on
    ├── ListenError                     the address cannot be listened on
    └── OverloadedError            503  come again later: `Retry-After` says when
        └── OutOfTimeError         503  the time limit of a request ended before its turn came

As everywhere, a message is one sentence that says what is wrong and what to do about it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rembolt.errors import RemboltError

if TYPE_CHECKING:
    from rembolt.server.rates import Rate


class ServerError(RemboltError):
    """Base of what only the service raises."""

    exit_code = 1

    code: str | None = None
    """The word for programs, where it is not the class's name; see `code_of`."""


class BadRequestError(ServerError):
    """The request is malformed."""

    http_status = 400


class KeyRequiredError(ServerError):
    """The API key is missing or wrong."""

    http_status = 401


class FetchingOffError(ServerError):
    """URLs are not fetched on this server."""

    http_status = 403


class UnknownAddressError(ServerError):
    """No result is kept under this address."""

    http_status = 404


class SlowClientError(ServerError):
    """The body did not come in time."""

    http_status = 408


class BodyTooLargeError(ServerError):
    """More bytes than the limit."""

    exit_code = 3
    http_status = 413


class FetchRefusedError(ServerError):
    """The URL is of a kind, or leads to a place, that is not fetched."""

    http_status = 422


class FetchFailedError(ServerError):
    """The URL may be fetched, but that failed."""

    http_status = 422


class RegionError(ServerError):
    """The region to look for the subject in holds nothing of the photo."""

    http_status = 422


class RegionOutsideError(ServerError):
    """The region to look for the subject in reaches beyond the photo."""

    http_status = 422


class ListenError(ServerError):
    """The address cannot be listened on."""


class RateLimitedError(ServerError):
    """The client sent as much as it may for now.

    Args:
        message: the sentence.
        rate: where the client stands.
        retry_after: seconds after which it may go on.
    """

    http_status = 429

    def __init__(self, message: str, rate: Rate, retry_after: int) -> None:
        super().__init__(message)
        self.rate = rate
        self.retry_after = retry_after


class OverloadedError(ServerError):
    """The service has more to do than it can; the client may come again.

    Args:
        message: the sentence.
        retry_after: seconds after which it is worth it.
    """

    http_status = 503

    def __init__(self, message: str, retry_after: int = 1) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class OutOfTimeError(OverloadedError):
    """The time limit of a request ended before its turn came."""


def code_of(error: RemboltError | type[RemboltError]) -> str:
    """The error's kind as a word for programs: `BodyTooLargeError` is `body_too_large`."""
    if isinstance(error, ServerError) and error.code is not None:
        return error.code
    kind = error if isinstance(error, type) else type(error)
    name = kind.__name__.removesuffix("Error")
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()
