"""Keeps Pillow's warnings about odd files off the user's terminal, in the decoding thread only.

`warnings.catch_warnings` swaps the filters of the whole process and is not safe between threads. One entry
that matches only while its own thread decodes does no harm to anyone else who uses Pillow.
"""

from __future__ import annotations

import logging
import threading
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

_decoding = threading.local()


def _is_decoding() -> bool:
    return getattr(_decoding, "depth", 0) > 0


class _WhileDecoding:
    """Stands where `warnings` expects the compiled pattern of a module name."""

    def match(self, _module: str) -> bool:
        return _is_decoding()


_ENTRY: Any = ("ignore", None, Warning, _WhileDecoding(), 0)


def _drop_while_decoding(_record: logging.LogRecord) -> bool:
    return not _is_decoding()


logging.getLogger("PIL.TiffImagePlugin").addFilter(_drop_while_decoding)


@contextmanager
def quiet() -> Iterator[None]:
    """Ignore warnings raised by this thread inside the block; other threads keep theirs."""
    filters: Any = warnings.filters
    # Someone may have put an entry before ours since the last time, `-W error` for one.
    if not filters or filters[0] is not _ENTRY:
        filters.insert(0, _ENTRY)
    _decoding.depth = getattr(_decoding, "depth", 0) + 1
    try:
        yield
    finally:
        _decoding.depth -= 1
