"""Looks models up by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rembolt.errors import UnknownModelError
from rembolt.models.rows import rows

if TYPE_CHECKING:
    from pathlib import Path

    from rembolt.models.spec import ModelSpec

DEFAULT_MODEL: Final = "bolt"

MODELS: Final[dict[str, ModelSpec]] = {row.name: row for row in rows()}
"""Every row by name; the embedded model first, then rembg's."""

ALIASES: Final[dict[str, str]] = {"sam_vit_b_01ec64": "sam"}
"""Other names of a row."""


def find_model(name: str | Path) -> ModelSpec:
    """Give the row with this name, or read an own network when it is a path that ends in `.onnx`.

    A server must only pass names out of `model_names()`, since a path would be opened.

    Raises:
        UnknownModelError: no model has this name; the nearest one is suggested.
        UsageError: an own network's side-car file is missing or wrong.
        WeightsUnavailableError: an own network's file is not there.
    """
    text = str(name)
    if text.lower().endswith(".onnx"):
        from rembolt.models.custom import custom_model

        return custom_model(text)
    row = MODELS.get(ALIASES.get(text, text))
    if row is None:
        raise UnknownModelError(_unknown("model", text, [*MODELS, *ALIASES]))
    return row


def model_names(*, selectable: bool = False) -> tuple[str, ...]:
    """Names of all rows in the catalogue's order.

    Args:
        selectable: only those whose name alone is enough to cut out a photo on this machine.
    """
    return tuple(name for name, row in MODELS.items() if row.selectable or not selectable)


def sam_model(sam_model: str = "sam_vit_b_01ec64", *, quantised: bool = False) -> ModelSpec:
    """Give the SAM row for rembg's options `sam_model` and `sam_quant`.

    Raises:
        UnknownModelError: there is no such SAM.
    """
    names = [name for name, row in MODELS.items() if row.family == "sam" and not name.endswith("-quant")]
    plain = ["sam_vit_b_01ec64" if name == "sam" else name for name in names]
    if sam_model not in plain:
        raise UnknownModelError(_unknown("SAM model", sam_model, plain))
    return find_model(f"{sam_model}-quant" if quantised else sam_model)


def vitmatte_model(variant: str | None = None) -> ModelSpec:
    """Give the ViTMatte row for rembg's option `vitmatte_model`; the small Distinctions-646 one for None.

    Raises:
        UnknownModelError: there is no such variant.
    """
    variant = variant or "small-distinctions-646"
    variants = [name.removeprefix("vitmatte-") for name, row in MODELS.items() if row.family == "vitmatte"]
    if variant not in variants:
        raise UnknownModelError(_unknown("ViTMatte variant", variant, variants))
    return MODELS[f"vitmatte-{variant}"]


def _unknown(kind: str, name: str, known: list[str]) -> str:
    import difflib

    near = difflib.get_close_matches(name.lower(), known, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(known)}."
    return f"There is no {kind} {name!r}; {hint}"
