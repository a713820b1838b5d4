"""What schemathesis makes of the OpenAPI document: no 5xx, and no answer that it does not tell of."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from server.scene import file_of, scene
from server.serving import PATIENCE

schemathesis = pytest.importorskip("schemathesis", reason="schemathesis is not installed")
pytest.importorskip("fastapi", reason="the extra `server` is not installed")

from hypothesis import HealthCheck, Phase, assume, given, settings  # noqa: E402
from schemathesis.checks import not_a_server_error  # noqa: E402
from schemathesis.python import asgi  # noqa: E402
from schemathesis.specs.openapi.checks import (  # noqa: E402
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from rembolt.server.app import create_app  # noqa: E402
from rembolt.server.settings import ServerOptions  # noqa: E402
from rembolt.settings import SessionOptions  # noqa: E402

PHOTO = file_of(scene(160, 120), "JPEG")
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]

APP = create_app(ServerOptions(workers=1, timeout=100, max_pixels=100_000), SessionOptions(threads=1))
OPERATIONS = [
    found.ok() for found in schemathesis.openapi.from_asgi("/openapi.json", APP).get_all_operations()
]


@pytest.fixture
def client() -> Iterator[Any]:
    """A client of the application, once its model is loaded; schemathesis stops it after each test."""
    with asgi.get_client(APP) as made:
        deadline = time.monotonic() + PATIENCE
        while made.get("/ready").status_code != 200:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        yield made


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.label)
def test_an_operation(operation: Any, client: Any) -> None:
    try_out(operation, client)


@pytest.mark.parametrize("label", ["POST /v1/cutouts", "POST /api/remove", "POST /v1.0/removebg"])
def test_options_beside_a_real_photo(label: str, client: Any) -> None:
    (operation,) = (operation for operation in OPERATIONS if operation.label == label)
    statuses = try_out(operation, client, photo=PHOTO)
    assert 200 in statuses


def try_out(operation: Any, client: Any, *, photo: bytes | None = None) -> set[int]:
    """Send what schemathesis makes, and check the answers; `photo` takes the place of the files it makes.

    Returns:
        The statuses that came back.
    """
    statuses = set[int]()

    @settings(
        max_examples=25,
        derandomize=True,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy())
    def tried(case: Any) -> None:
        if photo is not None:
            assume(case.media_type == "multipart/form-data" and isinstance(case.body, dict))
            name = "image_file" if operation.path.startswith("/v1.0") else "file"
            rest = {name for name in case.body if name.endswith(("file", "url", "b64"))}
            case.body = {key: value for key, value in case.body.items() if key not in rest} | {name: photo}
        statuses.add(case.call_and_validate(session=client, checks=CHECKS).status_code)

    tried()
    return statuses


def test_the_document_has_all_dialects() -> None:
    labels = {operation.label for operation in OPERATIONS}
    assert {"POST /v1/cutouts", "POST /api/remove", "POST /v1.0/removebg", "GET /health"} <= labels
