"""The shipped nginx.conf: a real nginx in front of a real service."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path
from threading import Barrier

import httpx
import pytest
from deploy.figures import Counted, counted
from deploy.nginx_server import Nginx, configuration, need_nginx, nginx_before
from deploy.uploads import digest_of, photo_of, post, refusal
from PIL import Image
from server.serving import PATIENCE, Serving, free_port, serving

ORIGIN = "https://shop.example"
NONE = Counted(0, 0)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    need_nginx()
    flags = ("--cors-origins", ORIGIN, "--trusted-proxies", "127.0.0.1")
    with serving(tmp_path_factory.mktemp("service"), *flags) as running:
        yield running


@pytest.fixture(scope="module")
def nginx(tmp_path_factory: pytest.TempPathFactory, service: Serving) -> Iterator[Nginx]:
    with nginx_before(tmp_path_factory.mktemp("nginx"), service.url.removeprefix("http://")) as running:
        yield running


@pytest.fixture
def client(nginx: Nginx) -> Iterator[httpx.Client]:
    with nginx.client() as client:
        yield client


@pytest.fixture
def before(service: Serving) -> Counted:
    """What the service had counted when the test began."""
    return counted(service.url)


def wait_for(condition: Callable[[], bool]) -> None:
    """Wait for what is done only after the answer was sent."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_nginx_finds_nothing_wrong_with_it(tmp_path: Path) -> None:
    path, _ = configuration(tmp_path, "127.0.0.1:7000")
    done = subprocess.run([need_nginx(), "-t", "-c", path], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "[warn]" not in done.stderr
    assert "[alert]" not in done.stderr


class TestUploads:
    def test_one_that_was_answered_before_is_answered_by_nginx(
        self, client: httpx.Client, service: Serving, cat: Image.Image, before: Counted
    ) -> None:
        body = photo_of(cat, 1)
        status, cache, first = post(client, body)
        assert (status, cache, first.headers["x-rembolt-source"]) == (200, "MISS", "computed")
        assert Image.open(BytesIO(first.content)).size == (90, 60)
        status, cache, second = post(client, body)
        assert (status, cache, second.content) == (200, "HIT", first.content)
        assert counted(service.url).since(before) == Counted(1, 1)
        assert second.headers["etag"] == first.headers["etag"]
        assert second.headers["content-type"] == "image/png"
        # Not what the first one was told of itself.
        assert second.headers["x-rembolt-source"] == "cache"
        assert "infer;dur=" in first.headers["server-timing"]
        assert "server-timing" not in second.headers
        ids = [response.headers.get_list("x-request-id") for response in (first, second)]
        assert [len(found) for found in ids] == [1, 1]
        assert ids[0] != ids[1]

    def test_other_options_are_another_answer(self, client: httpx.Client, cat: Image.Image) -> None:
        body = photo_of(cat, 2)
        cut = post(client, body)
        mask = post(client, body, "/v1/cutouts?only_mask=true")
        assert cut[:2] == mask[:2] == (200, "MISS")
        assert Image.open(BytesIO(mask[2].content)).mode == "L"
        again = post(client, body, "/v1/cutouts?only_mask=true")
        assert again[1] == "HIT"
        assert again[2].content == mask[2].content != cut[2].content

    def test_without_a_digest_each_goes_to_the_service(
        self, client: httpx.Client, service: Serving, cat: Image.Image, before: Counted
    ) -> None:
        body = photo_of(cat, 3)
        for _ in range(2):
            response = client.post("/v1/cutouts", content=body)
            assert (response.status_code, response.headers["x-cache"]) == (200, "BYPASS")
        form = client.post("/v1/cutouts", files={"file": body})
        assert (form.status_code, form.content) == (200, response.content)
        assert counted(service.url).since(before) == Counted(3, 1)
        assert post(client, body)[1] == "MISS"

    def test_nobody_can_put_another_photo_under_a_digest(
        self, client: httpx.Client, service: Serving, cat: Image.Image, before: Counted
    ) -> None:
        body, other = photo_of(cat, 4), photo_of(cat, 5)
        claimed, own = digest_of(body)["Content-Digest"], digest_of(other)["Content-Digest"]
        form = {"file": other}
        lies = [
            client.post("/v1/cutouts", content=other, headers={"Content-Digest": claimed}),
            client.post(
                "/v1/cutouts", content=other, headers=[("Content-Digest", claimed), ("Content-Digest", own)]
            ),
            client.post("/v1/cutouts", content=other, headers={"Content-Digest": f"{claimed}, {own}"}),
            client.post("/v1/cutouts", files=form, headers={"Content-Digest": claimed}),
            client.post("/v1/cutouts", json={"url": ORIGIN}, headers={"Content-Digest": claimed}),
            client.post(
                "/v1/cutouts", content=other, headers={"Content-Digest": claimed, "Content-Encoding": "gzip"}
            ),
            # The digest of nothing, for what another address leads to.
            client.post(f"/v1/cutouts?url={ORIGIN}", headers=digest_of(b"")),
        ]
        assert [refusal(lie) for lie in lies] == [(400, "bad_request")] * len(lies)
        assert counted(service.url).since(before) == Counted(len(lies), 0)
        status, cache, first = post(client, body)
        assert (status, cache) == (200, "MISS")
        assert first.headers["etag"].startswith(f'"{hashlib.sha256(body).hexdigest()}-')
        assert post(client, other)[1] == "MISS"

    def test_an_answer_without_the_headers_of_a_page_is_not_given_to_a_page(
        self, client: httpx.Client, cat: Image.Image
    ) -> None:
        body = photo_of(cat, 6)
        assert "access-control-allow-origin" not in post(client, body)[2].headers
        for expected in ("MISS", "HIT"):
            _, cache, response = post(client, body, Origin=ORIGIN)
            assert (cache, response.headers["access-control-allow-origin"]) == (expected, ORIGIN)
        assert post(client, body)[1] == "HIT"

    def test_those_in_flight_that_are_alike_are_computed_once(
        self, nginx: Nginx, service: Serving, cat: Image.Image, before: Counted
    ) -> None:
        body = photo_of(cat, 7, (1600, 1200))
        together = Barrier(3, timeout=60)

        def send(_: int) -> tuple[int, str, bytes]:
            with nginx.client() as client:
                client.get("/health")
                together.wait()
                status, cache, response = post(client, body, "/v1/cutouts?refine=best")
                return status, cache, response.content

        with ThreadPoolExecutor(3) as threads:
            answers = list(threads.map(send, range(3)))
        assert sorted(cache for _, cache, _ in answers) == ["HIT", "HIT", "MISS"]
        assert {(status, content) for status, _, content in answers} == {(200, answers[0][2])}
        assert counted(service.url).since(before) == Counted(1, 1)


class TestAddresses:
    def test_a_result_by_its_address_is_kept(self, client: httpx.Client, cat: Image.Image) -> None:
        body = photo_of(cat, 10)
        path = f"/v1/cutouts/{hashlib.sha256(body).hexdigest()}-{client.get('/v1/recipe').json()['recipe']}"
        for _ in range(2):
            assert refusal(client.get(path)) == (404, "unknown_address")
        made = post(client, body)[2]
        assert made.headers["content-location"] == path
        kept = [client.get(path), client.get(path), client.get(f"{path}?this=is-not-looked-at")]
        assert [response.headers["x-cache"] for response in kept] == ["MISS", "HIT", "HIT"]
        assert {response.content for response in kept} == {made.content}
        assert kept[1].headers["cache-control"] == "public, max-age=31536000, immutable"
        known = client.get(path, headers={"If-None-Match": made.headers["etag"]})
        assert (known.status_code, known.content, known.headers["x-cache"]) == (304, b"", "HIT")
        head = client.head(path)
        assert (head.headers["x-cache"], head.headers["etag"]) == ("HIT", made.headers["etag"])


class TestRefusals:
    def test_errors_are_not_kept(self, client: httpx.Client, service: Serving, before: Counted) -> None:
        for _ in range(2):
            status, cache, response = post(client, b"this is no photo")
            assert (status, cache) == (415, "MISS")
            assert response.headers["cache-control"] == "no-store"
        assert counted(service.url).since(before) == Counted(2, 0)

    def test_what_is_too_large_does_not_reach_the_service(
        self, client: httpx.Client, service: Serving, before: Counted
    ) -> None:
        assert refusal(post(client, bytes(27_000_000))[2]) == (413, "body_too_large")
        assert counted(service.url).since(before) == NONE

    @pytest.mark.parametrize("path", ["/metrics", "/metrics/", "//metrics", "/%6detrics", "/v1/../metrics"])
    def test_figures_are_for_the_inside(self, nginx: Nginx, path: str) -> None:
        line = [
            "curl",
            "--silent",
            "--cacert",
            str(nginx.certificate),
            "--path-as-is",
            "-i",
            nginx.url + path,
        ]
        answer = subprocess.run(line, capture_output=True, text=True, check=True).stdout
        assert " 404" in answer.splitlines()[0]
        assert "rembolt_" not in answer

    def test_a_service_that_is_not_there_and_clients_that_ask_too_much(self, tmp_path: Path) -> None:
        curl = shutil.which("curl") or pytest.skip("curl is not installed")
        with nginx_before(tmp_path, f"127.0.0.1:{free_port()}") as nginx:
            with nginx.client() as client:
                lost = client.post("/v1/cutouts", content=b"photo", headers=digest_of(b"photo"))
            assert refusal(lost) == (502, "unavailable")
            assert lost.headers["retry-after"] == "5"
            line = [curl, "--silent", "--cacert", str(nginx.certificate), f"{nginx.url}/v1/models?[1-400]"]
            said = subprocess.run(line, capture_output=True, text=True, check=True).stdout
        codes = [json.loads(part + "}}")["error"]["code"] for part in said.split("}}") if part]
        assert len(codes) == 400
        assert set(codes) == {"unavailable", "rate_limited"}
        assert codes.count("unavailable") >= 40  # a burst is let through


class TestConnections:
    def test_http_2(self, nginx: Nginx) -> None:
        curl = shutil.which("curl") or pytest.skip("curl is not installed")
        line = [curl, "--silent", "--http2", "--insecure", "-o", "-", "-w", " %{http_version}"]
        done = subprocess.run([*line, f"{nginx.url}/health"], capture_output=True, text=True)
        said, version = done.stdout.rsplit(" ", 1)
        assert (version, json.loads(said)["status"]) == ("2", "ok")

    def test_plain_http_leads_to_https(self, nginx: Nginx, client: httpx.Client) -> None:
        moved = httpx.post(f"{nginx.http_url}/v1/cutouts?format=webp", content=b"photo")
        assert moved.status_code == 308
        assert moved.headers["location"] == "https://127.0.0.1/v1/cutouts?format=webp"
        # And nothing that is answered behind leads back.
        moved = client.post("/v1/cutouts/", content=b"photo")
        assert (moved.status_code, moved.headers["location"]) == (307, f"{nginx.url}/v1/cutouts")

    def test_probes_are_not_logged_and_ids_go_through(
        self, nginx: Nginx, client: httpx.Client, service: Serving, cat: Image.Image
    ) -> None:
        assert client.get("/ready?probe").json() == {"status": "ready"}
        assert client.get("/health?probe").status_code == 200
        response = post(client, photo_of(cat, 30), **{"X-Request-Id": "mine"})[2]
        request_id = response.headers["x-request-id"]
        assert request_id != "mine"
        wait_for(lambda: f"id={request_id}" in service.said())
        wait_for(lambda: f"cache=MISS id={request_id}" in nginx.access_log.read_text())
        assert "probe" not in nginx.access_log.read_text()
