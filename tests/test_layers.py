"""Imports flow one way, and nothing heavy is imported before it is needed."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "rembolt"

LAYERS = [
    {"errors"},
    {"colours", "lengths", "setting"},
    {"checks"},
    {"settings", "timings", "keywords", "cores", "extras", "metrics"},
    {"images", "models"},
    {"engine", "cutout"},
    {"profile", "arrange"},
    {"segmenters"},
    {"pipeline"},
    {"remover"},
    {"optimized", "rembg", "shortcuts"},
    {"batch", "video", "bench", "diagnosis"},
    {"tune"},
    {"quantise"},
    {"server"},
    {"client"},
    {"cli"},
]
"""From the bottom up; a room may import from lower layers and from itself."""

LEVEL = {room: level for level, rooms in enumerate(LAYERS) for room in rooms}

HEAVY = {
    "onnxruntime",
    "openvino",
    "onnx",
    "pymatting",
    "scipy",
    "rich",
    "pillow_heif",
    "numba",
    "cv2",
    "av",
    "matplotlib",
    "fastapi",
    "starlette",
    "granian",
    "httpx",
    "httpcore",
    "redis",
    "prometheus_client",
}
"""Imported inside functions only."""

OWN = {
    "server": {"fastapi", "starlette", "httpx", "httpcore", "prometheus_client"},
    "client": {"httpx"},
}
"""Rooms that nobody enters who does not want these."""

LIGHT = {"server/settings.py", "server/__init__.py", "server/errors.py", "server/run.py"}
"""Files of such a room that the command line reads before it knows that they are there."""


def files() -> list[Path]:
    return [
        path for path in sorted(PACKAGE.rglob("*.py")) if path.parent != PACKAGE or path.stem != "__main__"
    ]


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported(tree: ast.AST, *, top_level_only: bool) -> set[str]:
    nodes = tree.body if top_level_only else ast.walk(tree)
    names = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names.add(node.module or "")
    return names


@pytest.mark.parametrize("path", files(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_go_downwards(path: Path) -> None:
    room = room_of(path)
    if room == "__init__":
        return
    for name in imported(ast.parse(path.read_text()), top_level_only=False):
        parts = name.split(".")
        if parts[0] != "rembolt" or len(parts) == 1 or parts[1] == room:
            continue
        assert parts[1] in LEVEL, f"{parts[1]} has no layer"
        assert LEVEL[parts[1]] < LEVEL[room], f"{room} may not import {name}"


@pytest.mark.parametrize("path", files(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_heavy_packages_are_imported_where_they_are_used(path: Path) -> None:
    tops = {name.split(".")[0] for name in imported(ast.parse(path.read_text()), top_level_only=True)}
    own = set() if str(path.relative_to(PACKAGE)) in LIGHT else OWN.get(room_of(path), set())
    assert not tops & (HEAVY - own)


@pytest.mark.parametrize("path", files(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_rooms_stay_small(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 400
