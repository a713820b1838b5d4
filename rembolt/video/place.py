"""Whether a video can be written where it is to go."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rembolt.errors import UsageError
from rembolt.images.files import check_place

if TYPE_CHECKING:
    from pathlib import Path


def check_target(source: Path, target: Path) -> None:
    """Find out, before the work is done, that `target` cannot be written.

    Raises:
        UsageError: it is the source itself, or no file.
        OutputError: its folder is missing, no folder, or not writable.
    """
    if target.exists():
        if source.exists() and target.samefile(source):
            raise UsageError(
                f"{target} is the video itself, which is never overwritten; give another OUTPUT."
            )
        if not target.is_file():
            raise UsageError(f"'{target}' is not a file; give OUTPUT the name of one.")
    check_place(target)
