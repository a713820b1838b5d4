"""One client: a connection at a time, a request at a time."""

from __future__ import annotations

import struct
import time
from contextlib import suppress
from http.client import HTTPConnection, HTTPException
from io import BytesIO
from typing import TYPE_CHECKING, NamedTuple

from benchmarks.server.visits import BROKEN, PATIENCE, REFUSED, SILENT

if TYPE_CHECKING:
    from collections.abc import Mapping
    from http.client import HTTPResponse

    from benchmarks.server.visits import Shot

BOUNDARY = "rembolt-benchmark"
FORM = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_END = b"\0\0\0\0IEND\xaeB`\x82"


class Reply(NamedTuple):
    """What came of a request.

    Attributes:
        port: of our end of the connection, 0 without one.
        begun, sent, ended: see `Visit`.
        status: None without a whole answer.
        headers: of the answer, names in lower case.
        body: of the answer.
        trouble: see `Visit`.
    """

    port: int
    begun: float
    sent: float | None
    ended: float
    status: int | None
    headers: Mapping[str, str]
    body: bytes
    trouble: str | None


class Caller:
    """A client.

    Args:
        port: of the server, on 127.0.0.1.
        kept: whether it keeps its connection.
        patience: seconds without a byte after which it gives up.
    """

    def __init__(self, port: int, *, kept: bool = True, patience: float = PATIENCE) -> None:
        self._connection = HTTPConnection("127.0.0.1", port, timeout=patience)
        self._kept = kept

    def ask(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Reply:
        """Send a request and wait for the answer; what goes wrong is part of the reply."""
        asked = dict(headers or {})
        if not self._kept:
            asked["Connection"] = "close"
        port, sent = 0, None
        begun = time.monotonic()
        try:
            if self._connection.sock is None:
                self._connection.connect()
            port = self._connection.sock.getsockname()[1]
            # A server may answer, and hang up, before it has everything.
            with suppress(BrokenPipeError, ConnectionResetError):
                self._connection.request(method, path, body, asked)
                sent = time.monotonic()
            response = self._connection.getresponse()
            data = response.read()
        except (OSError, HTTPException) as error:
            self.close()
            return Reply(port, begun, sent, time.monotonic(), None, {}, b"", _kind(error))
        reply = Reply(port, begun, sent, time.monotonic(), response.status, _lower_case(response), data, None)
        if not self._kept:
            self.close()
        return reply

    def close(self) -> None:
        """Hang up."""
        self._connection.close()


def form(photo: bytes, model: str) -> bytes:
    """A photo and a model as the form that both sides read; `FORM` is its header."""
    head = (
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="model"\r\n\r\n{model}\r\n'
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="photo.jpg"\r\n'
        "Content-Type: image/jpeg\r\n\r\n"
    )
    return b"".join((head.encode(), photo, f"\r\n--{BOUNDARY}--\r\n".encode()))


def marked(photo: bytes, mark: bytes) -> bytes:
    """The same photo in other bytes: a JPEG with a comment that holds `mark`."""
    return b"".join((photo[:2], b"\xff\xfe", struct.pack(">H", len(mark) + 2), mark, photo[2:]))


def wrong(reply: Reply, shot: Shot, expected: Mapping[str, str]) -> str | None:
    """What is wrong with an answer that should be a photo cut out, None if nothing is.

    The file's begin and end are looked at, which costs no time that the server could have used.
    """
    data = reply.body
    if not (data.startswith(_SIGNATURE) and data.endswith(_END)):
        return "the answer is no whole PNG file"
    size = struct.unpack(">II", data[16:24])
    if size != (shot.width, shot.height):
        return f"the answer has {size[0]} x {size[1]} pixels, the photo {shot.width} x {shot.height}"
    if data[25] != 6:
        return "the answer has no colours with alpha"
    for name, value in expected.items():
        if reply.headers.get(name) != value:
            return f"{name} is {reply.headers.get(name)}, not {value}"
    return None


def undecodable(data: bytes) -> str | None:
    """What is wrong with a PNG file when all of it is decoded, None if nothing is."""
    from PIL import Image

    Image.MAX_IMAGE_PIXELS = None
    try:
        with Image.open(BytesIO(data)) as image:
            image.load()
    except (OSError, SyntaxError) as error:
        return f"the answer cannot be decoded: {error}"
    return None


def _kind(error: Exception) -> str:
    if isinstance(error, ConnectionRefusedError):
        return REFUSED
    return SILENT if isinstance(error, TimeoutError) else BROKEN


def _lower_case(response: HTTPResponse) -> dict[str, str]:
    return {name.lower(): value for name, value in response.getheaders()}
