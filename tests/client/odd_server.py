"""A web server that answers whatever a test tells it to, or hangs up."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

Saying = bytes | Callable[[socket.socket], None]

ADDRESS = f"{'0' * 64}-{'0' * 16}"


def answer(status: str, body: bytes = b"", *headers: str) -> bytes:
    """A whole answer."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def cutout(data: bytes = b"a picture", *headers: str) -> bytes:
    """What a service answers with a cut-out."""
    names = ("Width: 3", "Height: 2", "Model: bolt", "Device: cpu", "Precision: fp32", "Source: computed")
    about = (f"X-Rembolt-{name}" for name in names)
    return answer("200 OK", data, "Content-Type: image/png", f'ETag: "{ADDRESS}"', *about, *headers)


def refusal(status: str, code: str, message: str, *headers: str) -> bytes:
    """What a service answers with an error."""
    body = json.dumps({"error": {"code": code, "message": message}}).encode()
    return answer(status, body, "Content-Type: application/json", *headers)


def hang_up(_connection: socket.socket) -> None:
    """Close the connection without a word."""


def drip(connection: socket.socket) -> None:
    """Begin a long answer and give a byte of it now and then, for much longer than anybody waits."""
    connection.sendall(cutout(b"x" * 1000)[:-1000])
    with contextlib.suppress(OSError):
        for _ in range(600):
            connection.sendall(b"x")
            time.sleep(0.1)


@dataclass
class OddServer:
    """What it says, one saying for each connection, and what it was asked."""

    url: str
    sayings: list[Saying]
    requests: list[bytes] = field(default_factory=list)

    def serve(self, listener: socket.socket) -> None:
        for saying in self.sayings:
            try:
                connection, _ = listener.accept()
            except OSError:  # the test is over
                return
            with connection, contextlib.suppress(OSError):
                self.requests.append(_request(connection))
                if isinstance(saying, bytes):
                    connection.sendall(saying)
                else:
                    saying(connection)


@contextlib.contextmanager
def odd_server(*sayings: Saying) -> Iterator[OddServer]:
    """Run one; connections beyond its last saying are refused."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = OddServer(f"http://127.0.0.1:{listener.getsockname()[1]}", list(sayings))

        def serve() -> None:
            server.serve(listener)
            listener.close()

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield server
        finally:
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            thread.join(100)
            assert not thread.is_alive()


def _request(connection: socket.socket) -> bytes:
    """A whole request: its head and its body."""
    said = b""
    while b"\r\n\r\n" not in said:
        said += connection.recv(65536)
    head, _, body = said.partition(b"\r\n\r\n")
    length = 0
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            length = int(line.partition(b":")[2])
    while len(body) < length:
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body
