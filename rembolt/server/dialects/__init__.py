"""The flavours of HTTP that the one service speaks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rembolt.server.dialects.ours import OURS
from rembolt.server.dialects.rembg import REMBG
from rembolt.server.dialects.removebg import REMOVE_BG

if TYPE_CHECKING:
    from rembolt.server.dialects.base import Dialect

DIALECTS: tuple[Dialect, ...] = (OURS, REMBG, REMOVE_BG)
"""All of them. A path belongs to the one with the longest prefix of it."""


def dialect_of(path: str) -> Dialect:
    """The dialect of a path; ours where there is no other."""
    fitting = [dialect for dialect in DIALECTS if path.startswith(dialect.prefix)]
    return max(fitting, key=lambda dialect: len(dialect.prefix), default=OURS)
