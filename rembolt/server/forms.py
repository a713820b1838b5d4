"""Bodies of requests: multipart and urlencoded forms and JSON objects, as fields and files."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import parse_qsl

from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect

from rembolt.errors import InputError, UsageError
from rembolt.images.formats import HEADER_BYTES, identify
from rembolt.server.errors import BadRequestError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.requests import Request

MOST_FIELDS = 100
MOST_FILES = 4
LARGEST_FIELD = 100_000
"""Bytes; prompts for sam are the longest options."""


class Form(NamedTuple):
    """What a request says.

    Attributes:
        fields: by name: text, or in JSON any value.
        files: by name, their bytes. What clients call them is not looked at.
    """

    fields: dict[str, Any]
    files: dict[str, bytes]


def media_type(request: Request) -> str:
    """The media type of the body, in lower case and without parameters; empty where none is said."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


async def read_form(request: Request, *, largest_field: int = LARGEST_FIELD) -> Form | None:
    """Read the body.

    Args:
        request: whose body was not read yet.
        largest_field: bytes that a field of a multipart form may have.

    Returns:
        None where it is neither a form nor JSON.

    Raises:
        BadRequestError: it is malformed, or has too many or too large parts.
        UsageError: a field is given twice.
        ServerError: see `Intake`.
    """
    kind = media_type(request)
    if kind == "multipart/form-data":
        return await _multipart(request, largest_field)
    if kind == "application/x-www-form-urlencoded":
        body = await request.body()
        if _is_image(body):  # curl calls whatever it sends a form
            return None
        return Form(_once(await asyncio.to_thread(_urlencoded, body)), {})
    if kind == "application/json":
        return Form(await asyncio.to_thread(_json_object, await request.body()), {})
    return None


def query(request: Request) -> dict[str, str]:
    """The fields of the URL's query.

    Raises:
        UsageError: one is given twice.
    """
    return _once(request.query_params.multi_items())


async def _multipart(request: Request, largest_field: int) -> Form:
    parser = MultiPartParser(
        request.headers,
        request.stream(),
        max_files=MOST_FILES,
        max_fields=MOST_FIELDS,
        max_part_size=largest_field,
    )
    parser.spool_max_size = 2**62  # `Intake` has set how much may be in memory; photos never go to the disk
    try:
        form = await parser.parse()
    except ClientDisconnect:
        raise
    except MultiPartException as error:
        raise BadRequestError(f"the multipart form is malformed ({error.message.rstrip('.')}).") from error
    except (
        KeyError,
        UnicodeError,
        LookupError,
        ValueError,
    ) as error:  # a boundary that is none, a wild charset
        raise BadRequestError(
            "the multipart form is malformed: its boundary or charset is no valid one."
        ) from error
    texts = [(name, value) for name, value in form.multi_items() if isinstance(value, str)]
    files = [(name, value) for name, value in form.multi_items() if isinstance(value, UploadFile)]
    _once([*texts, *files])
    return Form(dict(texts), {name: await file.read() for name, file in files})


def _is_image(body: bytes) -> bool:
    try:
        identify(body[:HEADER_BYTES], "the body")
    except InputError:
        return False
    return True


def _urlencoded(body: bytes) -> list[tuple[str, str]]:
    try:
        return parse_qsl(
            body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=MOST_FIELDS
        )
    except ValueError as error:  # not ASCII, not UTF-8, or too many fields
        raise BadRequestError("the urlencoded form is malformed, or has too many fields.") from error


def _json_object(body: bytes) -> dict[str, Any]:
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise BadRequestError("the body is not JSON, as its Content-Type says.") from error
    if not isinstance(fields, dict):
        raise BadRequestError('the body must be a JSON object such as {"url": "https://…"}.')
    return fields


def _once(items: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for name, value in items:
        if name in fields:
            raise UsageError(f"{name[:40]!r} is given twice; give it once.")
        fields[name] = value
    return fields
