"""Requests as the tests make them, and what was said meanwhile."""

from __future__ import annotations

from pathlib import Path

from rembolt.quantise.run import Request, quantise


def asked(model, pictures, **wishes) -> Request:
    return Request(**{"model": str(model), "photos": pictures, "calibration": "min-max", **wishes})


def told(request: Request):
    said = []
    return quantise(request, said.append), said


def nothing_kept(home: Path) -> bool:
    return not [path for path in home.rglob("*") if path.is_file() and path.suffix in (".onnx", ".tmp")]
