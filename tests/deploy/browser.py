"""A real Chromium that opens a page, and the little site that the page comes from."""

from __future__ import annotations

import contextlib
import os
import queue
import shutil
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import pytest
from server.serving import PATIENCE

PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "chrome")


class Said(NamedTuple):
    """What a page posted to its own site."""

    path: str
    body: bytes
    meanwhile: Any
    """What `noted` gave, called before the page was answered."""


class Site:
    """Pages, and what they post; on `http://localhost`, which browsers trust like https.

    Args:
        files: what there is, by path: media type and bytes.
        noted: called when a page posts, which waits for it.
        port: to listen on.
    """

    def __init__(
        self, files: Mapping[str, tuple[str, bytes]], noted: Callable[[], Any], port: int = 0
    ) -> None:
        said: queue.Queue[Said] = queue.Queue()
        self._said = said

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                media_type, body = files.get(urlsplit(self.path).path, ("text/plain", b""))
                self._answer(200 if body else 404, media_type, body)

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                said.put(Said(self.path, body, noted()))
                self._answer(200, "text/plain", b"noted")

            def _answer(self, status: int, media_type: str, body: bytes) -> None:
                self.send_response(status)
                self.send_header("Content-Type", media_type)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.url = f"http://localhost:{self._server.server_port}"

    def __enter__(self) -> Site:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def hear(self) -> Said:
        """What a page posts next; one that says nothing fails the test."""
        try:
            return self._said.get(timeout=PATIENCE)
        except queue.Empty:
            raise AssertionError("the page said nothing") from None


@contextlib.contextmanager
def chromium(folder: Path, url: str) -> Iterator[None]:
    """Let Chromium show a page until the block ends; the test is skipped where there is none."""
    program = next(filter(None, map(shutil.which, PROGRAMS)), None) or pytest.skip(
        "Chromium is not installed"
    )
    flags = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run")
    log = folder / "chromium.log"
    with log.open("wb") as file:
        process = subprocess.Popen(
            [program, *flags, f"--user-data-dir={folder / 'profile'}", url],
            stdout=file,
            stderr=file,
            start_new_session=True,  # its many processes end together
        )
    try:
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(60)
