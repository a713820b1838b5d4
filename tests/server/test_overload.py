"""More than the service can do: every request gets an answer, and nothing is kept that nobody wants."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from server.conftest import encoded, noise
from server.serving import PATIENCE, Serving, serving

LARGE = [encoded(noise(1600, 1200, seed=seed)) for seed in range(4)]


@pytest.fixture(scope="module")
def narrow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """One photo at a time, one that waits, nothing kept, little memory, bodies within three seconds."""
    flags = ("--workers", "1", "--queue", "1", "--cache", "0", "--max-memory", "60000000")
    with serving(tmp_path_factory.mktemp("overload"), *flags, "--upload-timeout", "3") as service:
        yield service


def figure(service: Serving, name: str) -> float:
    """One metric's value."""
    for line in httpx.get(f"{service.url}/metrics", timeout=60).text.splitlines():
        if line.startswith(f"{name} "):
            return float(line.split()[1])
    raise AssertionError(f"there is no metric {name}")


def settle(service: Serving, name: str, value: float) -> None:
    """Wait until a metric has a value."""
    deadline = time.monotonic() + PATIENCE
    while figure(service, name) != value:
        assert time.monotonic() < deadline, f"{name} never got to {value}"
        time.sleep(0.05)


def port_of(service: Serving) -> int:
    port = httpx.URL(service.url).port
    assert port is not None
    return port


def test_each_of_many_gets_a_photo_or_is_told_when_to_come_again(narrow: Serving) -> None:
    async def ask(client: httpx.AsyncClient, place: int) -> httpx.Response:
        photo = LARGE[place % len(LARGE)]
        # Another option each: none is the same as another, which would be computed once for both.
        return await client.post("/v1/cutouts", content=photo, params={"feather": str(1 + place / 100)})

    async def all_at_once() -> list[httpx.Response]:
        limits = httpx.Limits(max_connections=16)
        async with httpx.AsyncClient(base_url=narrow.url, timeout=PATIENCE, limits=limits) as client:
            return await asyncio.gather(*(ask(client, place) for place in range(16)))

    answers = asyncio.run(all_at_once())
    served = [answer for answer in answers if answer.status_code == 200]
    refused = [answer for answer in answers if answer.status_code == 503]
    assert len(served) + len(refused) == 16
    assert served
    assert refused
    assert all(answer.content.startswith(b"\x89PNG") for answer in served)
    for answer in refused:
        assert int(answer.headers["retry-after"]) >= 1
        assert answer.json()["error"]["code"] == "overloaded"
    settle(narrow, "rembolt_body_bytes", 0)
    settle(narrow, "rembolt_queue_depth", 0)


def test_the_same_at_the_same_time_is_done_once(narrow: Serving) -> None:
    photo = encoded(noise(1500, 1100, seed=50))

    async def all_at_once() -> list[httpx.Response]:
        async with httpx.AsyncClient(base_url=narrow.url, timeout=PATIENCE) as client:
            return await asyncio.gather(*(client.post("/v1/cutouts", content=photo) for _ in range(8)))

    before = figure(narrow, 'rembolt_results_total{source="computed"}')
    answers = asyncio.run(all_at_once())
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1
    computed = figure(narrow, 'rembolt_results_total{source="computed"}') - before
    sources = [answer.headers["x-rembolt-source"] for answer in answers]
    assert computed == sources.count("computed") < 8


def test_work_for_clients_that_left_is_dropped(narrow: Serving) -> None:
    before = figure(narrow, "rembolt_abandoned_total")
    bodies = [encoded(noise(3000, 2400, seed=seed)) for seed in (60, 61)]
    with contextlib.ExitStack() as stack:
        for body in bodies:
            connection = stack.enter_context(socket.create_connection(("127.0.0.1", port_of(narrow))))
            head = f"POST /v1/cutouts?refine=best HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
            connection.sendall(head.encode() + body)
        deadline = time.monotonic() + PATIENCE
        while figure(narrow, "rembolt_at_work") < 1:
            assert time.monotonic() < deadline
            time.sleep(0.05)
    settle(narrow, "rembolt_abandoned_total", before + 2)
    settle(narrow, "rembolt_at_work", 0)
    settle(narrow, "rembolt_body_bytes", 0)


def test_a_body_that_does_not_come_is_not_waited_for(narrow: Serving) -> None:
    with socket.create_connection(("127.0.0.1", port_of(narrow))) as connection:
        connection.sendall(b"POST /v1/cutouts HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nabc")
        connection.settimeout(PATIENCE)
        assert connection.recv(4096).startswith(b"HTTP/1.1 408 ")


def test_too_many_bytes_at_the_same_time(narrow: Serving) -> None:
    with contextlib.ExitStack() as stack:
        for _ in range(3):
            connection = stack.enter_context(socket.create_connection(("127.0.0.1", port_of(narrow))))
            connection.sendall(b"POST /v1/cutouts HTTP/1.1\r\nHost: x\r\nContent-Length: 24000001\r\n\r\n")
            connection.sendall(bytes(20_000_000))
        answer = httpx.post(f"{narrow.url}/v1/cutouts", content=LARGE[0], timeout=PATIENCE)
        assert answer.status_code in {503, 200}  # 200 where the three were told to be too slow before
        if answer.status_code == 503:
            assert "arriving at the same time" in answer.json()["error"]["message"]
    settle(narrow, "rembolt_body_bytes", 0)


def test_a_time_limit(tmp_path: Path) -> None:
    with serving(tmp_path, "--timeout", "0.1", "--workers", "1") as service:
        photo = encoded(noise(4000, 3000, seed=70))
        answer = httpx.post(f"{service.url}/v1/cutouts", content=photo, timeout=PATIENCE)
        assert answer.status_code == 503
        assert answer.json()["error"]["code"] == "out_of_time"
        assert int(answer.headers["retry-after"]) >= 1
        settle(service, "rembolt_at_work", 0)
