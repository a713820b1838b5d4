"""remove.bg's dialect: what it refuses, in remove.bg's words."""

from __future__ import annotations

import base64
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from server.scene import file_of, scene
from server.visits import only_here

from rembolt.errors import ImageTooLargeError, ModelError, UnreadableImageError, UnsupportedImageError
from rembolt.server import errors
from rembolt.server.app import create_app
from rembolt.server.dialects.removebg.refusals import CODES, STATUSES
from rembolt.server.dialects.removebg.schema import FIELDS
from rembolt.server.errors import code_of
from rembolt.server.fetch import Fetcher, FetchLimits
from rembolt.server.settings import ServerOptions
from rembolt.settings import SessionOptions

PHOTO = file_of(scene(160, 120))
PACKED = base64.b64encode(PHOTO).decode()
PLACE = "/v1.0/removebg"
KEY = {"X-Api-Key": "right"}


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    options = ServerOptions(
        workers=1, timeout=120, api_keys="right,limited", max_pixels=100_000, max_bytes=200_000
    )
    with TestClient(create_app(options, SessionOptions(threads=1)), headers=KEY) as client:
        yield client


def refused(answer: Any, code: str, status: int = 400) -> str:
    """Check an error's shape and give its title."""
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (status, code), answer.text
    (error,) = answer.json()["errors"]
    assert error.keys() == {"title", "code"}
    title: str = error["title"]
    return title


FILE = {"image_file": PHOTO}
ROWS: list[tuple[str, dict[str, Any]]] = [
    ("missing_source", {"data": {"size": "auto"}}),
    ("missing_source", {"json": {"image_url": "", "image_file_b64": None}}),
    ("missing_source", {"files": {"image_file": b""}}),
    ("missing_source", {"content": PHOTO, "headers": {"Content-Type": "image/png"}}),
    ("multiple_sources", {"files": FILE, "data": {"image_url": "http://example.com/a.png"}}),
    ("multiple_sources", {"json": {"image_file_b64": PACKED, "image_url": "http://example.com/a.png"}}),
    ("failed_image_download", {"json": {"image_url": "http://example.com/a.png"}}),
    ("failed_bg_download", {"files": FILE, "data": {"bg_image_url": "http://example.com/a.png"}}),
    ("multiple_bg_sources", {"files": FILE, "data": {"bg_color": "red", "bg_image_url": "http://a.b/"}}),
    ("multiple_bg_sources", {"files": {**FILE, "bg_image_file": PHOTO}, "data": {"bg_color": "red"}}),
    ("failed_to_read_image", {"files": {"image_file": b"no photo"}}),
    ("failed_to_read_image", {"files": {"image_file": PHOTO[:500]}}),
    ("failed_to_read_image", {"json": {"image_file_b64": "%%%"}}),
    ("failed_to_read_image", {"json": {"image_file_b64": "é"}}),
    ("failed_to_read_image", {"files": {**FILE, "bg_image_file": b"no photo"}}),
    ("invalid_file_type", {"json": {"image_file": PACKED}}),
    ("resolution_too_high", {"files": {"image_file": file_of(scene(400, 300), "JPEG")}}),
    ("resolution_too_high", {"files": {**FILE, "bg_image_file": file_of(scene(400, 300), "JPEG")}}),
    ("file_too_large", {"files": {"image_file": PHOTO + bytes(200_000)}}),
    ("unknown_foreground", {"files": {"image_file": file_of(Image.new("RGBA", (64, 48), (9, 9, 9, 0)))}}),
    ("unknown_foreground", {"files": FILE, "data": {"roi": "0px 0px 8px 8px", "crop": "true"}}),
    ("roi_exceeds_bounds", {"files": FILE, "data": {"roi": "0px 0px 161px 100%"}}),
    ("roi_exceeds_bounds", {"files": FILE, "data": {"roi": "0% 0% 101% 100%"}}),
    ("roi_region_empty", {"files": FILE, "data": {"roi": "10% 0% 10% 100%"}}),
    ("invalid_parameter", {"content": b"{", "headers": {"Content-Type": "application/json"}}),
    ("invalid_parameter", {"content": b"x", "headers": {"Content-Type": "multipart/form-data"}}),
    *[
        (f"invalid_{name}", {"files": FILE, "data": {name: value}})
        for name, value in {
            "size": "huge",
            "format": "gif",
            "channels": "rgb",
            "roi": "1px 2px 3px",
            "crop": "perhaps",
            "crop_margin": "10em",
            "scale": "5%",
            "position": "left",
            "bg_color": "blurple",
            "add_shadow": "2",
            "shadow_type": "long",
            "shadow_opacity": "nan",
            "semitransparency": "half",
            "type": "x" * 1001,
        }.items()
    ],
    ("invalid_scale", {"json": {"image_file_b64": PACKED, "scale": ["50%"]}}),
    (
        "invalid_bg_color",
        {"content": '{"bg_color": "\\ud800"}', "headers": {"Content-Type": "application/json"}},
    ),
    ("invalid_image_url", {"json": {"image_url": {"a": 1}}}),
]


@pytest.mark.parametrize(("code", "body"), ROWS, ids=[f"{code}-{n}" for n, (code, _) in enumerate(ROWS)])
def test_what_is_wrong_is_said_in_remove_bgs_words(
    client: TestClient, code: str, body: dict[str, Any]
) -> None:
    title = refused(client.post(PLACE, **body), code)
    assert title.endswith(".")
    assert len(title) < 500


def test_a_key_that_is_missing_or_wrong_is_a_403(client: TestClient) -> None:
    for key in ("", "wrong"):
        for answer in (
            client.post(PLACE, files=FILE, headers={"X-Api-Key": key}),
            client.get("/v1.0/account", headers={"X-Api-Key": key}),
        ):
            refused(answer, "auth_failed", 403)


def test_other_paths_and_methods_have_the_same_shape(client: TestClient) -> None:
    refused(client.get(PLACE), "method_not_allowed", 405)
    refused(client.post("/v1.0/improve"), "not_found", 404)


class Site(BaseHTTPRequestHandler):
    """A photo, a web page, and nothing else."""

    def do_GET(self) -> None:
        pages = {"/photo.png": PHOTO, "/page": b"<!doctype html><p>no photo"}
        body = pages.get(self.path)
        self.send_response(404 if body is None else 200)
        self.send_header("Content-Length", str(len(body or b"")))
        self.end_headers()
        self.wfile.write(body or b"")

    def log_message(self, format: str, *values: object) -> None:
        pass


@pytest.fixture
def site() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Site) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_photos_that_are_urls(site: str) -> None:
    app = create_app(ServerOptions(workers=1, timeout=120, fetch_urls=True), SessionOptions(threads=1))
    with TestClient(app) as client:
        refused(client.post(PLACE, json={"image_url": f"{site}/photo.png"}), "invalid_image_url")
        # From here on it may go to this machine, where no other site is.
        fetcher = Fetcher(FetchLimits(1_000_000, 60), allowed=only_here)
        app.state.core = replace(app.state.core, fetcher=fetcher)
        by_url = client.post(PLACE, data={"image_url": f"{site}/photo.png"})
        assert by_url.content == client.post(PLACE, files=FILE).content
        behind = client.post(PLACE, files=FILE, data={"bg_image_url": f"{site}/photo.png"})
        in_form = client.post(PLACE, files={**FILE, "bg_image_file": PHOTO})
        assert behind.headers["Content-Type"] == "image/jpeg"
        assert behind.content == in_form.content
        for url, code in (
            (f"{site}/nothing", "failed_image_download"),
            (f"{site}/page", "invalid_file_type"),
            ("http://10.0.0.1/photo.png", "invalid_image_url"),
            ("ftp://127.0.0.1/photo.png", "invalid_image_url"),
            ("photo.png", "invalid_image_url"),
        ):
            assert url not in refused(client.post(PLACE, json={"image_url": url}), code)
        bodies = {"failed_bg_download": f"{site}/nothing", "invalid_bg_image_url": "http://10.0.0.1/"}
        for code, url in bodies.items():
            refused(client.post(PLACE, files=FILE, data={"bg_image_url": url}), code)


def test_the_rate_limit_says_when_to_come_again() -> None:
    options = ServerOptions(workers=1, timeout=120, rate_limit=1)
    with TestClient(create_app(options, SessionOptions(threads=1))) as client:
        photo = file_of(scene(1200, 900), "JPEG")
        first = client.post(PLACE, files={"image_file": photo})
        assert first.status_code == 200
        assert first.headers["X-RateLimit-Limit"] == "1"
        assert first.headers["X-RateLimit-Remaining"] == "0"
        answer = client.post(PLACE, files={"image_file": photo})
        refused(answer, "rate_limit_exceeded", 429)
        assert int(answer.headers["Retry-After"]) >= 1
        assert answer.headers["X-RateLimit-Remaining"] == "0"


def test_every_code_that_is_translated_is_one_that_is_raised() -> None:
    raised = {code_of(error) for error in vars(errors).values() if isinstance(error, type)}
    raised |= {code_of(error) for error in (ImageTooLargeError, UnreadableImageError, UnsupportedImageError)}
    assert CODES.keys() - raised - {"usage", "input"} == set()
    assert ModelError.http_status not in STATUSES


VALUES = st.one_of(
    st.text(max_size=20),
    st.sampled_from(
        [
            "true",
            "alpha",
            "zip",
            "50%",
            "0% 0% 50% 50%",
            "10px",
            "fff",
            "center",
            "100",
            "-1px",
            "1e9",
            "0px " * 4,
        ]
    ),
    st.from_regex(r"-?[0-9]{1,12}(px|%)( [0-9]{1,3}(px|%)){0,3}", fullmatch=True),
    st.none(),
    st.booleans(),
    st.integers(),
    st.lists(st.integers(), max_size=2),
)
NAMES = st.one_of(
    st.sampled_from([name for name in FIELDS if not name.startswith("image_") and name != "bg_image_url"]),
    st.text(max_size=10),
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(fields=st.dictionaries(NAMES, VALUES, max_size=6))
def test_no_field_breaks_the_service(client: TestClient, fields: dict[str, Any]) -> None:
    answer = client.post(PLACE, json={**fields, "image_file_b64": PACKED})
    assert answer.status_code in (200, 400), answer.text
    if answer.status_code == 400:
        assert answer.json()["errors"][0]["title"]
