"""The routes of remove.bg's dialect."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import APIRouter, Depends, Request, Response

from rembolt.server.dialects.base import Dialect, core_of, known_client
from rembolt.server.dialects.removebg.fields import read
from rembolt.server.dialects.removebg.photos import background_of, is_opaque, photo_of
from rembolt.server.dialects.removebg.refusals import error_body, error_status
from rembolt.server.dialects.removebg.reply import reply, wants_json
from rembolt.server.dialects.removebg.schema import BODY, REFUSALS, RESULT
from rembolt.server.forms import Form, query, read_form
from rembolt.server.order import Extras

router = APIRouter(prefix="/v1.0", tags=["remove.bg"], dependencies=[Depends(known_client)])


@router.post(
    "/removebg",
    summary="remove.bg's way to cut the subject out of a photo",
    description="Fields that change nothing here are named in the header `X-Rembolt-Ignored`.",
    response_class=Response,
    responses={**RESULT, **REFUSALS},
    openapi_extra={"requestBody": BODY},
)
async def remove_background(request: Request) -> Response:
    """Answer with the cut-out of the photo that the request brings."""
    request.state.dialect = "removebg"
    core = core_of(request)
    await core.admit(request)
    body = await read_form(request, largest_field=core.options.max_bytes) or Form({}, {})
    form = Form({**query(request), **body.fields}, body.files)
    asked = read(form.fields, form.files)
    photo = await photo_of(core, request, form)
    background = await background_of(core, request, form) if asked.background else None
    opaque = background is not None and await asyncio.to_thread(
        is_opaque, background, core.options.max_pixels
    )
    options, megapixels = asked.settled(opaque_photo=opaque)
    extras = Extras(background, asked.region, megapixels, find_subject=True)
    answer = await core.answer(request, photo, options, extras)
    as_json = wants_json(request.headers.get("accept", ""))
    return await asyncio.to_thread(reply, answer, asked, as_json=as_json)


@router.get(
    "/account",
    summary="remove.bg's account",
    description="Nothing is charged here, so there are no credits and no free calls that could run out.",
    responses={403: REFUSALS[403]},
)
def get_account() -> dict[str, Any]:
    """Tell remove.bg's clients about credits, of which there are none."""
    credits_left = dict.fromkeys(("total", "subscription", "payg", "enterprise"), 0)
    return {"data": {"attributes": {"credits": credits_left, "api": {"free_calls": 0, "sizes": "all"}}}}


REMOVE_BG = Dialect("/v1.0", router, error_body, error_status)
