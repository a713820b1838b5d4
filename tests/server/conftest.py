"""What the tests of the service share."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from rembolt.settings import SessionOptions

fastapi = pytest.importorskip("fastapi", reason="the extra `server` is not installed")

from fastapi.testclient import TestClient  # noqa: E402

from rembolt.server.app import create_app  # noqa: E402
from rembolt.server.settings import ServerOptions  # noqa: E402


def encoded(image: Image.Image, form: str = "JPEG") -> bytes:
    """An image as a file's bytes."""
    buffer = BytesIO()
    image.save(buffer, form)
    return buffer.getvalue()


def noise(width: int, height: int, seed: int = 0) -> Image.Image:
    """A photo that no other test has, so that no cache knows it."""
    pixels = np.random.default_rng(seed).integers(0, 255, (height, width, 3), np.uint8)
    return Image.fromarray(pixels)


@contextlib.contextmanager
def in_process(**options: object) -> Iterator[TestClient]:
    """A client of an application in this process."""
    app = create_app(ServerOptions(**options), SessionOptions(threads=1))  # type: ignore[arg-type]
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


@pytest.fixture(scope="session")
def cat_file(cat: Image.Image) -> bytes:
    """The cat as a JPEG."""
    return encoded(cat)


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    """A client of a service with all settings as they are."""
    with in_process() as made:
        yield made


Serve = Callable[..., contextlib.AbstractContextManager[TestClient]]


@pytest.fixture(scope="session")
def serve() -> Serve:
    """`in_process`."""
    return in_process
