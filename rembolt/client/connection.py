"""The connection to a service: requests with a limit in time, tried again where that may help."""

from __future__ import annotations

import time
from itertools import count
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from rembolt.client.errors import ServiceError, UnreachableError, error_of
from rembolt.client.retries import AGAIN, pause, retry_after
from rembolt.errors import MissingExtraError, UsageError
from rembolt.server.errors import OverloadedError, RateLimitedError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rembolt.errors import RemboltError

try:
    import httpx
except ImportError as error:
    raise MissingExtraError(
        'the client needs httpx, which is not installed; install it with: pip install "rembolt[client]"'
    ) from error


class Reply(NamedTuple):
    """A whole answer.

    Attributes:
        status: of HTTP.
        headers: by names in any case.
        body: its bytes.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes


class Connection:
    """A connection to a service; see `Client` for the arguments.

    Attributes:
        where: the service's address, without what may be secret in it.
    """

    def __init__(self, base_url: str, api_key: str | None, timeout: float, retries: int) -> None:
        if not timeout > 0:
            raise UsageError(f"timeout must be more than 0 seconds, not {timeout!r}.")
        if retries < 0:
            raise UsageError(f"retries must be 0 or more, not {retries!r}.")
        url = _service(base_url)
        self.where = f"{url.scheme}://{url.netloc.decode('ascii')}{url.path.rstrip('/')}"
        self._timeout = timeout
        self._retries = retries
        headers = {"Accept-Encoding": "identity"}  # images do not get smaller
        if api_key:
            if not (api_key.isascii() and api_key.isprintable()):
                raise UsageError("the API key has characters that no header can carry; check it.")
            headers["X-Api-Key"] = api_key
        self._http = httpx.Client(base_url=url, headers=headers)

    def close(self) -> None:
        """End it."""
        self._http.close()

    def deadline(self) -> float:
        """When a call that begins now must have ended, on `time.monotonic`'s clock."""
        return time.monotonic() + self._timeout

    def once(self, method: str, path: str) -> Reply | None:
        """Send a request a single time and give the answer, whatever it is, or None where there is none."""
        try:
            return self._once(method, path, self.deadline())
        except httpx.RequestError:
            return None

    def request(self, method: str, path: str, deadline: float | None = None, **content: Any) -> Reply:
        """Send a request, again if need be, until it succeeds.

        Every request here gives the same answer however often it is sent, so all may be tried again.

        Args:
            method: of HTTP.
            path: below the service's address.
            deadline: see `deadline`; by default one from now on.
            content: for `httpx.Client.stream`.

        Raises:
            RemboltError: what the last try met.
        """
        if deadline is None:
            deadline = self.deadline()
        for tries in count(1):
            asked = None
            try:
                reply = self._once(method, path, deadline, **content)
            except httpx.RequestError as lost:
                trouble: RemboltError = self._lost(lost)
            else:
                if 200 <= reply.status < 300:
                    return reply
                trouble = error_of(self.where, *reply)
                passes = isinstance(trouble, (OverloadedError, RateLimitedError, ServiceError))
                if reply.status not in AGAIN or not passes:
                    raise trouble
                asked = retry_after(reply.headers)
            delay = pause(tries, asked)
            if tries > self._retries or time.monotonic() + delay >= deadline:
                raise trouble
            time.sleep(delay)
        raise AssertionError  # `count` has no end

    def _once(self, method: str, path: str, deadline: float, **content: Any) -> Reply:
        """Send a request and read the whole answer.

        Raises:
            httpx.RequestError: the connection failed, or the time is over.
        """
        left = max(0.001, deadline - time.monotonic())
        with self._http.stream(method, path, timeout=left, **content) as response:
            body = bytearray()
            for part in response.iter_bytes():
                body += part
                if time.monotonic() > deadline:  # however steadily it drips
                    raise httpx.ReadTimeout("", request=response.request)
            return Reply(response.status_code, response.headers, bytes(body))

    def _lost(self, error: httpx.RequestError) -> UnreachableError:
        reason = " ".join(str(error).split()).rstrip(".") or type(error).__name__
        if isinstance(error, httpx.ConnectError):
            return UnreachableError(
                f"no service answers at {self.where} ({reason}); check the address, "
                "and that rembolt serve runs there."
            )
        if isinstance(error, httpx.TimeoutException):
            return UnreachableError(
                f"{self.where} did not answer within {self._timeout:g} seconds; try again later."
            )
        return UnreachableError(f"the connection to {self.where} was lost ({reason}); try again.")


def _service(base_url: str) -> httpx.URL:
    try:
        urlsplit(base_url)  # httpx takes http://[ for a host
        url = httpx.URL(base_url)
    except (httpx.InvalidURL, AttributeError, TypeError, ValueError):
        url = httpx.URL("")
    if url.scheme not in ("http", "https") or not url.host:
        shown = str(base_url).rpartition("@")[2]  # what is before it may be a password
        raise UsageError(f"a service's address is like http://localhost:7000, not {shown!r}.")
    return url
