"""`rembolt.client` with a real service, and its parts."""

from __future__ import annotations

import io
import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from client.odd_server import answer, cutout, odd_server
from PIL import Image
from server.serving import Serving, free_port, serving

import rembolt
from rembolt.client import Client, ServiceError
from rembolt.client.photos import read_options
from rembolt.client.retries import pause, retry_after
from rembolt.errors import (
    InputError,
    UnknownModelError,
    UnreadableImageError,
    UnsupportedImageError,
    UsageError,
)
from rembolt.server import fields
from rembolt.server.errors import (
    BodyTooLargeError,
    KeyRequiredError,
    UnknownAddressError,
)
from rembolt.settings import OutputOptions, pick

KEY = "open sesame"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    with serving(tmp_path_factory.mktemp("serve"), "--api-keys", KEY) as made:
        yield made


@pytest.fixture
def client(service: Serving) -> Iterator[Client]:
    with Client(service.url, api_key=KEY) as made:
        yield made


def pixels(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)))


# --- a real service


def test_a_photo_is_cut_out_and_uploaded_once(service: Serving, client: Client, photo: Path) -> None:
    def posts() -> int:
        return service.said().count(" POST /v1/cutouts")

    before = posts()
    made = client.cutout(photo)
    assert np.array_equal(pixels(made.data), pixels(rembolt.remove(photo.read_bytes())))
    assert (made.width, made.height, made.model, made.device) == (151, 97, "bolt", "cpu")
    assert made.source == "computed"
    assert client.get(made.address) == made._replace(source="cache")
    assert client.cutout(str(photo)) == made._replace(source="cache")
    assert client.remove(photo.read_bytes()) == made.data
    with Client(service.url, api_key=KEY, hash_first=False) as other:
        assert other.cutout(photo) == made._replace(source="memory")
    while posts() < before + 2:  # the log is written when a request is over, which its client knows first
        time.sleep(0.05)
    assert posts() == before + 2


def test_options_come_through(client: Client, photo: Path, tmp_path: Path) -> None:
    made = client.cutout(
        photo, format="webp", bgcolor=(255, 0, 0, 255), only_mask=False, crop=True, shadow=None
    )
    assert Image.open(io.BytesIO(made.data)).format == "WEBP"
    assert (made.width, made.height) != (151, 97)
    other = client.cutout(photo, background="red")
    assert other.address != made.address
    Image.new("RGB", (151, 97), (0, 0, 255)).save(tmp_path / "blue.png")
    expected = pixels(client.remove(photo, background="#0000ff"))
    for blue in (tmp_path / "blue.png", str(tmp_path / "blue.png"), Image.new("RGB", (151, 97), (0, 0, 255))):
        assert np.array_equal(pixels(client.remove(photo, background=blue))[..., :3], expected[..., :3])


def test_the_example_runs(service: Serving, photo: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "client.md").read_text()
    (code,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    photo.rename("photo.jpg")
    address = 'Client("http://localhost:7000")'
    assert address in code
    said: dict[str, Any] = {}
    exec(code.replace(address, f"Client({service.url!r}, api_key={KEY!r})"), said)
    assert Image.open(io.BytesIO(said["data"])).format == "WEBP"
    assert said["same"].data == said["answer"].data


def test_what_the_service_refuses_is_raised_as_here(client: Client, service: Serving, photo: Path) -> None:
    with pytest.raises(UsageError, match="did you mean 'crop'"):
        client.remove(photo, cropp=True)  # type: ignore[call-arg]
    with pytest.raises(UsageError, match="device is for the service's operator"):
        client.remove(photo, device="cuda")
    with pytest.raises(UnknownModelError, match="u2net"):
        client.remove(photo, model="u2net")
    with pytest.raises(UnreadableImageError):
        client.remove(b"no photo")
    with pytest.raises(UnknownAddressError, match="post the photo"):
        client.get(f"{'0' * 64}-{'0' * 16}")
    with pytest.raises(UnknownAddressError, match="no content address"):
        client.get("../recipe")
    with pytest.raises(BodyTooLargeError, match="25000000") as caught:
        client.remove(bytes(25_000_001))
    assert caught.value.exit_code == 3
    for key in (None, "sesame"):
        with Client(service.url, api_key=key) as stranger, pytest.raises(KeyRequiredError):
            stranger.remove(photo)


def test_what_cannot_be_sent_is_told_here(client: Client, photo: Path, tmp_path: Path) -> None:
    with pytest.raises(UnreadableImageError, match="does not exist"):
        client.remove(tmp_path / "missing.jpg")
    with pytest.raises(UnreadableImageError, match="folder"):
        client.remove(tmp_path)
    with pytest.raises(InputError, match="empty"):
        client.remove(b"")
    with pytest.raises(UnsupportedImageError, match="Image"):
        client.remove(Image.new("RGB", (9, 9)))  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="neither a colour"):
        client.remove(photo, background="beach.jpg")


def test_many_threads_share_a_client(client: Client, photo: Path) -> None:
    made: list[bytes] = []
    threads = [threading.Thread(target=lambda: made.append(client.remove(photo))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(100)
    assert len(made) == 8
    assert len(set(made)) == 1


def test_ready(client: Client) -> None:
    assert client.ready()
    with Client(f"http://127.0.0.1:{free_port()}") as nobody:
        assert not nobody.ready()
    with odd_server(answer("503 Service Unavailable")) as starting, Client(starting.url) as waiting:
        assert not waiting.ready()
    with odd_server(answer("404 Not Found")) as other, Client(other.url) as lost, pytest.raises(ServiceError):
        lost.ready()


# --- parts


@pytest.mark.parametrize("url", ["localhost:7000", "ftp://localhost", "http://", "", "http://[", "/v1"])
def test_an_address_that_is_none(url: str) -> None:
    with pytest.raises(UsageError, match="http://localhost:7000"):
        Client(url)


@pytest.mark.parametrize(
    "wrong", [{"timeout": 0}, {"timeout": float("nan")}, {"retries": -1}, {"api_key": "ä\n"}]
)
def test_wrong_settings(wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        Client("http://localhost", **wrong)


def test_a_path_in_the_address_is_kept() -> None:
    with odd_server(cutout()) as server, Client(f"{server.url}/cut/", hash_first=False) as client:
        client.remove(b"a photo")
    assert server.requests[0].startswith(b"POST /cut/v1/cutouts HTTP")


def test_options_as_text_mean_the_same() -> None:
    prompt = [{"type": "point", "data": [1, 2.5], "label": 1}]
    given: dict[str, Any] = {
        "cc": "upper",
        "only_mask": True,
        "decontaminate": False,
        "bgcolor": (1, 2, 3, 4),
        "sam_prompt": prompt,
        "quality": 80,
        "feather": 1.5,
        "vitmatte_model": None,
        "model": "bolt",
    }
    read = fields.read(read_options(given).texts)
    assert read.pop("cloth_category") == "upper"
    assert pick(OutputOptions, read).bgcolor == (1, 2, 3, 4)
    assert read["sam_prompt"] == prompt
    assert read == {
        **read,
        "only_mask": True,
        "decontaminate": False,
        "quality": 80,
        "feather": 1.5,
        "model": "bolt",
    }


def test_long_options_go_into_a_form() -> None:
    prompt = [{"type": "point", "data": [n, n], "label": 1} for n in range(200)]
    with odd_server(cutout()) as server, Client(server.url) as client:
        client.remove(b"a photo", sam_prompt=prompt)
    assert server.requests[0].startswith(b"POST /v1/cutouts HTTP")
    assert b'name="sam_prompt"' in server.requests[0]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("7", 7),
        (" 0 ", 0),
        ("", None),
        ("soon", None),
        ("-3", None),
        ("Sun, 06 Nov 1994 08:49:37 GMT", 0),
        ("²", None),
    ],
)
def test_retry_after(text: str, seconds: float | None) -> None:
    assert retry_after({"retry-after": text}) == seconds


def test_pauses_grow_and_differ() -> None:
    assert len({pause(1, None) for _ in range(50)}) > 1
    assert all(pause(1, 30) >= 30 for _ in range(50))
    assert pause(1, None) < pause(4, None)
    assert pause(10**6, None) <= 16
