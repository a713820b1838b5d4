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
        hint = _nearest(text, [*MODELS, *ALIASES]) or "`rembolt models` lists those there are."
        raise UnknownModelError(f"There is no model {text!r}; {hint}")
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
    plain = [*ALIASES, "sam_vit_l_0b3195", "sam_vit_h_4b8939"]
    if sam_model not in plain:
        hint = _nearest(sam_model, plain) or f"there are {', '.join(plain)}."
        raise UnknownModelError(f"There is no SAM model {sam_model!r}; {hint}")
    return find_model(f"{sam_model}-quant" if quantised else sam_model)


def vitmatte_model(variant: str | None = None) -> ModelSpec:
    """Give the ViTMatte row for rembg's option `vitmatte_model`; the small Distinctions-646 one for None.

    Raises:
        UnknownModelError: there is no such variant.
    """
    variant = variant or "small-distinctions-646"
    variants = [name.removeprefix("vitmatte-") for name, row in MODELS.items() if row.family == "vitmatte"]
    if variant not in variants:
        hint = _nearest(variant, variants) or f"there are {', '.join(variants)}."
        raise UnknownModelError(f"There is no ViTMatte variant {variant!r}; {hint}")
    return MODELS[f"vitmatte-{variant}"]


def _nearest(name: str, known: list[str]) -> str:
    import difflib

    near = difflib.get_close_matches(name[:100].lower(), known, n=1, cutoff=0.5)
    return f"did you mean {near[0]!r}?" if near else ""
