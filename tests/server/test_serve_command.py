"""`rembolt serve` as a child process: starting, stopping, processes, ports, settings."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest
from server.conftest import encoded, noise
from server.serving import PATIENCE, Serving, free_port, serving, start, stop, wait_until_ready

PHOTO = encoded(noise(64, 48, seed=11))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("serve")


@pytest.fixture(scope="module")
def two(place: Path) -> Iterator[Serving]:
    """Two processes, metrics on a port of their own."""
    port = free_port()
    with serving(place, "--processes", "2", "--metrics-port", str(port), "--log-format", "json") as service:
        yield service._replace(url=f"{service.url} http://127.0.0.1:{port}")


def workers_of(service: Serving) -> dict[int, psutil.Process]:
    """The serving processes by id."""
    return {child.pid: child for child in psutil.Process(service.process.pid).children()}


def refused(folder: Path, *arguments: str, environment: dict[str, str] | None = None) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "rembolt", "serve", *arguments],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        env={**os.environ, "HOME": str(folder), **(environment or {})},
        check=False,
    )
    assert "Traceback" not in done.stderr
    return done.returncode, done.stderr.strip().splitlines()[-1]


class TestProcesses:
    def test_a_killed_process_is_replaced_and_the_others_go_on(self, two: Serving) -> None:
        url, metrics = two.url.split()
        before = workers_of(two)
        assert len(before) == 2
        victim = min(before)
        before[victim].kill()
        deadline = time.monotonic() + PATIENCE
        answered = 0
        while time.monotonic() < deadline:
            with contextlib.suppress(httpx.TransportError):  # what the killed one had taken is lost
                assert httpx.post(f"{url}/v1/cutouts", content=PHOTO, timeout=60).status_code == 200
                answered += 1
            now = workers_of(two)
            if victim not in now and len(now) == 2 and answered >= 3:
                break
        assert victim not in workers_of(two)
        assert len(workers_of(two)) == 2
        wait_until_ready(two._replace(url=url))
        text = httpx.get(f"{metrics}/metrics", timeout=30).text
        assert "rembolt_photos_total" in text

    def test_metrics_are_on_their_port_only(self, two: Serving) -> None:
        url, metrics = two.url.split()
        assert httpx.get(f"{url}/metrics", timeout=30).status_code == 404
        assert "rembolt_queue_depth" in httpx.get(f"{metrics}/metrics", timeout=30).text

    def test_the_log_has_one_json_object_a_request(self, two: Serving) -> None:
        import json

        url, _ = two.url.split()
        response = httpx.post(
            f"{url}/v1/cutouts", content=PHOTO, headers={"X-Request-Id": "mine-1"}, timeout=60
        )
        assert response.headers["x-request-id"] == "mine-1"
        deadline = time.monotonic() + PATIENCE
        while "mine-1" not in two.said():  # it is written after the answer
            assert time.monotonic() < deadline
            time.sleep(0.05)
        said = json.loads(next(line for line in two.said().splitlines() if "mine-1" in line))
        assert (said["status"], said["dialect"], said["model"]) == (200, "rembolt", "bolt")
        assert set(said["stages"]) >= {"decode", "infer", "encode"} or said["source"] != "computed"


class TestStopping:
    def test_sigterm_ends_what_has_begun(self, place: Path) -> None:
        with serving(place, "--workers", "1") as service:
            body = encoded(noise(2500, 2000, seed=12))
            with socket.create_connection(("127.0.0.1", httpx.URL(service.url).port or 0)) as connection:
                head = f"POST /v1/cutouts HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
                connection.sendall(head.encode() + body)
                _wait_for(service, "rembolt_body_bytes", at_least=len(body))
                service.process.terminate()
                connection.settimeout(PATIENCE)
                assert connection.recv(4096).startswith(b"HTTP/1.1 200 OK")
                while connection.recv(1 << 20):
                    pass
            assert service.process.wait(PATIENCE) == 0
            with pytest.raises(httpx.ConnectError):
                httpx.get(f"{service.url}/health")

    def test_ctrl_c_stops(self, place: Path) -> None:
        service = start(place)
        wait_until_ready(service)
        service.process.send_signal(2)
        assert service.process.wait(PATIENCE) == 0
        assert "Traceback" not in service.said()


class TestSettings:
    def test_the_environment_and_flags(self, place: Path) -> None:
        environment = {"REMBOLT_MAX_BYTES": "2000", "REMBOLT_MAX_PIXELS": "100", "REMBOLT_API_KEYS": "k"}
        with serving(place, "--max-pixels", "99999", environment=environment) as service:
            keyed = {"X-Api-Key": "k"}
            url = f"{service.url}/v1/cutouts"
            assert httpx.post(url, content=bytes(2001), headers=keyed, timeout=60).status_code == 413
            assert httpx.post(url, content=encoded(noise(16, 16)), timeout=60).status_code == 401
            assert (
                httpx.post(url, content=encoded(noise(16, 16)), headers=keyed, timeout=60).status_code == 200
            )

    def test_a_variable_that_cannot_be_read_is_named(self, tmp_path: Path) -> None:
        code, said = refused(tmp_path, environment={"REMBOLT_PORT": "many"})
        assert (code, said) == (2, "rembolt: REMBOLT_PORT must be a whole number, not 'many'.")

    def test_wrong_flags(self, tmp_path: Path) -> None:
        assert refused(tmp_path, "--port", "0")[0] == 2
        assert refused(tmp_path, "--tls-cert", "a.pem")[1] == (
            "rembolt: tls_cert and tls_key belong together; give both or neither."
        )
        assert refused(tmp_path, "--metrics-port", "7000")[0] == 2

    def test_an_address_of_redis_and_models_that_are_none(self, tmp_path: Path) -> None:
        code, said = refused(tmp_path, "--redis", "nonsense")
        assert code == 2
        assert said.startswith("rembolt: the URL of Redis cannot be used")
        code, said = refused(tmp_path, "--models", "bolt,u2nett")
        assert code == 4
        assert said == "rembolt: There is no model 'u2nett'; did you mean 'u2net'?"

    def test_a_port_that_is_taken(self, tmp_path: Path) -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            code, said = refused(tmp_path, "--port", str(port))
        assert code == 1
        assert said.startswith(f"rembolt: 127.0.0.1:{port} cannot be listened on (Address already in use)")

    def test_a_model_that_is_not_there(self, tmp_path: Path) -> None:
        assert refused(tmp_path, "-m", "u2net", "--offline")[0] == 4
        assert refused(tmp_path, "-m", "nothing")[0] == 4

    def test_a_device_that_does_not_run(self, tmp_path: Path) -> None:
        code, said = refused(tmp_path, "--device", "directml")
        assert code == 5
        assert "directml" in said

    def test_certificates_that_are_not_there(self, tmp_path: Path) -> None:
        code, said = refused(tmp_path, "--tls-cert", "a.pem", "--tls-key", "b.pem")
        assert code == 2
        assert "a.pem" in said


def test_https_and_http_2(place: Path) -> None:
    openssl, curl = shutil.which("openssl"), shutil.which("curl")
    if not openssl or not curl:
        pytest.skip("openssl or curl is not installed")
    key, certificate = place / "key.pem", place / "certificate.pem"
    made = f"req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -keyout {key} -out {certificate}"
    subprocess.run([openssl, *made.split()], check=True, capture_output=True)
    flags = ("--tls-cert", str(certificate), "--tls-key", str(key))
    photo = place / "photo.jpg"
    photo.write_bytes(PHOTO)
    with serving(place, *flags, scheme="https") as service:
        for version, flag in (("1.1", "--http1.1"), ("2", "--http2")):
            told = ["-o", str(place / "out.png"), "-w", "%{http_version} %{http_code}"]
            sent = ["--data-binary", f"@{photo}", f"{service.url}/v1/cutouts"]
            command = [curl, "-sk", flag, *told, *sent]
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            assert done.stdout == f"{version} 200"


def _wait_for(service: Serving, metric: str, *, at_least: float) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        for line in httpx.get(f"{service.url}/metrics", timeout=30).text.splitlines():
            if line.startswith(f"{metric} ") and float(line.split()[1]) >= at_least:
                return
        time.sleep(0.02)
    raise AssertionError(f"{metric} never got to {at_least}")


def test_stop_is_told_of_one_that_ended(place: Path) -> None:
    service = start(place, "-m", "nothing")
    assert service.process.wait(PATIENCE) == 4
    assert stop(service) == 4
