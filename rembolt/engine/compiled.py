"""Where devices keep the networks they have compiled, so that the next start is quick."""

from __future__ import annotations

import errno
import logging
import os
from typing import TYPE_CHECKING

from rembolt.models.store import home
from rembolt.models.verified import content, new_hasher

if TYPE_CHECKING:
    from pathlib import Path

log = logging.getLogger(__name__)


def cache_folder(*parts: str) -> Path | None:
    """Make and give `REMBOLT_HOME/cache/<parts>`; None, with a warning, where it cannot be written."""
    folder = home().joinpath("cache", *parts)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not os.access(folder, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except OSError as error:
        log.warning(
            "compiled networks cannot be kept in %s (%s), so each start compiles again; "
            "set REMBOLT_HOME to a folder that can be written.",
            folder,
            error.strerror or error,
        )
        return None
    return folder


def content_key(path: Path, *facts: str) -> str:
    """A name for what is compiled from a network: of its content, and of all else that it depends on.

    Args:
        path: the ONNX file.
        facts: versions and names, in a fixed order.

    Returns:
        32 hexadecimal digits.
    """
    hasher = new_hasher("sha256")
    hasher.update("\0".join((content(path, home()), *facts)).encode())
    return hasher.hexdigest()[:32]
