"""The photos of a request: the one to cut out, and the one to put behind."""

from __future__ import annotations

import asyncio
import base64
from io import BytesIO
from typing import TYPE_CHECKING

from rembolt.images.reader import open_header, pillow_at_work
from rembolt.server.dialects.removebg.fields import text_of
from rembolt.server.dialects.removebg.refusals import FieldError
from rembolt.server.errors import FetchFailedError, FetchingOffError, FetchRefusedError

if TYPE_CHECKING:
    from starlette.requests import Request

    from rembolt.server.core import Core
    from rembolt.server.forms import Form

SOURCES = ("image_file", "image_file_b64", "image_url")


async def photo_of(core: Core, request: Request, form: Form) -> bytes:
    """The bytes of the photo to cut out.

    Raises:
        FieldError: there is none, or more than one, or it cannot be had.
        RemboltError: see `Core.fetch`.
    """
    texts = {name: text_of(name, form.fields.get(name)) for name in SOURCES}
    given = [name for name in SOURCES if form.files.get(name) or texts[name]]
    if not given:
        raise FieldError(
            "missing_source", "there is no image; send it as image_file, image_file_b64 or image_url."
        )
    if len(given) > 1:
        raise FieldError(
            "multiple_sources", f"{' and '.join(given)} are more than one image; give one of them."
        )
    if texts["image_url"]:
        return await _fetched(core, request, texts["image_url"], "image_url")
    if texts["image_file_b64"]:
        return await asyncio.to_thread(_decoded, texts["image_file_b64"])
    return _file(form, given[0])


async def background_of(core: Core, request: Request, form: Form) -> bytes | None:
    """The bytes of the photo to put behind, None where there is none.

    Raises:
        FieldError, RemboltError: as `photo_of`.
    """
    if url := text_of("bg_image_url", form.fields.get("bg_image_url")):
        return await _fetched(core, request, url, "bg_image_url")
    if form.files.get("bg_image_file") or text_of("bg_image_file", form.fields.get("bg_image_file")):
        return _file(form, "bg_image_file")
    return None


def is_opaque(photo: bytes, max_pixels: int) -> bool:
    """Whether a photo's header says that nothing of it can be transparent.

    Raises:
        InputError: it is no photo, or too large.
    """
    image, source_format = open_header(BytesIO(photo), "the background", max_pixels)
    with pillow_at_work("the background", source_format.name):
        return not image.has_transparency_data


def _file(form: Form, name: str) -> bytes:
    if name not in form.files:
        raise FieldError("invalid_file_type", f"{name} must be a file of a multipart form, not text.")
    return form.files[name]


async def _fetched(core: Core, request: Request, url: str, name: str) -> bytes:
    try:
        return await core.fetch(request, url)
    except FetchRefusedError as error:
        raise FieldError(f"invalid_{name}", f"{name}: {error}") from error
    except (FetchFailedError, FetchingOffError) as error:
        code = "failed_bg_download" if name == "bg_image_url" else "failed_image_download"
        raise FieldError(code, f"{name}: {error}") from error


def _decoded(text: str) -> bytes:
    if text.startswith("data:"):
        text = text.partition(",")[2]
    # In an urlencoded form whose sender did not escape it, every plus has become a space.
    packed = "".join(text.replace(" ", "+").split())
    try:
        return base64.b64decode(packed + "=" * (-len(packed) % 4), validate=True)
    except ValueError as error:
        raise FieldError("failed_to_read_image", "image_file_b64 is not base64.") from error
