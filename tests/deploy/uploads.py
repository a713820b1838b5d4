"""Photos on their way to a service, and what comes back."""

from __future__ import annotations

import base64
import hashlib
from io import BytesIO

import httpx
from PIL import Image


def photo_of(cat: Image.Image, shade: int, size: tuple[int, int] = (90, 60)) -> bytes:
    """A photo that no other test sends."""
    file = BytesIO()
    small = cat.resize(size)
    small.putpixel((0, 0), (shade, 0, 0))
    small.save(file, "PNG")
    return file.getvalue()


def digest_of(body: bytes) -> dict[str, str]:
    return {"Content-Digest": f"sha-256=:{base64.b64encode(hashlib.sha256(body).digest()).decode()}:"}


def post(
    client: httpx.Client, body: bytes, path: str = "/v1/cutouts", **headers: str
) -> tuple[int, str, httpx.Response]:
    """Post with a digest: the status, what nginx says of its cache, and all of it."""
    response = client.post(path, content=body, headers={**digest_of(body), **headers})
    return response.status_code, response.headers.get("x-cache", ""), response


def refusal(response: httpx.Response) -> tuple[int, str]:
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["content-type"] == "application/json"
    assert len(response.headers.get_list("x-request-id")) == 1
    return response.status_code, response.json()["error"]["code"]
