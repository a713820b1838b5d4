"""What rembolt knows about one model, as data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from pathlib import Path

Family = Literal["saliency", "cloth", "sam", "vitmatte", "edges", "service"]
"""How a network is used: one mask; categories of clothes; prompts; trimap refinement; refinement of a mask; a
web service."""

Head = Literal["minmax", "sigmoid", "sigmoid-minmax"]
"""How a saliency network's output becomes a mask in [0, 1].

`minmax` stretches each photo's own range, `sigmoid` squashes logits, `sigmoid-minmax` does both in turn.
"""

Brightness = Literal["photo-maximum", "255"]
"""What the 8-bit values are divided by: the shrunk photo's own largest value (as rembg does) or 255."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """One file of a model.

    Attributes:
        file: name in the store (`u2net.onnx`).
        source: name at the mirrors (`u2net.onnx`); None for a file made here from another one.
        hash: published digest, `"md5:…"` or `"sha256:…"`; None where none is published.
        size: bytes, as published; 0 where it is not known.
        parts: files at the mirrors that are joined, in order, into this one.
    """

    file: str
    source: str | None
    hash: str | None
    size: int = 0
    parts: tuple[Asset, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSpec:
    """One network: where its weights are, how it is fed and how its answer is read.

    Attributes:
        name: the name users type.
        title: one line for people.
        family: how the network is used.
        assets: its files. The first is the network (for SAM: encoder, then decoder).
        input_size: `(width, height)` in pixels the photo is shrunk to.
        mean, std: per-channel RGB normalisation, applied to values in [0, 1].
        brightness: what 8-bit values are divided by before `mean` and `std`.
        head: how the output becomes a mask.
        levels: mask values up to the first become 0, from the second on 1, with a straight line between:
            takes the faint veil off a network that is seldom quite sure.
        licence: SPDX name of the weights' licence, or the owner's own words.
        precision: number format of the weights (`fp32`, `fp16`, `int8`).
        commercial: whether the licence allows commercial use.
        embedded: the weights are inside the package.
        needs_path: the user brings the weights (`model_path`).
        converted_from: name of the model these weights are made of, when nothing is downloaded.
        folder: its folder in the store and in rembg's; the name where it is not given.
        path: the file a user brought; None for catalogued weights.
    """

    name: str
    title: str
    family: Family = "saliency"
    assets: tuple[Asset, ...] = ()
    input_size: tuple[int, int] = (320, 320)
    mean: tuple[float, float, float] = (0.485, 0.456, 0.406)
    std: tuple[float, float, float] = (0.229, 0.224, 0.225)
    brightness: Brightness = "photo-maximum"
    head: Head = "minmax"
    levels: tuple[float, float] = (0.0, 1.0)
    licence: str = "Apache-2.0"
    precision: str = "fp32"
    commercial: bool = True
    embedded: bool = False
    needs_path: bool = False
    converted_from: str | None = None
    folder: str = ""
    path: Path | None = None

    def __post_init__(self) -> None:
        if not self.folder:
            object.__setattr__(self, "folder", self.name)

    @property
    def selectable(self) -> bool:
        """Whether the name alone is enough to cut out a photo on this machine."""
        return self.family in ("saliency", "cloth", "sam") and not self.needs_path

    @property
    def size(self) -> int:
        """Bytes of all files together; 0 where it is not known."""
        return sum(asset.size for asset in self.assets)
