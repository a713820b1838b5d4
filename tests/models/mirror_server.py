"""A mirror on loopback that misbehaves on demand."""

from __future__ import annotations

import hashlib
import threading
import time
from collections import deque
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

CHUNK = 1 << 14


@dataclass(frozen=True)
class Reply:
    """How the mirror answers one request; as it should, unless told otherwise."""

    status: int | None = None
    body: bytes | None = None
    ranges: bool = True
    cut_after: int | None = None
    stall_after: int | None = None
    claimed_length: int | None = None
    location: str | None = None
    pause: float = 0.0
    etag: str | None = None


@dataclass
class Request:
    path: str
    range: str | None
    if_range: str | None
    status: int = 0
    sent: int = 0


class Mirror:
    """Serves `files`, answering request after request as `replies` say, then as `always` says."""

    def __init__(self):
        self.files: dict[str, bytes] = {}
        self.replies: deque[Reply] = deque()
        self.always = Reply()
        self.requests: list[Request] = []
        self.released = threading.Event()
        mirror = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                mirror.answer(self)

            def log_message(self, *arguments):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True)
        self.thread.start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def close(self):
        self.released.set()
        self.server.shutdown()
        self.server.server_close()

    @property
    def sent(self) -> int:
        return sum(request.sent for request in self.requests)

    def answer(self, handler):
        reply = self.replies.popleft() if self.replies else self.always
        asked, if_range = handler.headers.get("Range"), handler.headers.get("If-Range")
        record = Request(handler.path, asked, if_range)
        self.requests.append(record)
        body = reply.body if reply.body is not None else self.files.get(handler.path.lstrip("/"))
        if reply.status is not None or body is None:
            record.status = reply.status or 404
            handler.send_response(record.status)
            if reply.location:
                handler.send_header("Location", reply.location)
            handler.send_header("Content-Length", "0")
            handler.end_headers()
            return
        start = 0
        if asked and reply.ranges and (if_range is None or if_range == reply.etag):
            start = int(asked.removeprefix("bytes=").removesuffix("-"))
        record.status = 416 if start >= len(body) else 206 if start else 200
        handler.send_response(record.status)
        if record.status == 416:
            handler.send_header("Content-Range", f"bytes */{len(body)}")
            handler.send_header("Content-Length", "0")
            handler.end_headers()
            return
        if start:
            handler.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
        if reply.etag:
            handler.send_header("ETag", reply.etag)
        length = reply.claimed_length if reply.claimed_length is not None else len(body) - start
        handler.send_header("Content-Length", str(length))
        handler.end_headers()
        self._send(handler, body[start:], reply, record)

    def _send(self, handler, body: bytes, reply: Reply, record: Request):
        limit = min(
            reply.cut_after if reply.cut_after is not None else len(body),
            reply.stall_after if reply.stall_after is not None else len(body),
        )
        try:
            for position in range(0, limit, CHUNK):
                piece = body[position : min(position + CHUNK, limit)]
                handler.wfile.write(piece)
                record.sent += len(piece)
                time.sleep(reply.pause)
            if reply.stall_after is not None:
                self.released.wait(20)
        except OSError:
            pass
        handler.close_connection = True


def digest_of(content: bytes, algorithm: str = "md5") -> str:
    return f"{algorithm}:{hashlib.new(algorithm, content, usedforsecurity=False).hexdigest()}"
