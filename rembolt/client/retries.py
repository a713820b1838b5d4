"""When a request is tried again."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

AGAIN = (429, 502, 503, 504)
"""Statuses after which the same request may succeed; a proxy says 502 and 504 where the service is away."""

FIRST = 0.25
LONGEST = 8.0
"""Seconds before the first and before any later try, where the service asks for none; they double."""


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that an answer asks to wait (RFC 9110: a number, or a date), None where it asks for none."""
    text = headers.get("retry-after", "").strip()
    if text.isascii() and text.isdecimal():
        return float(text)
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    if date.tzinfo is None:
        date = date.replace(tzinfo=UTC)
    return max(0.0, (date - datetime.now(UTC)).total_seconds())


def pause(tries: int, asked: float | None) -> float:
    """Seconds to wait before the next try: what was asked for or longer, and never the same for all clients.

    Args:
        tries: how many there were.
        asked: see `retry_after`.
    """
    step = min(FIRST * 2.0 ** min(tries - 1, 10), LONGEST)
    return (step if asked is None else asked) + random.uniform(0, step)  # noqa: S311 - spreads clients
