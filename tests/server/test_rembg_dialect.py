"""rembg's dialect: its fields, its defaults, its pixels, from its clients."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests
from fastapi.testclient import TestClient
from PIL import Image
from server.conftest import in_process
from server.serving import serving
from server.visits import AMPLE, only_here

import rembolt.rembg
from rembolt.server.dialects.rembg import EXTRAS, FIELDS
from rembolt.server.fetch import Fetcher

PATH = "/api/remove"


@pytest.fixture(scope="module")
def photo(cat: Image.Image) -> bytes:
    file = io.BytesIO()
    cat.resize((151, 97)).save(file, "JPEG", quality=95)
    return file.getvalue()


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    """An application in this process that lets matting take the time it needs the first time."""
    with in_process(timeout=200) as made:
        yield made


def pixels(data: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(data)) as image:
        assert image.format == "PNG"
        return np.asarray(image)


def assert_refused(reply: Any, status: int, code: str, *words: str) -> None:
    assert reply.status_code == status, reply.text
    body = reply.json()
    assert body.keys() == {"detail", "code"}
    assert body["code"] == code
    for word in words:
        assert word in body["detail"]
    assert reply.headers["cache-control"] == "no-store"


# --- pixels


@pytest.mark.parametrize(
    ("fields", "keywords"),
    [
        ({}, {}),
        ({"model": "bolt", "a": "false", "dc": "0", "bgc": "", "extras": ""}, {}),
        ({"om": "true"}, {"only_mask": True}),
        ({"ppm": "on"}, {"post_process_mask": True}),
        ({"om": "1", "ppm": "yes", "bgc": "1,2,3,4"}, {"only_mask": True, "post_process_mask": True}),
        ({"bgc": "250,120,0,255"}, {"bgcolor": (250, 120, 0, 255)}),
        ({"bgc": " 0, 255 ,0, 100", "ppm": "t"}, {"bgcolor": (0, 255, 0, 100), "post_process_mask": True}),
        ({"dc": "True"}, {"decontaminate": True}),
        ({"a": "true"}, {"alpha_matting": True}),
        (
            {"a": "true", "af": "200", "ab": "30", "ae": "3", "bgc": "9,9,9,255"},
            {
                "alpha_matting": True,
                "alpha_matting_foreground_threshold": 200,
                "alpha_matting_background_threshold": 30,
                "alpha_matting_erode_size": 3,
                "bgcolor": (9, 9, 9, 255),
            },
        ),
        ({"extras": '{"putalpha": true}'}, {"putalpha": True}),
    ],
    ids=str,
)
def test_the_pixels_are_those_of_rembg(
    client: TestClient, photo: bytes, fields: dict[str, str], keywords: dict[str, Any]
) -> None:
    reply = client.post(PATH, files={"file": ("photo.jpg", photo)}, data=fields)
    assert reply.status_code == 200, reply.text
    assert reply.headers["content-type"] == "image/png"
    assert np.array_equal(pixels(reply.content), pixels(rembolt.rembg.remove(photo, **keywords)))
    same = client.post(PATH, files={"file": photo}, params=fields)  # from the query too
    assert same.content == reply.content


def test_the_defaults_are_rembgs_pixels_not_ours(client: TestClient, photo: bytes) -> None:
    files = {"file": photo}
    theirs, ours = client.post(PATH, files=files), client.post("/v1/cutouts", files=files)
    assert not np.array_equal(pixels(theirs.content), pixels(ours.content))
    exact = client.post("/v1/cutouts", files=files, data={"exact": "true"})
    assert np.array_equal(pixels(theirs.content), pixels(exact.content))


def test_the_model_is_found_by_name_or_refused(client: TestClient, photo: bytes) -> None:
    post = partial(client.post, PATH, files={"file": photo})
    assert post(data={"model": "bolt"}).headers["x-rembolt-model"] == "bolt"
    assert_refused(post(data={"model": "u2nett"}), 422, "unknown_model", "u2nett")
    assert_refused(post(data={"model": "../u2net.onnx"}), 422, "unknown_model", "name")
    assert_refused(post(data={"model": "u2net"}), 422, "unknown_model", "not on this server")
    assert_refused(post(data={"vm": "true"}), 422, "weights_unavailable", "not on this server")


# --- what is refused


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"a": "maybe"}, ("a must be True or False",)),
        ({"af": "256"}, ("af must be at most 255",)),
        ({"ab": "-1"}, ("ab must be at least 0",)),
        ({"ae": "1.5"}, ("ae must be a whole number",)),
        ({"bgc": "1,2"}, ("bgc",)),
        ({"bgc": "1,2,3,256"}, ("bgc",)),
        ({"alpha_matting": "true"}, ("unknown field 'alpha_matting'", "af")),
        ({"exact": "false"}, ("unknown field 'exact'",)),
        ({"url": "http://example.com/"}, ("unknown field 'url'",)),
        ({"extras": "{"}, ("extras", "JSON")),
        ({"extras": "[1]"}, ("extras", "object")),
        ({"extras": '{"max_size": 320}'}, ("extras", "'max_size'", "putalpha")),
        ({"extras": '{"api_key": "secret"}'}, ("extras", "'api_key'")),
        ({"extras": '{"model_path": "/etc/passwd"}'}, ("extras", "model_path", "operator")),
        ({"extras": '{"device": "cuda"}'}, ("extras", "device", "operator")),
        ({"extras": '{"background": "/etc/passwd"}'}, ("extras", "'background'")),
        ({"extras": '{"putalpha": 7}'}, ("putalpha must be True or False",)),
        ({"extras": '{"cc": "hat"}'}, ("cloth_category", "upper")),
        ({"extras": '{"sam_prompt": [{"type": "star"}]}'}, ("sam_prompt",)),
    ],
    ids=str,
)
def test_wrong_fields_are_named(client: TestClient, photo: bytes, fields: dict[str, str], words: Any) -> None:
    reply = client.post(PATH, files={"file": photo}, data=fields)
    assert_refused(reply, 422, "usage", *words)
    assert "secret" not in reply.text


def test_wrong_requests(client: TestClient, photo: bytes) -> None:
    assert_refused(client.post(PATH), 422, "usage", "file is missing")
    assert_refused(client.post(PATH, content=photo), 422, "usage", "file is missing")
    assert_refused(client.post(PATH, files={"image": photo}), 422, "usage", "file is missing")
    twice = {"file": photo, "other": photo}
    assert_refused(client.post(PATH, files=twice), 422, "usage", "'other'")
    both = client.post(PATH, files={"file": photo}, data={"om": "1"}, params={"om": "0"})
    assert_refused(both, 422, "usage", "'om'", "once")
    assert_refused(client.post(PATH, files={"file": b"no photo"}), 415, "unreadable_image")
    assert_refused(client.get(PATH), 422, "usage", "url is missing")
    assert_refused(client.get(PATH, params={"url": "http://example.com/"}), 403, "fetching_off")
    assert client.put(PATH).json()["code"] == "method_not_allowed"


# --- URLs


@pytest.fixture
def elsewhere(tmp_path: Path, photo: bytes) -> Iterator[str]:
    """A web server on this machine with the photo."""
    (tmp_path / "photo.jpg").write_bytes(photo)
    site = ThreadingHTTPServer(("127.0.0.1", 0), partial(SimpleHTTPRequestHandler, directory=str(tmp_path)))
    thread = threading.Thread(target=site.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{site.server_port}/photo.jpg"
    site.shutdown()
    thread.join()
    site.server_close()


def test_a_photo_is_fetched(client: TestClient, photo: bytes, elsewhere: str) -> None:
    core = client.app.state.core
    client.app.state.core = replace(core, fetcher=Fetcher(AMPLE))
    try:
        assert_refused(client.get(PATH, params={"url": elsewhere}), 422, "fetch_refused")
        client.app.state.core = replace(core, fetcher=Fetcher(AMPLE, allowed=only_here))
        reply = client.get(PATH, params={"url": elsewhere, "om": "true"})
    finally:
        client.app.state.core = core
    assert np.array_equal(pixels(reply.content), pixels(rembolt.rembg.remove(photo, only_mask=True)))
    assert reply.headers["cache-control"] == "no-cache"  # the photo there may change


# --- documentation


def test_the_documentation_is_where_rembg_has_it(client: TestClient) -> None:
    reply = client.get("/api", follow_redirects=False)
    assert reply.is_redirect
    assert client.get("/api").url.path == "/docs"
    paths = client.get("/openapi.json").json()["paths"][PATH]
    names = {*FIELDS, "extras"}
    assert {parameter["name"] for parameter in paths["get"]["parameters"]} == {"url", *names}
    form = paths["post"]["requestBody"]["content"]["multipart/form-data"]["schema"]
    assert form["properties"].keys() == {"file", *names}
    for extra in EXTRAS:
        assert extra in form["properties"]["extras"]["description"]


# --- rembg's clients


def test_rembgs_clients_need_only_another_address(
    tmp_path_factory: pytest.TempPathFactory, photo: bytes, tmp_path: Path
) -> None:
    expected = pixels(rembolt.rembg.remove(photo, only_mask=True))
    (tmp_path / "photo.jpg").write_bytes(photo)
    with serving(tmp_path_factory.mktemp("serve"), "--api-keys", "sesame") as service:
        address = f"{service.url}{PATH}"
        key = {"X-Api-Key": "sesame"}
        # As people call rembg's server from Python.
        with (tmp_path / "photo.jpg").open("rb") as file:
            reply = requests.post(address, files={"file": file}, data={"om": True}, headers=key, timeout=200)
        assert reply.status_code == 200, reply.text
        assert np.array_equal(pixels(reply.content), expected)
        refused = requests.post(address, files={"file": photo}, timeout=200)
        assert (refused.status_code, refused.json()["code"]) == (401, "key_required")
        assert requests.get(f"{service.url}/api", timeout=200).url == f"{service.url}/docs"
        if shutil.which("curl") is None:
            pytest.skip("curl is not installed")
        # As rembg's README does.
        line = ["curl", "-s", "-F", "file=@photo.jpg", "-F", "om=true", "-H", "X-Api-Key: sesame", address]
        subprocess.run([*line, "-o", "output.png"], cwd=tmp_path, check=True, timeout=200)
        assert np.array_equal(pixels((tmp_path / "output.png").read_bytes()), expected)
        extras = json.dumps({"putalpha": True})
        with_extras = requests.post(
            f"{address}?bgc=255,255,255,255",
            files={"file": photo},
            data={"extras": extras},
            headers=key,
            timeout=200,
        )
        assert with_extras.status_code == 200
