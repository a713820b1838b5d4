"""The clients of the server's benchmark, against servers that behave and that do not, and what is counted."""

from __future__ import annotations

import io
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

pytest.importorskip("benchmarks.server", reason="needs the repository, not only the package")
for package in ("psutil", "fastapi", "granian"):
    pytest.importorskip(package, reason=f"needs {package}")
from benchmarks.server import figures, kill, memory, overload, servers, terminate, ways  # noqa: E402
from benchmarks.server.caller import Caller, Reply, marked, wrong  # noqa: E402
from benchmarks.server.photos import shots  # noqa: E402
from benchmarks.server.programs import Outcome, WrongAnswerError, drive, health  # noqa: E402
from benchmarks.server.visits import BROKEN, REFUSED, SILENT, Order, Shot, Visit  # noqa: E402
from rembolt.bench.children import ChildFailedError  # noqa: E402
from rembolt.bench.photos import jpeg, photo  # noqa: E402
from rembolt.bench.weights import Home, furnish  # noqa: E402

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="stops servers with SIGTERM")

BOLT = ways.WAYS[ways.REMBOLT_BOLT]


def visit(begun: float, sent: float | None, ended: float, status: int | None = 200, **other: Any) -> Visit:
    known = {"client": 0, "port": 1, "retry_after": None, "trouble": None, "wrong": None, **other}
    return Visit(begun=begun, sent=sent, ended=ended, status=status, **known)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return furnish(tmp_path, ["bolt"])


@pytest.fixture
def order(tmp_path: Path) -> Callable[..., Order]:
    def make(port: int, **other: Any) -> Order:
        usual: dict[str, Any] = {"path": "/", "model": "bolt", "clients": 1, "requests": 2}
        return Order(port=port, shots=shots(tmp_path, [(96, 64)], 1), **{**usual, **other})

    return make


@contextmanager
def behaving(behave: Callable[[socket.socket], None]) -> Iterator[int]:
    """A server that treats every connection in a way of its own; gives its port."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                threading.Thread(target=behave, args=(connection,), daemon=True).start()

        threading.Thread(target=serve, daemon=True).start()
        try:
            yield listening.getsockname()[1]
        finally:
            listening.shutdown(socket.SHUT_RDWR)


def read_request(connection: socket.socket) -> bool:
    """Take a request with its body; whether there was one."""
    received = b""
    while b"\r\n\r\n" not in received:
        more = connection.recv(65536)
        if not more:
            return False
        received += more
    head, _, body = received.partition(b"\r\n\r\n")
    length = next(
        int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")
    )
    while len(body) < length:
        body += connection.recv(65536)
    return True


def test_load_goes_on_for_as_long_as_told(home, order):
    with BOLT.serve(home) as running:
        asked = {"path": running.path, "warm_ups": 1, "seconds": 1.0, "expected": BOLT.expected, "tell": 2}
        reports: list[int] = []
        outcome = drive(order(running.port, **asked), reports.append)
        assert outcome.seconds > 0.99  # an answer may come just before the time is up, and no other begins
        assert len(outcome.visits) > 2
        outcome.check_all_images()
        assert reports == list(range(2, len(outcome.visits) + 1, 2))
        asked["expected"] = {"x-rembolt-precision": "int8"}
        with pytest.raises(ChildFailedError, match="x-rembolt-precision is fp32, not int8"):
            drive(order(running.port, **asked))
        with pytest.raises(WrongAnswerError, match="x-rembolt-precision is fp32, not int8"):
            drive(order(running.port, **{**asked, "warm_ups": 0, "seconds": 0.0})).check_all_images()


def test_requests_that_nobody_answers_are_told_apart(order, monkeypatch):
    with behaving(lambda connection: connection.close()) as port:
        visits = drive(order(port, again=True)).visits
        assert [one.trouble for one in visits] == [BROKEN] * 2
        assert overload.outcomes(visits)["lost"] == 2
    assert [one.trouble for one in drive(order(port)).visits] == [REFUSED]
    with behaving(read_request) as port:
        assert Caller(port, patience=0.2).ask("POST", "/", b"photo").trouble == SILENT
    with pytest.raises(ChildFailedError, match="came to refused"):
        drive(order(port, warm_ups=1))


def test_a_refusal_must_say_when_to_come_again(order):
    answers = [b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n"] * 2
    answers += [b"HTTP/1.1 503 No\r\nRetry-After: 3\r\nContent-Length: 0\r\n\r\n"]
    left = iter(answers)

    def refuse(connection: socket.socket) -> None:
        while read_request(connection):
            connection.sendall(next(left))

    with behaving(refuse) as port:
        outcome = drive(order(port, requests=3))
    counts = overload.outcomes(outcome.visits)
    assert counts == {"images": 0, "put off": 1, "other answers": 2, "lost": 0, "hang": 0}
    assert len({one.port for one in outcome.visits}) == 1  # the connection is kept
    with pytest.raises(WrongAnswerError, match="came to 503"):
        outcome.check_all_images()


def test_health_that_is_not_answered_is_told():
    with behaving(lambda connection: connection.close()) as port, health(port) as asking:
        threading.Event().wait(0.5)
        answers = asking.finish()
    assert set(answers) == {None}


def test_a_server_that_does_not_start_is_told(home):
    with pytest.raises(ChildFailedError, match="No such option"), servers.rembolt_server(home, "--such"):
        pass


def test_a_mark_changes_the_bytes_and_no_pixel():
    data = jpeg(photo(96, 64))
    other = marked(data, b"12345678")
    assert other != data
    with Image.open(io.BytesIO(data)) as one, Image.open(io.BytesIO(other)) as two:
        assert one.tobytes() == two.tobytes()


def test_only_a_whole_png_of_the_photos_size_is_an_answer():
    def answered(mode: str, *, cut: int | None = None, source: str = "computed") -> str | None:
        buffer = io.BytesIO()
        Image.new(mode, (96, 64)).save(buffer, "PNG")
        headers = {"x-rembolt-source": source}
        reply = Reply(1, 0, 0, 1, 200, headers, buffer.getvalue()[:cut], None)
        return wrong(reply, Shot("", 96, 64), {"x-rembolt-source": "computed"})

    assert answered("RGBA") is None
    assert answered("RGBA", cut=-1) == "the answer is no whole PNG file"
    assert answered("RGB") == "the answer has no colours with alpha"
    assert answered("RGBA", source="memory") == "x-rembolt-source is memory, not computed"
    small = Reply(1, 0, 0, 1, 200, {}, b"", None)
    assert wrong(small, Shot("", 1, 1), {}) == "the answer is no whole PNG file"


def test_sigterm_divides_the_requests():
    found = terminate.counts(
        [
            visit(1, 2, 9),
            visit(8, 9, 11),
            visit(8, 9, 11, None, trouble=BROKEN),
            visit(8, 9, 11, 503),
            visit(9, 11, 12),
            visit(9, None, 12, None, trouble=BROKEN),
            visit(11, 12, 13),
            visit(11, None, 13, None, trouble=REFUSED),
            visit(11, 12, 13, None, trouble=BROKEN),
        ],
        10,
    )
    assert found["before"] == 1
    assert (found["accepted"], found["accepted_failed"]) == (3, 2)
    assert (found["half_sent"], found["half_sent_failed"]) == (2, 1)
    assert [found[f"later_{way}"] for way in ("answered", "refused", "broken")] == [1, 1, 1]


def test_sigkill_lays_failures_at_a_door():
    visits = [
        visit(1, 2, 9, port=7),
        visit(8, 9, 11, None, trouble=BROKEN, port=7),
        visit(8, 9, 12, port=8),
        visit(8, 9, 14, port=8),
        visit(8, 9, 11, None, trouble=BROKEN, port=8),
    ]
    found = kill.counts(visits, 10, {7})
    assert (found["failed_at_killed"], found["failed_elsewhere"]) == (1, 1)
    assert (found["answered_after"], found["seconds_to_answer"]) == (2, 2)
    with pytest.raises(ChildFailedError, match="no request was answered"):
        kill.counts(visits[:2], 10, {7})


def test_figures():
    assert figures.percentile([3.0, 1.0, 2.0], 50) == 2
    assert figures.percentile(range(1, 201), 99) == 198
    assert figures.percentile([5.0], 99) == 5
    assert [figures.milliseconds(value) for value in (0.5, 0.0123, 0.00123)] == ["500", "12.3", "1.23"]
    assert [memory.quarter(range(8), number) for number in (2, 4)] == [2.5, 6.5]
    assert Outcome(10, [visit(10, 11, 12), visit(11, 12, 15, 503)]).seconds == 5
