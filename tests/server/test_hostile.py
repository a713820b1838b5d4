"""Inputs that mean harm against one real service: each gets its answer, and the process lives on, small.

The tables are in `hostile_photos` and `hostile_requests`; what is tried with addresses to fetch from is in
`test_fetch_places`, with slow hosts in `test_fetch_time`.
"""

from __future__ import annotations

import json
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from urllib.parse import quote

import httpx
import psutil
import pytest
from server.hostile_photos import BAD_METADATA, MOST_FRAMES, MOST_PIXELS, PHOTOS, photo
from server.hostile_requests import (
    BROKEN_OFF,
    CLOSED,
    EXTRAS,
    FORM_VALUES,
    HTTP,
    JSON_VALUES,
    OURS,
    REMBG,
    REMOVE_BG,
    SIZE,
    as_json,
    file_part,
    form,
    forms,
    jsons,
    options,
    request,
)
from server.serving import PATIENCE, Serving, free_port, serving
from server.test_fetch_places import NOT_PUBLIC

DIALECTS = (OURS, REMBG, REMOVE_BG)
MOST_GROWTH = 400_000_000
"""Bytes."""

FLAGS = (
    *("--workers", "1", "--log-level", "info", "--fetch-urls", "--fetch-timeout", "2"),
    *("--max-pixels", str(MOST_PIXELS), "--max-frames", str(MOST_FRAMES), "--max-bytes", "12000000"),
    *("--upload-timeout", "6", "--timeout", "100", "--cache", "20000000"),
)
STATUS = re.compile(rb"HTTP/1\.[01] (\d{3}) ")


class Target:
    """The service, the process that serves, and how it is."""

    def __init__(self, service: Serving) -> None:
        self.service = service
        self.port = httpx.URL(service.url).port or 0
        (self.worker,) = psutil.Process(service.process.pid).children()
        self.slowest: list[tuple[float, str]] = []
        assert self.statuses(form(OURS, file_part(OURS, photo()))) == [200]
        self.start = self.memory()

    def statuses(self, sent: bytes, *, leave: bool = False) -> list[int]:
        """Send bytes, and give the statuses of what comes back; `leave` closes our half of the connection."""
        return [int(status) for status in STATUS.findall(self.answer(sent, leave=leave))]

    def answer(self, sent: bytes, *, leave: bool = False) -> bytes:
        """Send bytes, and give what comes back until the connection ends."""
        received = []
        with socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE) as connection:
            sender = threading.Thread(target=_send, args=(connection, sent, leave))
            sender.start()
            try:
                while block := connection.recv(1 << 16):
                    received.append(block)
            except ConnectionResetError:  # it takes no more of the body, which is its right
                pass
            finally:
                sender.join(PATIENCE)
        return b"".join(received)

    def check(self, name: str, wait: float = 0.0) -> None:
        """That it answers, by the same process."""
        start = time.perf_counter()
        assert self.statuses(request("/health", method="GET")) == [200]
        self.slowest.append((max(wait, time.perf_counter() - start), name))
        assert self.worker.is_running()
        assert self.worker.status() != psutil.STATUS_ZOMBIE
        assert psutil.Process(self.service.process.pid).children() == [self.worker]

    def memory(self) -> int:
        """The most bytes that the process ever had, where the system tells; else those that it has."""
        status = Path(f"/proc/{self.worker.pid}/status")
        if status.exists():
            (peak,) = re.findall(r"VmHWM:\s+(\d+) kB", status.read_text())
            return int(peak) * 1024
        memory: int = self.worker.memory_info().rss
        return memory


def _send(connection: socket.socket, sent: bytes, leave: bool) -> None:
    try:
        connection.sendall(sent)
        if leave:
            connection.shutdown(socket.SHUT_WR)
    except OSError:
        pass


class Watch:
    """Asks for `/health` while something else is going on, and notes the longest wait."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.longest = 0.0

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._ended.wait(0.05):
            start = time.perf_counter()
            self._target.statuses(request("/health", method="GET"))
            self.longest = max(self.longest, time.perf_counter() - start)


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    with serving(tmp_path_factory.mktemp("hostile"), *FLAGS) as service:
        target = Target(service)
        yield target
        print("\nlongest waits for /health:")
        for seconds, name in sorted(target.slowest, reverse=True)[:10]:
            print(f"{seconds:7.2f} s  {name}")
        print(f"memory: {target.start / 1e6:.0f} MB, at most {target.memory() / 1e6:.0f} MB")


made = cache(lambda make: make())


def status_of(path: str, status: int) -> int:
    """The status of a dialect for one of ours."""
    return 400 if path == REMOVE_BG and status in (413, 415, 422) else status


@pytest.mark.parametrize("path", DIALECTS)
@pytest.mark.parametrize("name", PHOTOS)
def test_photos(target: Target, name: str, path: str) -> None:
    make, status = PHOTOS[name]
    sent = form(path, file_part(path, made(make)))
    with Watch(target) as watch:
        statuses = target.statuses(sent)
    target.check(f"{name} to {path}", watch.longest)
    expected = {status_of(path, status)}
    if path == REMOVE_BG:
        expected.add(400)  # where no subject is found in it, as nobody promised
    assert set(statuses) <= expected
    assert len(statuses) == 1


@pytest.mark.parametrize("name", PHOTOS)
def test_backgrounds(target: Target, name: str) -> None:
    """The photo that is put behind goes another way."""
    make, status = PHOTOS[name]
    behind = file_part(OURS, made(make)).replace(b'name="file"', b'name="background_file"', 1)
    with Watch(target) as watch:
        statuses = target.statuses(form(OURS, file_part(OURS, photo()), behind))
    target.check(f"{name} as the background", watch.longest)
    most = {"gif-100000-frames", "tiff-500000-pages", "very-long-side"}  # of these the first is small
    assert statuses == [200 if name in most else status]


@pytest.mark.parametrize("path", DIALECTS)
@pytest.mark.parametrize("name", BAD_METADATA)
def test_photos_that_are_good_but_for_their_metadata(target: Target, name: str, path: str) -> None:
    statuses = target.statuses(form(path, file_part(path, made(BAD_METADATA[name]))))
    target.check(f"{name} to {path}")
    assert statuses == [422 if path == REMBG else 200]


def rows(table: Callable[[str], dict[str, tuple[Callable[[], bytes], set[int]]]]) -> list[object]:
    """A table's rows for each dialect."""
    return [
        pytest.param(make, allowed, id=f"{name} to {path}")
        for path in DIALECTS
        for name, (make, allowed) in table(path).items()
    ]


def tried(target: Target, make: Callable[[], bytes], allowed: set[int], name: str) -> None:
    """Send a request, and hold its one answer and the service to what they should be."""
    sent = make()
    with Watch(target) as watch:
        statuses = target.statuses(sent)
    target.check(name, watch.longest)
    assert len(statuses) <= 1
    assert (statuses or [CLOSED])[0] in allowed


@pytest.mark.parametrize(("make", "allowed"), rows(forms))
def test_forms(
    target: Target, make: Callable[[], bytes], allowed: set[int], request: pytest.FixtureRequest
) -> None:
    tried(target, make, allowed, request.node.name)


@pytest.mark.parametrize(("make", "allowed"), rows(jsons))
def test_json(
    target: Target, make: Callable[[], bytes], allowed: set[int], request: pytest.FixtureRequest
) -> None:
    tried(target, make, allowed, request.node.name)


@pytest.mark.parametrize("name", JSON_VALUES)
def test_options_in_json(target: Target, name: str) -> None:
    option, value = JSON_VALUES[name]
    answer = target.answer(as_json(OURS, {"url": "http://127.0.0.1:1/", option: value}))
    target.check(name)
    assert answer.startswith(b"HTTP/1.1 422 ")
    error = json.loads(answer.partition(b"\r\n\r\n")[2])["error"]
    # What is refused is the option, but for those whose check comes after the photo's.
    assert error["code"] in ("usage", "unknown_model", "fetch_refused")
    assert len(error["message"]) < 2100


@pytest.mark.parametrize("name", FORM_VALUES)
def test_options_in_a_form(target: Target, name: str) -> None:
    option, value, status = FORM_VALUES[name]
    statuses = target.statuses(options(OURS, (option, value)))
    target.check(name)
    assert statuses == [status]


@pytest.mark.parametrize("name", EXTRAS)
def test_rembgs_extras(target: Target, name: str) -> None:
    value, status = EXTRAS[name]
    statuses = target.statuses(options(REMBG, (b"extras", value)))
    target.check(name)
    assert statuses == [status]


def test_a_path_as_vitmattes_weights(target: Target) -> None:
    answer = target.answer(options(REMBG, (b"vm", b"1"), (b"extras", b'{"vitmatte_model": "/etc/passwd"}')))
    target.check("a path as vitmatte's weights")
    assert answer.startswith(b"HTTP/1.1 422 ")
    assert b"There is no ViTMatte variant" in answer


@pytest.mark.parametrize("name", HTTP)
def test_http(target: Target, name: str) -> None:
    make, allowed = HTTP[name]
    tried(target, make, allowed, name)


class TestConnections:
    def test_a_body_that_never_comes(self, target: Target) -> None:
        head = b"POST /v1/cutouts HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 9\r\n\r\n"
        statuses = target.statuses(head + b"x")
        target.check("a body that never comes")
        assert statuses == [408]

    def test_a_body_whose_sender_leaves(self, target: Target) -> None:
        head = f"POST /v1/cutouts HTTP/1.1\r\nHost: x\r\nContent-Length: {SIZE}\r\n\r\n".encode()
        statuses = target.statuses(head + photo()[:-100], leave=True)
        target.check("a body whose sender leaves")
        assert set(statuses) <= {BROKEN_OFF}

    def test_a_body_that_is_asked_for(self, target: Target) -> None:
        head = "POST /v1/cutouts HTTP/1.1\r\nHost: x\r\nConnection: close\r\nExpect: 100-continue\r\n"
        sent = f"{head}Content-Length: {SIZE}\r\n\r\n".encode() + photo()
        assert target.statuses(sent) == [100, 200]
        # A client that waits is told no instead of yes.
        too_large = f"{head}Content-Length: 99999999\r\n\r\n".encode()
        assert target.statuses(too_large) == [413]

    def test_requests_that_do_not_wait_for_answers(self, target: Target) -> None:
        one = b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n"
        statuses = target.statuses(one * 500 + request("/v1/nothing", method="GET"))
        target.check("500 requests at once")
        assert statuses == [200] * 500 + [404]

    def test_heads_that_come_slowly_hold_up_nobody(self, target: Target) -> None:
        slow = [socket.create_connection(("127.0.0.1", target.port)) for _ in range(100)]
        try:
            for connection in slow:
                connection.sendall(b"POST /v1/cutouts HTTP/1.1\r\nHost: x\r\nX-Slow: ")
            target.check("100 slow heads")
            assert target.statuses(form(OURS, file_part(OURS, photo()))) == [200]
        finally:
            for connection in slow:
                connection.close()

    def test_clients_that_leave_at_once(self, target: Target) -> None:
        sent = form(OURS, file_part(OURS, photo()))
        for length in (1, 100, len(sent) // 2, len(sent)):
            for _ in range(10):
                with socket.create_connection(("127.0.0.1", target.port)) as connection:
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                    connection.sendall(sent[:length])
        target.check("clients that leave at once")
        assert target.statuses(sent) == [200]

    def test_what_a_header_says_is_not_repeated(self, target: Target) -> None:
        answer = target.answer(
            b"GET /v1/cutouts/a%0d%0aX-Evil:%201 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
            b"X-Request-Id: a;b\r\n\r\n"
        )
        assert b"X-Evil" not in answer.partition(b"\r\n\r\n")[0]
        assert b"a;b" not in answer


ADDRESSES = [url for url in NOT_PUBLIC if url and "\r" not in url and ".example" not in url]


@pytest.fixture(scope="module")
def inside() -> Iterator[tuple[int, list[object]]]:
    """A port on this machine, and who came there."""
    port, came = free_port(), list[object]()
    with socket.create_server(("127.0.0.1", port)) as listener:
        threading.Thread(target=_note_visits, args=(listener, came), daemon=True).start()
        yield port, came


class TestAddresses:
    """Those of `test_fetch_places`, through HTTP."""

    @pytest.mark.parametrize("url", ADDRESSES)
    def test_are_refused(self, target: Target, inside: tuple[int, list[object]], url: str) -> None:
        port, came = inside
        url = url.replace("{port}", str(port))
        escaped = quote(url, errors="surrogatepass")[:50_000]
        tries = {
            as_json(OURS, {"url": url}): 422,
            as_json(REMOVE_BG, {"image_url": url}): 400,
            request(f"{REMBG}?url={escaped}", method="GET"): 422,
        }
        for sent, status in tries.items():
            assert target.statuses(sent) == [status]
        target.check("an address")
        assert came == []


def _note_visits(listener: socket.socket, came: list[object]) -> None:
    try:
        while True:
            connection, address = listener.accept()
            came.append(address)
            connection.close()
    except OSError:  # it is closed
        pass


class TestAfterwards:
    """What is left of all that; these come last."""

    def test_memory_is_bounded(self, target: Target) -> None:
        assert target.memory() - target.start < MOST_GROWTH

    def test_nothing_went_wrong_inside(self, target: Target) -> None:
        said = target.service.said()
        assert "Traceback" not in said
        assert " 500 " not in said

    def test_it_works_as_before(self, target: Target) -> None:
        assert target.statuses(form(OURS, file_part(OURS, photo("PNG")))) == [200]

    def test_there_were_enough(self) -> None:
        assert len({*PHOTOS, *BAD_METADATA, *HTTP, *forms(OURS), *jsons(OURS)}) >= 40
        assert len(ADDRESSES) >= 25
