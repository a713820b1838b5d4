"""A file that is written bit by bit, and there only when it is whole."""

from __future__ import annotations

import os
import stat
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from rembolt.errors import OutputError, UsageError
from rembolt.images.files import check_place

if TYPE_CHECKING:
    from collections.abc import Iterator


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


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Give a hidden name in the same folder to write to; it takes the name `path` when the block ends well.

    When the block fails, an interrupt included, the hidden file is removed. Permissions are those of the
    file replaced, or those a new file gets. A symbolic link stays, and the file it points to is replaced.

    Raises:
        OutputError: the file cannot take its name.
    """
    target = Path(os.path.realpath(path))
    temporary = target.with_name(f".rembolt-{os.urandom(8).hex()}.tmp")
    try:
        yield temporary
        try:
            if target.exists():
                with suppress(OSError):  # not every file system keeps permissions
                    temporary.chmod(stat.S_IMODE(target.stat().st_mode))
            temporary.replace(target)
        except OSError as error:
            raise OutputError(
                f"'{path}' cannot be written ({error.strerror or error}); choose another place."
            ) from error
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise
