"""A real nginx with the configuration that is shipped."""

from __future__ import annotations

import contextlib
import shutil
import ssl
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest
from server.serving import PATIENCE, free_port

SHIPPED = Path(__file__).resolve().parent.parent.parent / "deploy" / "nginx.conf"


class Nginx(NamedTuple):
    """A running nginx."""

    url: str
    http_url: str
    certificate: Path
    access_log: Path

    def client(self) -> httpx.Client:
        """A client that trusts its certificate, and nothing else."""
        context = ssl.create_default_context(cafile=self.certificate)
        return httpx.Client(base_url=self.url, verify=context, timeout=PATIENCE)


def need_nginx() -> str:
    """The program; the test is skipped where it is not there or does not run."""
    program = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")
    if program is None or shutil.which("openssl") is None:
        pytest.skip("nginx or openssl is not installed")
    return program


def configuration(folder: Path, backend: str) -> tuple[Path, Nginx]:
    """The shipped file with other ports, paths, certificate and user in its text, and nothing else.

    Args:
        folder: for all that nginx writes.
        backend: `host:port` of the service behind it.
    """
    certificate, key = folder / "fullchain.pem", folder / "privkey.pem"
    kind = "-x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost"
    names = "subjectAltName=DNS:localhost,IP:127.0.0.1"
    subprocess.run(
        ["openssl", "req", *kind.split(), "-addext", names, "-keyout", key, "-out", certificate],
        check=True,
        capture_output=True,
    )
    tls, plain, other_tls, other_plain = (free_port() for _ in range(4))
    access_log = folder / "access.log"
    text = SHIPPED.read_text(encoding="utf-8")
    for shipped, here in (
        ("user www-data;", "user root;"),  # who may enter the test's folder
        ("/run/nginx.pid", folder / "nginx.pid"),
        ("/var/log/nginx/error.log", folder / "error.log"),
        ("/var/log/nginx/rembolt.log", access_log),
        ("/etc/ssl/rembolt/fullchain.pem", certificate),
        ("/etc/ssl/rembolt/privkey.pem", key),
        ("/var/cache/nginx-rembolt", folder / "kept"),
        ("server 127.0.0.1:7000 ", f"server {backend} "),
        ("listen [::]:443 ", f"listen 127.0.0.1:{other_tls} "),
        ("listen [::]:80 ", f"listen 127.0.0.1:{other_plain} "),
        ("listen 443 ", f"listen 127.0.0.1:{tls} "),
        ("listen 80 ", f"listen 127.0.0.1:{plain} "),
    ):
        assert text.count(shipped) == 1, f"deploy/nginx.conf has not one {shipped!r} any more"
        text = text.replace(shipped, str(here))
    path = folder / "nginx.conf"
    path.write_text(text, encoding="utf-8")
    return path, Nginx(f"https://127.0.0.1:{tls}", f"http://127.0.0.1:{plain}", certificate, access_log)


@contextlib.contextmanager
def nginx_before(folder: Path, backend: str) -> Iterator[Nginx]:
    """Run nginx in front of `host:port` until the block ends."""
    program = need_nginx()
    path, nginx = configuration(folder, backend)
    log = folder / "start.log"
    with log.open("wb") as file:
        process = subprocess.Popen([program, "-c", path, "-g", "daemon off;"], stdout=file, stderr=file)
    try:
        deadline = time.monotonic() + PATIENCE
        while True:
            assert process.poll() is None, log.read_text()
            with contextlib.suppress(httpx.HTTPError):
                httpx.get(nginx.http_url, timeout=10)
                break
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)
        yield nginx
    finally:
        process.terminate()
        process.wait(60)
