"""What is refused, in remove.bg's words: its statuses and its codes."""

from __future__ import annotations

from typing import Any

from rembolt.server.errors import ServerError

CODES = {
    "usage": "invalid_parameter",
    "bad_request": "invalid_parameter",
    "unreadable_image": "failed_to_read_image",
    "input": "failed_to_read_image",
    "unsupported_image": "invalid_file_type",
    "image_too_large": "resolution_too_high",
    "body_too_large": "file_too_large",
    "region": "roi_region_empty",
    "region_outside": "roi_exceeds_bounds",
    "key_required": "auth_failed",
    "rate_limited": "rate_limit_exceeded",
}
"""remove.bg's codes of our errors; those it has no word for keep ours."""

STATUSES = {401: 403, 413: 400, 415: 400, 422: 400}
"""remove.bg answers 400 to whatever is wrong with what was sent, and 403 where the key is."""


class FieldError(ServerError):
    """A field is wrong.

    Args:
        code: remove.bg's.
        message: the sentence.
    """

    http_status = 400

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def error_body(code: str, message: str) -> dict[str, Any]:
    """The JSON of an error."""
    return {"errors": [{"title": message, "code": CODES.get(code, code)}]}


def error_status(status: int) -> int:
    """remove.bg's status for one of ours."""
    return STATUSES.get(status, status)
