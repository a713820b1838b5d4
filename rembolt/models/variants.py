"""Weights made here from other weights in another precision: where they are, and what was measured of them.

They are kept by content, `REMBOLT_HOME/variants/<SHA-256 of the source>/<precision>.onnx` with a report of
the same name in JSON, so that a model downloaded anew, or found elsewhere, still has them, and one that was
changed has not. Those of the embedded model lie beside its own weights, `bolt.int8.onnx` with a report.
"""

from __future__ import annotations

import os
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from rembolt.models import verified
from rembolt.models.store import EMBEDDED, home

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

EMBEDDED_REPORT: Final = MappingProxyType(
    {"good": True, "types": {"activation": "uint8", "weight": "int8", "reduce_range": False}}
)
"""What decides where embedded variants run: their report has it, but a cold start has no time for JSON."""


class Variant(NamedTuple):
    """A network in another precision.

    Attributes:
        path: its ONNX file.
        report: what `rembolt quantise` measured; `good` says whether its masks are near the source's.
        embedded: it is inside the package, measured on another machine.
    """

    path: Path
    report: Mapping[str, Any]
    embedded: bool = False


def place(source: Path, precision: str) -> Path:
    """Give the path where a variant of `source` belongs; it need not exist.

    Raises:
        OSError: `source` cannot be read.
    """
    return _root() / verified.content(source, home()) / f"{precision}.onnx"


def find(source: Path, precision: str) -> Variant | None:
    """Give the variant of `source` in this precision, or None where none was made."""
    if not os.path.isdir(_root()):  # noqa: PTH112 - most have none; pathlib raises where it may not look
        return None
    import json

    try:
        path = place(source, precision)
        report = json.loads(path.with_suffix(".json").read_bytes())
    except (OSError, ValueError):
        return None
    return Variant(path, report) if path.is_file() and isinstance(report, dict) else None


def embedded(source: Path, precision: str) -> Variant | None:
    """Give the variant that came with `source`, or None where `source` is not of the package or has none."""
    path = EMBEDDED / f"{source.stem}.{precision}.onnx"
    if source.parent != EMBEDDED or not path.is_file():
        return None
    return Variant(path, EMBEDDED_REPORT, embedded=True)


def _root() -> Path:
    return home() / "variants"
