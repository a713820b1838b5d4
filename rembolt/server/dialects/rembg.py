"""rembg's dialect: `/api/remove` with the fields, the defaults and the pixels of rembg 2.0.86."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse

from rembolt.errors import UsageError
from rembolt.server import fields
from rembolt.server.dialects.base import Dialect, core_of, known_client
from rembolt.server.dialects.ours import REFUSALS, image_response
from rembolt.server.forms import query, read_form
from rembolt.setting import read_json, settings_of
from rembolt.settings import GROUPS, with_canonical_names

if TYPE_CHECKING:
    from collections.abc import Mapping

router = APIRouter(prefix="/api", tags=["rembg"])

FIELDS = {
    "model": ("model", "model name; without it the server's own, see GET /v1/models"),
    "a": ("alpha_matting", "alpha matting of the edge"),
    "af": ("alpha_matting_foreground_threshold", "alpha matting: mask values above it are surely foreground"),
    "ab": ("alpha_matting_background_threshold", "alpha matting: mask values below it are surely background"),
    "ae": ("alpha_matting_erode_size", "alpha matting: pixels by which both sure regions shrink"),
    "om": ("only_mask", "give the mask instead of the cut-out"),
    "ppm": ("post_process_mask", "smooth the mask and make it hard"),
    "dc": ("decontaminate", "take the old background's colour out of soft edges"),
    "vm": ("vitmatte", "refine the edge with the ViTMatte network"),
    "bgc": ("bgcolor", "background colour: R,G,B,A from 0 to 255"),
}
"""rembg's fields: the option that each is, and what it does."""

EXTRAS = ("putalpha", "vitmatte_model", "sam_prompt", "sam_model", "sam_quant", "cloth_category")
"""Options that `extras` may have; rembg's session classes and its `remove` take them as keywords."""

STANDARD = {"exact": True, "decontaminate": False}
"""What makes the pixels rembg's."""

_PNG = {"type": "string", "format": "binary"}
_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {"description": "The result.", "content": {"image/png": {"schema": _PNG}}},
    **{
        status: {
            "description": refusal["description"],
            "content": {
                "application/json": {
                    "schema": {
                        "type": "object",
                        "properties": {"detail": {"type": "string"}, "code": {"type": "string"}},
                        "required": ["detail", "code"],
                    }
                }
            },
        }
        for status, refusal in REFUSALS.items()
    },
}


def _properties() -> dict[str, dict[str, Any]]:
    """The fields as JSON Schema."""
    known = settings_of(*GROUPS)
    found = {
        name: {**fields.property_of(known[option]), "description": text}
        for name, (option, text) in FIELDS.items()
    }
    del found["model"]["default"]  # the server's own, whatever that is
    found["dc"]["default"] = False
    text = f"a JSON object of further options: {', '.join(EXTRAS)}, or cc for the last"
    return {**found, "extras": {"type": "string", "description": text}}


_URL = {"type": "string", "description": "Address of a photo; only where the server fetches URLs."}
_PARAMETERS = [fields.parameter(name, schema) for name, schema in _properties().items()]
_FORM = {
    "type": "object",
    "required": ["file"],
    "properties": {"file": {"description": "The photo.", **_PNG}, **_properties()},
}


@router.get("", include_in_schema=False)
def get_docs() -> Response:
    """Lead to the documentation, which rembg has here."""
    return RedirectResponse("docs")


@router.get(
    "/remove",
    summary="Cut the subject out of a photo that a URL leads to, as rembg does",
    dependencies=[Depends(known_client)],
    response_class=Response,
    responses=_ANSWERS,
    openapi_extra={"parameters": [fields.parameter("url", _URL, required=True), *_PARAMETERS]},
)
async def remove_from_url(request: Request) -> Response:
    """Answer with rembg's cut-out of the photo under `url`."""
    request.state.dialect = "rembg"
    core = core_of(request)
    await core.admit(request)
    asked: dict[str, Any] = dict(query(request))
    url = asked.pop("url", "")
    values = read(asked)
    if not url:
        raise UsageError("url is missing; say where the photo is, or post it as file.")
    answer = await core.answer(request, await core.fetch(request, url), values)
    response = image_response(answer, core.options.keys)
    response.headers["Cache-Control"] = "no-cache"  # another photo may be there next time
    return response


@router.post(
    "/remove",
    summary="Cut the subject out of a photo, as rembg does",
    description="Options are fields of the form or part of the query.",
    dependencies=[Depends(known_client)],
    response_class=Response,
    responses=_ANSWERS,
    openapi_extra={
        "parameters": _PARAMETERS,
        "requestBody": {"required": True, "content": {"multipart/form-data": {"schema": _FORM}}},
    },
)
async def remove_from_file(request: Request) -> Response:
    """Answer with rembg's cut-out of the photo that is the form's `file`."""
    request.state.dialect = "rembg"
    core = core_of(request)
    await core.admit(request)
    form = await read_form(request)
    if form is None or "file" not in form.files:
        raise UsageError("file is missing; send the photo as the file of this name in a multipart form.")
    form.check_files("file")
    answer = await core.answer(request, form.files["file"], read(form.with_query(request)))
    return image_response(answer, core.options.keys)


def read(asked: Mapping[str, Any]) -> dict[str, Any]:
    """Read rembg's fields.

    Args:
        asked: text by rembg's names; empty text is not given at all.

    Returns:
        Options under rembolt's names.

    Raises:
        UsageError: a name is unknown, or a value cannot be read or is out of range; it is called by rembg's
            name.
    """
    known = settings_of(*GROUPS)
    values: dict[str, Any] = {}
    extras: Mapping[str, Any] = {}
    for name, text in asked.items():
        if text in ("", None):
            continue
        if name == "extras":
            extras = _extras(text)
            continue
        if name not in FIELDS:
            raise UsageError(f"unknown field {name[:40]!r}; rembg's fields are {', '.join(FIELDS)}, extras.")
        option = known[FIELDS[name][0]]
        value = option.parse(text, name) if isinstance(text, str) else text
        values[option.name] = option._replace(name=name).validate(value)
    return {**STANDARD, **fields.read({**values, **extras})}


def _extras(text: Any) -> dict[str, Any]:
    value = read_json("extras", text) if isinstance(text, str) else text
    if not isinstance(value, dict):
        raise UsageError('extras must be a JSON object such as {"putalpha": true}.')
    extras = with_canonical_names(value)
    for name in extras:
        if name in fields.OPERATORS:
            raise UsageError(f"extras: {name} is for the service's operator to set; leave it out.")
        if name not in EXTRAS:
            raise UsageError(f"extras: unknown option {name[:40]!r}; there are {', '.join(EXTRAS)}.")
    return extras


def _error_body(code: str, message: str) -> dict[str, str]:
    return {"detail": message, "code": code}


REMBG = Dialect("/api", router, _error_body)
