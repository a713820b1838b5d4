"""The embedded networks that refine edges: parts of rembolt rather than models to choose."""

from __future__ import annotations

from typing import Final

from rembolt.models.spec import Asset, ModelSpec


def _row(quality: str, title: str) -> ModelSpec:
    name = f"edges-{quality}"
    return ModelSpec(
        name=name,
        title=title,
        family="edges",
        assets=(Asset(file=f"{name}.onnx", source=None, hash=None),),
        licence="MIT",
        embedded=True,
    )


EDGES: Final = {
    "fast": _row("fast", "Edges in milliseconds"),
    "best": _row("best", "Edges with more care"),
}
"""By the value of the option `refine`."""
