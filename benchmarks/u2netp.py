"""The weights of u2netp, which both sides can run."""

from __future__ import annotations

import shutil
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


def environment(weights: Path | None, folder: Path) -> dict[str, str]:
    """Variables that make rembolt and rembg find these weights, and nothing else, in `folder`."""
    if weights is not None:
        home = folder / "models" / "u2netp"
        home.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(weights, home / "u2netp.onnx")
    return {
        "U2NET_HOME": str(folder),
        "REMBG_HOME": str(folder),
        "REMBOLT_HOME": str(folder / "rembolt"),
        "REMBOLT_OFFLINE": "1",
        "MODEL_CHECKSUM_DISABLED": "1",
    }
