"""A Redis of a test's own: a real redis-server that can be killed, frozen and started again."""

from __future__ import annotations

import contextlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest


class RedisServer:
    """A redis-server on a Unix socket, and on a TCP port too if one is given; it keeps nothing on disk."""

    def __init__(self, folder: Path, *, port: int = 0, **settings: str) -> None:
        self.socket = folder / "redis.sock"
        self.port = port
        self._folder = folder
        self._settings = settings
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"unix://{self.socket}"

    def start(self) -> None:
        self._process = subprocess.Popen(
            ["redis-server", "-"],
            stdin=subprocess.PIPE,
            stdout=(self._folder / "log").open("ab"),
            stderr=subprocess.STDOUT,
        )
        lines = [
            f"port {self.port}",
            "bind 127.0.0.1",
            f"unixsocket {self.socket}",
            f"dir {self._folder}",
            'save ""',
            "appendonly no",
            *(f"{name.replace('_', '-')} {value}" for name, value in self._settings.items()),
        ]
        self._process.stdin.write("\n".join(lines).encode() + b"\n")
        self._process.stdin.close()
        until = time.monotonic() + 30
        while not self._answers():
            assert self._process.poll() is None, (self._folder / "log").read_text()
            assert time.monotonic() < until, "redis-server does not answer"
            time.sleep(0.01)

    def kill(self) -> None:
        """As `kill -9` does; the file of its socket stays."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(timeout=30)

    def freeze(self) -> None:
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._process.send_signal(signal.SIGCONT)

    def _answers(self) -> bool:
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(5)
            connection.connect(str(self.socket))
            connection.sendall(b"PING\r\n")
            # Without the password it answers too, that it wants one.
            return connection.recv(100).startswith((b"+PONG", b"-NOAUTH"))
        return False


@contextlib.contextmanager
def redis_server(*, port: int = 0, **settings: str) -> Iterator[RedisServer]:
    """A running redis-server, which is gone afterwards; the test skips where there is none.

    Args:
        port: of TCP too, on 127.0.0.1; 0 is none.
        settings: of its configuration file, such as `maxmemory="2mb"`.
    """
    if shutil.which("redis-server") is None:
        pytest.skip("redis-server is not installed")
    pytest.importorskip("redis", reason="the package redis is not installed")
    # Not pytest's own folder: the path of a Unix socket has at most about 100 characters.
    folder = Path(tempfile.mkdtemp(prefix="redis-"))
    server = RedisServer(folder, port=port, **settings)
    try:
        server.start()
        yield server
    finally:
        server.kill()
        shutil.rmtree(folder)


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]
