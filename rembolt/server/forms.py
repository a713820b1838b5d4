"""Bodies of requests: multipart and urlencoded forms and JSON objects, as fields and files."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote_to_bytes

from python_multipart.multipart import parse_options_header
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
LARGEST_HEAD = 4096
"""Bytes of the headers of a part, and of the request's media type."""
HEADER_COST = 32
"""Bytes that a header of a part counts for beside its own."""
MOST_ESCAPES = 100_000
BYTES_PER_ESCAPE = 16
"""A urlencoded form may have so many, and one more for each so many bytes: base64 needs one for 32."""
PART_BYTES = 65_536
"""Of a field that are read at a time."""
MOST_VALUES = 20_000
"""Of a JSON object: 25 MB of empty lists would take a gigabyte."""
CHARSETS = ("utf-8", "utf8", "us-ascii", "ascii", "iso-8859-1", "latin-1", "latin1")
"""Of a form; Python knows others that take quadratic time."""


class Form(NamedTuple):
    """What a request says.

    Attributes:
        fields: by name: text, or in JSON any value.
        files: by name, their bytes. What clients call them is not looked at.
    """

    fields: dict[str, Any]
    files: dict[str, bytes]

    def with_query(self, request: Request) -> dict[str, Any]:
        """The fields of the body and of the URL's query.

        Raises:
            UsageError: one is given twice.
        """
        return _once([*query(request).items(), *self.fields.items()])

    def check_files(self, *names: str) -> None:
        """Refuse files by other names.

        Raises:
            UsageError: there is one.
        """
        for name in self.files:
            if name not in names:
                raise UsageError(f"unknown file {name[:40]!r}; send {' and '.join(names)} alone.")


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
    parser = _Parser(
        request.headers,
        request.stream(),
        max_files=MOST_FILES,
        max_fields=MOST_FIELDS,
        max_part_size=largest_field,
    )
    try:
        parser.check_kind()
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
    if not parser.is_whole:
        raise BadRequestError("the multipart form is cut short: its last boundary is missing.")
    texts = [(name, value) for name, value in form.multi_items() if isinstance(value, str)]
    files = [(name, value) for name, value in form.multi_items() if isinstance(value, UploadFile)]
    _once([*texts, *files])
    return Form(dict(texts), {name: await file.read() for name, file in files})


class _Parser(MultiPartParser):
    """Starlette's, with bounds for what it reads by slow means: media types, headers and charsets."""

    spool_max_size = 2**62  # `Intake` has set how much may be in memory; photos never go to the disk
    is_whole = False
    _head_bytes = 0

    def check_kind(self) -> None:
        """Refuse a media type that is long, or names a charset that is no plain one."""
        kind = self.headers["content-type"]
        if len(kind) > LARGEST_HEAD:
            raise MultiPartException("Its Content-Type is too long")
        charset = parse_options_header(kind)[1].get(b"charset", b"utf-8").decode("latin-1")
        if charset.lower() not in CHARSETS:
            raise MultiPartException("Its charset is not UTF-8")

    def on_part_begin(self) -> None:
        super().on_part_begin()
        self._head_bytes = 0

    def on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._count(end - start + HEADER_COST)
        super().on_header_field(data, start, end)

    def on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._count(end - start)
        super().on_header_value(data, start, end)

    def on_end(self) -> None:
        self.is_whole = True

    def _count(self, more: int) -> None:
        self._head_bytes += more
        if self._head_bytes > LARGEST_HEAD:
            raise MultiPartException("The headers of a part are too long")


def _is_image(body: bytes) -> bool:
    try:
        identify(body[:HEADER_BYTES], "the body")
    except InputError:
        return False
    return True


def _urlencoded(body: bytes) -> list[tuple[str, str]]:
    most = MOST_ESCAPES + len(body) // BYTES_PER_ESCAPE
    if body.count(b"&") >= MOST_FIELDS or body.count(b"%") > most or not body.isascii():
        raise BadRequestError("the urlencoded form is malformed, or has too many fields or escapes.")
    pairs = [field.replace(b"+", b" ").partition(b"=") for field in body.split(b"&") if field]
    try:
        return [(_unescaped(name), _unescaped(value)) for name, _, value in pairs]
    except ValueError as error:
        raise BadRequestError("the urlencoded form is malformed: its text is not UTF-8.") from error


def _unescaped(text: bytes) -> str:
    """Text without its escapes, which the standard library spends 200 times their memory on: so in parts."""
    parts, at = [], 0
    while at < len(text):
        end = at + PART_BYTES
        if (escape := text.rfind(b"%", end - 2, end)) > at:  # not cut in two
            end = escape
        parts.append(unquote_to_bytes(text[at:end]))
        at = end
    return b"".join(parts).decode()


def _json_object(body: bytes) -> dict[str, Any]:
    if sum(map(body.count, (b",", b"[", b"{"))) > MOST_VALUES:
        raise BadRequestError(f"the JSON body has more than {MOST_VALUES} values; send fewer.")
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
