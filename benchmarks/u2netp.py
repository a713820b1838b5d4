"""The weights of u2netp, which both sides can run."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

MISSING = (
    "no weights of u2netp here: run `rembolt download u2netp`, or give a file with --u2netp; "
    "what needs them is skipped."
)


def find(given: Path | None) -> Path | None:
    """The file given, else the one that rembolt or rembg has in its store; None when there is none.

    Raises:
        FileNotFoundError: the file given is not there.
    """
    if given is None:
        from rembolt.models.catalogue import find_model
        from rembolt.models.store import where

        return where(find_model("u2netp")).path
    if not given.is_file():
        raise FileNotFoundError(f"{given} is not a file.")
    return given
