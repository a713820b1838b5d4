"""The options as typed keywords, for editors and type checkers; a test holds them to `rembolt.settings`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence  # noqa: TC003 - typing.get_type_hints needs them
from os import PathLike  # noqa: TC003
from typing import Any, TypedDict


class PhotoKeywords(TypedDict, total=False):
    """What may differ from photo to photo."""

    max_pixels: int
    to_srgb: bool
    alpha_matting: bool
    alpha_matting_foreground_threshold: int
    alpha_matting_background_threshold: int
    alpha_matting_erode_size: int
    vitmatte: bool
    vitmatte_model: str | None
    refine: str
    decontaminate: bool | None
    post_process_mask: bool
    smooth_mask: bool
    remove_islands: float | None
    fill_holes: float | None
    shift_edge: float | None
    feather: float | None
    putalpha: bool
    cloth_category: str | None
    cc: str | None
    sam_prompt: Sequence[Mapping[str, Any]] | None
    max_size: int | None
    exact: bool
    only_mask: bool
    bgcolor: Sequence[int] | str | None
    background: PathLike[str] | Any | str | None
    background_fit: str
    background_blur: float
    shadow: float | None
    crop: bool
    crop_margin: str
    scale: str | None
    position: str | None
    format: str
    quality: int | None


class PlacedKeywords(PhotoKeywords, total=False):
    """The same, and what belongs to a session beside its model."""

    model_path: str | None
    sam_model: str
    sam_quant: bool
    device: str
    precision: str
    threads: int | None
    offline: bool


class Keywords(PlacedKeywords, total=False):
    """All of them."""

    model: str
