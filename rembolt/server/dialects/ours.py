"""Our own dialect: `/v1`."""

from __future__ import annotations

import base64
import hashlib
import re
from typing import Any

from fastapi import APIRouter, Depends, Request, Response

from rembolt.images.encode import OUTPUT_FORMATS
from rembolt.images.formats import SOURCE_FORMATS
from rembolt.models.catalogue import MODELS
from rembolt.models.store import where
from rembolt.server import fields
from rembolt.server.core import Answer
from rembolt.server.dialects.base import Dialect, core_of, known_client, rate_headers
from rembolt.server.errors import BadRequestError, UnknownAddressError
from rembolt.server.forms import Form, query, read_form
from rembolt.server.order import Extras

router = APIRouter(prefix="/v1", tags=["rembolt"], dependencies=[Depends(known_client)])

DAY = 86400
YEAR = 365 * DAY

_DIGEST = re.compile(r"(?:^|,)\s*sha-256=:([A-Za-z0-9+/]{43}=):\s*(?:$|,)")

_FILE = {"type": "string", "format": "binary"}
_PHOTO = {"description": "The photo.", **_FILE}
_URL = {"type": "string", "description": "Address of a photo; only where the server fetches URLs."}
_BODY = {
    "required": True,
    "content": {
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "properties": {
                    "file": _PHOTO,
                    "background_file": {"description": "A photo to put behind the subject.", **_FILE},
                    "url": _URL,
                    **fields.properties(),
                },
            }
        },
        "application/json": {
            "schema": {
                "type": "object",
                "required": ["url"],
                "properties": {"url": _URL, **fields.properties()},
            }
        },
        "application/octet-stream": {"schema": _PHOTO},
    },
}

_ERROR = {
    "content": {
        "application/json": {
            "schema": {
                "type": "object",
                "properties": {
                    "error": {
                        "type": "object",
                        "properties": {"code": {"type": "string"}, "message": {"type": "string"}},
                        "required": ["code", "message"],
                    }
                },
                "required": ["error"],
            }
        }
    }
}
_REFUSALS = {
    400: "The request is malformed.",
    401: "The API key is missing or wrong.",
    403: "This server fetches no URLs.",
    408: "The body did not come in time.",
    413: "The body has too many bytes.",
    415: "This is no photo of a kind that is read.",
    422: "An option is wrong, or the photo has too many pixels.",
    429: "The client sent as much as it may for now.",
    503: "Too much to do; `Retry-After` says when to come again.",
}
REFUSALS: dict[int | str, dict[str, Any]] = {
    status: {"description": text, **_ERROR} for status, text in _REFUSALS.items()
}
IMAGE: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The result.",
        "content": {known.media_type: {"schema": _FILE} for known in OUTPUT_FORMATS.values()},
    }
}


@router.post(
    "/cutouts",
    summary="Cut the subject out of a photo",
    description=(
        "The photo comes as `file` of a multipart form, as the raw body, or as `url` in JSON. Options are "
        "fields of the form or of the JSON object, or part of the query. Photos: "
        f"{', '.join(known.name for known in SOURCE_FORMATS)}."
    ),
    response_class=Response,
    responses={**IMAGE, **REFUSALS},
    openapi_extra={"parameters": fields.parameters(), "requestBody": _BODY},
)
async def make_cutout(request: Request) -> Response:
    """Answer with the cut-out of the photo that the request brings."""
    request.state.dialect = "rembolt"
    core = core_of(request)
    await core.admit(request)
    form = await read_form(request)
    if form is None:
        body = await request.body()
        # Nothing is no photo: what `url` leads to changes, and must not be kept under a digest.
        _check_digest(request, body or None)
        form = Form({}, {"file": body} if body else {})
    else:
        _check_digest(request, None)
        form.check_files("file", "background_file")
    files, asked = form.files, form.with_query(request)
    url = asked.pop("url", None) or None
    values = fields.read(asked)
    if (url is None) == ("file" not in files):
        raise BadRequestError("send one photo: as `file` of a multipart form, as the raw body, or as `url`.")
    photo = files["file"] if url is None else await core.fetch(request, str(url))
    answer = await core.answer(request, photo, values, Extras(background=files.get("background_file")))
    return image_response(answer, core.options.keys)


@router.head("/cutouts/{address}", include_in_schema=False)
@router.get(
    "/cutouts/{address}",
    summary="A result that is kept",
    description="`address` is the photo's SHA-256 and the recipe (see `/v1/recipe`), with a hyphen between.",
    response_class=Response,
    responses={
        **IMAGE,
        304: {"description": "It is still what `If-None-Match` says."},
        401: REFUSALS[401],
        404: {"description": "No result is kept under this address.", **_ERROR},
    },
)
async def get_cutout(request: Request, address: str) -> Response:
    """Answer with a kept result."""
    core = core_of(request)
    result = await core.cache.get(address)
    if result is None:
        raise UnknownAddressError("no result is kept under this address; post the photo.")
    response = image_response(Answer(result, address, "cache", {}, None), core.options.keys, lasting=True)
    if _matches(request.headers.get("if-none-match", ""), address):
        kept = ("etag", "cache-control", "content-location")
        return Response(status_code=304, headers={name: response.headers[name] for name in kept})
    return response


@router.get(
    "/recipe",
    summary="The second half of content addresses",
    description="Stands for the options given here, the model's weights and this version of rembolt.",
    responses={401: REFUSALS[401], 422: REFUSALS[422]},
    openapi_extra={"parameters": fields.parameters()},
)
def get_recipe(request: Request) -> dict[str, str]:
    """Give the recipe of some options."""
    return {"recipe": core_of(request).orders.order(b"", fields.read(query(request))).recipe}


@router.get("/models", summary="The models that may be asked for", responses={401: REFUSALS[401]})
def get_models(request: Request) -> dict[str, Any]:
    """List the models."""
    orders = core_of(request).orders
    models = [
        {
            "name": name,
            "title": spec.title,
            "licence": spec.licence,
            "here": where(spec).path is not None,
            "default": name == orders.session.model,
        }
        for name, spec in MODELS.items()
        if spec.selectable and orders.may_use(spec)
    ]
    return {"models": models}


def image_response(answer: Answer, keys: tuple[str, ...], *, lasting: bool = False) -> Response:
    """A result as an answer of ours.

    Args:
        answer: with the result.
        keys: of the service.
        lasting: whether the same request always gets this very result, as one for a content address does.
            The next version of rembolt, or another default model, may make something else of a photo.
    """
    result = answer.result
    kept = f"max-age={YEAR}, immutable" if lasting else f"max-age={DAY}"
    headers = {
        "ETag": f'"{answer.address}"',
        "Content-Location": f"/v1/cutouts/{answer.address}",
        # Where keys are needed, no proxy may answer in our place.
        "Cache-Control": f"{'private' if keys else 'public'}, {kept}",
        "X-Rembolt-Model": result.model,
        "X-Rembolt-Device": result.device,
        "X-Rembolt-Precision": result.precision,
        "X-Rembolt-Width": str(result.width),
        "X-Rembolt-Height": str(result.height),
        "X-Rembolt-Source": answer.source,
        **rate_headers(answer.rate),
    }
    if answer.timings:
        stages = (f"{name};dur={1000 * spent:.1f}" for name, spent in answer.timings.items())
        headers["Server-Timing"] = ", ".join(stages)
    return Response(result.data, media_type=result.media_type, headers=headers)


def _check_digest(request: Request, body: bytes | None) -> None:
    """Hold the client to its `Content-Digest` (RFC 9530), which a proxy may keep answers under."""
    given = request.headers.get("content-digest")
    if given is None:
        return
    digest = _DIGEST.search(given)
    if body is None or digest is None:
        raise BadRequestError("Content-Digest goes with a raw body only, as sha-256=:…: of it.")
    if base64.b64decode(digest[1]) != hashlib.sha256(body).digest():
        raise BadRequestError("the body is not the one that Content-Digest says; send it again.")


def _matches(condition: str, address: str) -> bool:
    tags = [tag.strip().removeprefix("W/") for tag in condition.split(",")]
    return "*" in tags or f'"{address}"' in tags


def _error_body(code: str, message: str) -> dict[str, Any]:
    return {"error": {"code": code, "message": message}}


OURS = Dialect("/", router, _error_body)
