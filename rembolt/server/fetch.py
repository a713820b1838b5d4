"""Fetches a photo from a URL that a stranger gave.

What protects the network the service stands in, its memory and its time:

- only http and https, no user names or passwords, every port (a port does not tell a photo from anything
  else; what must not be reached is told by its address);
- each connection goes to an address that was checked (`PinnedBackend`), and is used once, so that no answer
  can spill over into the next;
- redirects are followed here, few of them, each as if it were the first, none from https down to http;
- httpcore, not httpx, does the asking: it has no cookies, proxies, `.netrc`, redirects or decompression to
  switch off;
- one time limit over names, connections, redirects and body; bytes counted as they come;
- what comes must begin like an image, whatever its `Content-Type` says.

No message repeats the URL, an address, or what came.
"""

from __future__ import annotations

import asyncio
import ssl
from io import BytesIO
from typing import TYPE_CHECKING, Final, NamedTuple

import httpcore
import httpx

from rembolt.errors import RemboltError
from rembolt.images.formats import HEADER_BYTES, identify
from rembolt.server.addresses import is_global
from rembolt.server.errors import BodyTooLargeError, FetchFailedError, FetchRefusedError
from rembolt.server.pinned import PinnedBackend

if TYPE_CHECKING:
    from collections.abc import Callable

    from rembolt.server.addresses import Address

FETCHES_AT_ONCE: Final = 16
"""Connections open at the same time; further fetches wait, within their time limit."""

_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})

_HEADERS: Final = (
    (b"User-Agent", b"rembolt"),
    (b"Accept", b"image/*"),
    (b"Accept-Encoding", b"identity"),
    (b"Connection", b"close"),
)


class FetchLimits(NamedTuple):
    """How much a fetch may take.

    Attributes:
        max_bytes: most bytes of the body.
        seconds: most seconds for the whole: names, connections, redirects and body.
        redirects: most redirects followed.
    """

    max_bytes: int
    seconds: float
    redirects: int = 3


class Fetcher:
    """Fetches photos; one for a process and its event loop.

    Args:
        limits: how much each fetch may take.
        allowed: which addresses may be connected to; the default is all of the public Internet.
    """

    def __init__(self, limits: FetchLimits, *, allowed: Callable[[Address], bool] = is_global) -> None:
        self._limits = limits
        self._allowed = allowed
        self._made: httpcore.AsyncConnectionPool | None = None

    async def fetch(self, url: str) -> bytes:
        """Fetch one photo.

        Args:
            url: an http or https address.

        Returns:
            The bytes of the file, which begin like an image of a known format.

        Raises:
            FetchRefusedError: the URL, or one it redirects to, may not be fetched.
            FetchFailedError: it may, but no complete file came within the time limit.
            BodyTooLargeError: there are more bytes than the limit.
            UnreadableImageError: what came is empty or not an image.
            UnsupportedImageError: what came is something known that is not read, such as a web page.
        """
        seconds = self._limits.seconds
        first = _parsed(url)
        pool = await self._pool()
        try:
            async with asyncio.timeout(seconds):
                return await self._follow(first, pool)
        except TimeoutError as error:
            raise FetchFailedError(
                f"The URL did not give its image within {seconds:g} seconds; try again later,"
                " or send the image itself."
            ) from error

    async def aclose(self) -> None:
        """Close all connections; a later fetch opens new ones."""
        if self._made is not None:
            pool, self._made = self._made, None
            await pool.aclose()

    async def _pool(self) -> httpcore.AsyncConnectionPool:
        """What makes the connections; made once, outside of any time limit."""
        if self._made is not None:
            return self._made
        # Reading the authorities' certificates takes long enough to hold up everybody else.
        trusted = await asyncio.to_thread(httpcore.default_ssl_context)
        if self._made is None:  # another fetch may have been first meanwhile
            self._made = httpcore.AsyncConnectionPool(
                ssl_context=trusted,
                max_connections=FETCHES_AT_ONCE,
                max_keepalive_connections=0,
                network_backend=PinnedBackend(self._allowed, self._limits.seconds),
            )
        return self._made

    async def _follow(self, url: httpx.URL, pool: httpcore.AsyncConnectionPool) -> bytes:
        for _ in range(self._limits.redirects + 1):
            answer = await self._get(url, pool)
            if isinstance(answer, bytes):
                return answer
            url = answer
        raise FetchRefusedError(
            f"The URL is redirected more than {self._limits.redirects} times; give the address of the image"
            " itself."
        )

    async def _get(self, url: httpx.URL, pool: httpcore.AsyncConnectionPool) -> bytes | httpx.URL:
        """Ask one host: the file, or where it says the file is."""
        place = httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)
        headers = [(b"Host", url.netloc), *_HEADERS]
        try:
            async with pool.stream("GET", place, headers=headers) as response:
                if response.status in _REDIRECTS:
                    return _redirected(url, response)
                self._check(response)
                return await self._body(response)
        except RemboltError:
            raise
        except (
            httpcore.NetworkError,
            httpcore.TimeoutException,
            httpcore.ProtocolError,
            OSError,
            ValueError,
        ) as error:
            raise FetchFailedError(_failure(error)) from error

    def _check(self, response: httpcore.Response) -> None:
        """Refuse an answer by its head, before any of its body is read."""
        if response.status != 200:
            raise FetchFailedError(
                f"The URL answers with status {response.status} instead of an image; check that anyone can"
                " open it."
            )
        for encoding in _values(response, b"content-encoding"):
            # Asked for as it is: compressed, a few bytes could stand for any number.
            if encoding.strip().lower() not in (b"", b"identity"):
                raise FetchFailedError(
                    "The URL gives its image compressed though asked not to; send the image itself."
                )
        if any(int(length) > self._limits.max_bytes for length in _values(response, b"content-length")):
            raise self._too_large()

    async def _body(self, response: httpcore.Response) -> bytes:
        body = BytesIO()
        known = False
        async for chunk in response.aiter_stream():
            body.write(chunk)
            if body.tell() > self._limits.max_bytes:
                raise self._too_large()
            if not known and body.tell() >= HEADER_BYTES:
                _sniff(body)
                known = True
            # Chunks that are there already come without a pause; thousands of tiny ones would hold up
            # everybody else, and the time limit too.
            await asyncio.sleep(0)
        if not known:
            _sniff(body)
        return body.getvalue()

    def _too_large(self) -> BodyTooLargeError:
        return BodyTooLargeError(
            f"The URL gives more than the {self._limits.max_bytes} bytes allowed; give a smaller file."
        )


def _parsed(url: str, base: httpx.URL | None = None) -> httpx.URL:
    """Take a URL apart, once: what is checked here is what is asked for later.

    Args:
        url: what was given; with a base it may be relative.
        base: where a redirect came from.

    Raises:
        FetchRefusedError: it is not a URL, or not of a kind that is fetched.
    """
    try:
        parsed = httpx.URL(url) if base is None else base.join(url)
        port = parsed.port
    except (httpx.InvalidURL, ValueError) as error:
        raise FetchRefusedError(
            "The URL is malformed; give an address like https://example.com/photo.jpg."
        ) from error
    if parsed.scheme not in ("http", "https"):
        raise FetchRefusedError("Only URLs that begin with http:// or https:// are fetched.")
    if parsed.userinfo:
        raise FetchRefusedError("A URL with a user name or password is not fetched; leave them out.")
    # A percent sign is an IPv6 zone, which means a network card of this machine, or hides other letters.
    if not parsed.raw_host or b"%" in parsed.raw_host:
        raise FetchRefusedError("The URL names no host; give an address like https://example.com/photo.jpg.")
    if port is not None and not 0 < port < 65536:
        raise FetchRefusedError("The URL has an impossible port; leave it out or give 1 to 65535.")
    return parsed


def _redirected(url: httpx.URL, response: httpcore.Response) -> httpx.URL:
    """Where a redirect leads, checked like a URL that was given."""
    locations = _values(response, b"location")
    if not locations:
        raise FetchFailedError(
            "The URL is redirected without saying where to; give the address of the image itself."
        )
    target = _parsed(locations[0].decode("utf-8", "replace"), url)
    if url.scheme == "https" and target.scheme == "http":
        raise FetchRefusedError(
            "The URL is redirected from https to unprotected http; give the address of the image itself."
        )
    return target


def _values(response: httpcore.Response, name: bytes) -> list[bytes]:
    return [value for key, value in response.headers if key.lower() == name]


def _sniff(body: BytesIO) -> None:
    identify(body.getvalue()[:HEADER_BYTES], "the file at the URL")


def _failure(error: Exception) -> str:
    # httpcore puts the error of the layer below into its own, as the argument.
    if any(isinstance(part, ssl.SSLCertVerificationError) for part in (error, *error.args)):
        return "The host of the URL has no valid certificate; send the image itself."
    if isinstance(error, (httpcore.ConnectError, httpcore.ConnectTimeout)):
        return "The host of the URL cannot be reached; check the URL, or send the image itself."
    return "The host of the URL broke off or did not answer properly; try again, or send the image itself."
