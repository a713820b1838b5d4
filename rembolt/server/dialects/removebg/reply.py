"""A result as remove.bg answers it."""

from __future__ import annotations

import base64
import json
import re
from typing import TYPE_CHECKING

from fastapi import Response

from rembolt.server.dialects.base import rate_headers
from rembolt.server.dialects.removebg.refusals import FieldError

if TYPE_CHECKING:
    from rembolt.server.core import Answer
    from rembolt.server.dialects.removebg.fields import Asked

MOST_NAMED = 20
LONGEST_NAME = 40
"""How many ignored fields are named in the answer, and how much of each name."""


def reply(answer: Answer, asked: Asked, *, as_json: bool) -> Response:
    """Make the answer.

    Raises:
        FieldError: there is no subject in the photo.
    """
    result = answer.result
    if result.box is None:
        raise FieldError("unknown_foreground", "no subject was found in this photo; try another one.")
    left, top, right, bottom = result.box
    place = {"top": top, "left": left, "width": right - left, "height": bottom - top}
    headers = {
        "X-Width": str(result.width),
        "X-Height": str(result.height),
        "X-Credits-Charged": "0",
        **{f"X-Foreground-{side.title()}": str(pixels) for side, pixels in place.items()},
        **rate_headers(answer.rate),
    }
    if asked.with_type:
        headers["X-Type"] = "other"
    if asked.ignored:
        names = [re.sub(r"[^A-Za-z0-9_.-]", "?", name[:LONGEST_NAME]) for name in asked.ignored]
        more = ["..."] if len(names) > MOST_NAMED else []
        headers["X-Rembolt-Ignored"] = ", ".join(names[:MOST_NAMED] + more)
    if not as_json:
        return Response(result.data, headers=headers, media_type=result.media_type)
    packed = base64.b64encode(result.data).decode("ascii")
    data = {"result_b64": packed, **{f"foreground_{side}": pixels for side, pixels in place.items()}}
    return Response(json.dumps({"data": data}), headers=headers, media_type="application/json")


def wants_json(accept: str) -> bool:
    """Whether `Accept` asks for JSON and nothing else.

    Some clients always say that they would like JSON and take everything; they save what comes as an image.
    """
    kinds = {kind.partition(";")[0].strip().lower() for kind in accept.split(",")}
    return "application/json" in kinds and not any(
        kind == "*/*" or kind.startswith("image/") for kind in kinds
    )
