"""The picture of the numbers."""

from __future__ import annotations

from io import BytesIO

import pytest
from PIL import Image

from rembolt.bench import plot
from rembolt.errors import MissingExtraError

USAGES = [{"wall": 2.0, "cpu": 1.0, "peak": 3_000_000}, {"wall": 4.0, "cpu": 1.0, "peak": 5_000_000}]

DOCUMENT = {
    "machine": {"processor": "A processor"},
    "random_weights": ["u2netp"],
    "jobs": {"photos": {"96x64": {"rembolt bolt": [{"total": 0.25}], "rembg u2netp": [{"total": 0.5}]}}},
    "memory": {"photos": {"96x64": {"rembolt bolt": USAGES}}},
    "start": {"photo": "96x64", "commands": {"rembolt bolt": USAGES}},
    "batch": {"size": "96x64", "photos": 6, "commands": {"rembg u2netp": USAGES}},
    "classic": {"photo": "96x64", "rows": {"rembolt bolt": [0.1, 0.2, 0.9]}},
    "limits": {"stages": {}},
}


def test_the_bars_are_medians_in_their_unit() -> None:
    assert [(panel.unit, panel.bars) for panel in plot.panels(DOCUMENT)] == [
        ("ms", {"rembolt bolt": 250.0, "rembg u2netp": 500.0}),
        ("MB", {"rembolt bolt": 4.0}),
        ("ms", {"rembolt bolt": 3000.0}),
        ("photos/s", {"rembg u2netp": 2.0}),
        ("ms", {"rembolt bolt": 200.0}),
    ]


def test_the_picture_is_a_png_with_bars_of_both_sides() -> None:
    pytest.importorskip("matplotlib")
    with Image.open(BytesIO(plot.draw(DOCUMENT))) as drawn:
        assert drawn.format == "PNG"
        colours = {colour for _, colour in drawn.convert("RGB").getcolors(1 << 24)}
    for colour in plot.COLOURS.values():
        assert tuple(bytes.fromhex(colour[1:])) in colours


def test_one_panel_is_enough() -> None:
    pytest.importorskip("matplotlib")
    alone = {key: DOCUMENT[key] for key in ("machine", "random_weights", "classic")}
    assert plot.draw(alone).startswith(b"\x89PNG")


def test_without_matplotlib_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "matplotlib", None)
    with pytest.raises(MissingExtraError, match=r"rembolt\[bench\]"):
        plot.draw(DOCUMENT)
