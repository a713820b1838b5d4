"""Over https, the certificate must be trusted and be that of the name in the URL."""

from __future__ import annotations

import asyncio
import shutil
import ssl
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from server.web_site import Site, moved, ok, photo, site, use_names

from rembolt.server.errors import FetchFailedError, FetchRefusedError
from rembolt.server.fetch import Fetcher, FetchLimits

PHOTO = photo()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Certificate and key of `photos.example`, signed by itself, in one file."""
    if shutil.which("openssl") is None:
        pytest.skip("there is no openssl command to make a certificate with")
    folder = tmp_path_factory.mktemp("certificate")
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2"
    subprocess.run(
        [
            *command.split(),
            *("-subj", "/CN=photos.example", "-addext", "subjectAltName=DNS:photos.example"),
            *("-keyout", str(folder / "key.pem"), "-out", str(folder / "certificate.pem")),
        ],
        check=True,
        capture_output=True,
    )
    both = folder / "both.pem"
    both.write_text((folder / "key.pem").read_text() + (folder / "certificate.pem").read_text())
    return both


@pytest.fixture
def trusted(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same, and this process trusts it."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    return certificate


def visit(certificate: Path, url: str, prepare: Callable[[Site], None]) -> tuple[bytes, list[str]]:
    """Fetch from a site with this certificate; gives the names too that it was asked for."""

    async def main() -> tuple[bytes, list[str]]:
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(certificate)
        asked: list[str] = []
        tls.sni_callback = lambda connection, name, context: asked.append(name)
        async with site(tls=tls) as here:
            use_names(photos_example=[["127.0.0.1"]], others_example=[["127.0.0.1"]])
            prepare(here)
            fetcher = Fetcher(FetchLimits(1_000_000, 30), allowed=lambda address: address.is_loopback)
            try:
                return await fetcher.fetch(url.replace("{port}", str(here.port))), asked
            finally:
                await fetcher.aclose()

    return asyncio.run(main())


def photo_at_photo(here: Site) -> None:
    here.answers["/photo"] = ok(PHOTO)


def test_a_trusted_certificate_of_the_name_is_accepted(trusted: Path) -> None:
    body, asked = visit(trusted, "https://photos.example:{port}/photo", photo_at_photo)
    assert body == PHOTO
    assert asked == ["photos.example"]


def test_a_certificate_that_nobody_trusts_is_refused(certificate: Path) -> None:
    with pytest.raises(FetchFailedError, match="certificate"):
        visit(certificate, "https://photos.example:{port}/photo", photo_at_photo)


@pytest.mark.parametrize("host", ["others.example", "127.0.0.1"])
def test_a_certificate_of_another_name_is_refused(trusted: Path, host: str) -> None:
    with pytest.raises(FetchFailedError, match="certificate"):
        visit(trusted, f"https://{host}:{{port}}/photo", photo_at_photo)


def test_a_redirect_down_to_http_is_refused(trusted: Path) -> None:
    def prepare(here: Site) -> None:
        here.answers["/photo"] = moved(f"http://photos.example:{here.port}/photo")

    with pytest.raises(FetchRefusedError, match="unprotected"):
        visit(trusted, "https://photos.example:{port}/photo", prepare)


def test_a_redirect_within_https_is_followed(trusted: Path) -> None:
    def prepare(here: Site) -> None:
        photo_at_photo(here)
        here.answers["/"] = moved("//photos.example:{port}/photo".replace("{port}", str(here.port)))

    body, asked = visit(trusted, "https://photos.example:{port}/", prepare)
    assert body == PHOTO
    assert asked == ["photos.example"] * 2


def test_http_where_https_is_spoken_and_the_other_way_round_fail(trusted: Path) -> None:
    with pytest.raises(FetchFailedError):
        visit(trusted, "http://photos.example:{port}/photo", photo_at_photo)

    async def main() -> None:
        async with site() as here:
            use_names(photos_example=[["127.0.0.1"]])
            fetcher = Fetcher(FetchLimits(1_000_000, 1), allowed=lambda address: address.is_loopback)
            with pytest.raises(FetchFailedError):
                await fetcher.fetch(f"https://photos.example:{here.port}/")
            await fetcher.aclose()

    asyncio.run(main())
