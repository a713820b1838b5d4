"""Results to disk, whole or not at all."""

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress
from pathlib import Path

from rembolt.errors import OutputError


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file so that nobody ever sees it half-written.

    The bytes go to a hidden file in the same folder that then takes the name in one step; it is removed
    when anything fails, an interrupt included. Permissions are those of the file replaced, or those a new
    file gets. A symbolic link stays, and the file it points to is written. Devices and pipes are written
    to as they are.

    Args:
        path: where to write; its folder must exist.
        data: the whole content.

    Raises:
        OutputError: the folder is missing or not writable, `path` is a folder, or the disk is full.
    """
    target = Path(os.path.realpath(path))
    try:
        mode = _mode(target)
        if mode is None or stat.S_ISREG(mode):
            _replace(target, data, mode)
        else:
            target.write_bytes(data)
    except OSError as error:
        raise OutputError(_sentence(path, target, error)) from error


def check_place(path: Path) -> None:
    """Find out, before the work is done, that `path` cannot be written.

    Raises:
        OutputError: its folder is missing, no folder, or not writable.
    """
    target = Path(os.path.realpath(path))
    try:
        if not stat.S_ISDIR(target.parent.stat().st_mode):
            raise NotADirectoryError(errno.ENOTDIR, "not a folder")
        device = target.exists() and not target.is_file()  # written to as it is
        if not device and not os.access(target.parent, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, "not writable")
    except OSError as error:
        raise OutputError(_sentence(path, target, error)) from error


def _mode(target: Path) -> int | None:
    try:
        return target.stat().st_mode
    except FileNotFoundError:
        return None


def _replace(target: Path, data: bytes, mode: int | None) -> None:
    temporary = target.with_name(f".rembolt-{os.urandom(8).hex()}.tmp")
    try:
        with temporary.open("xb") as file:
            file.write(data)
        if mode is not None:
            # Not every file system keeps permissions, and the content matters more.
            with suppress(OSError):
                temporary.chmod(stat.S_IMODE(mode))
        temporary.replace(target)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise


def _sentence(path: Path, target: Path, error: OSError) -> str:
    folder = target.parent
    if isinstance(error, IsADirectoryError) or target.is_dir():
        return f"'{path}' is a folder; give the name of a file in it."
    if isinstance(error, FileNotFoundError) and not folder.exists():
        return f"'{path}' cannot be written: the folder '{folder}' does not exist; create it first."
    if isinstance(error, NotADirectoryError):
        return f"'{path}' cannot be written: '{folder}' is not a folder; choose another place."
    if isinstance(error, PermissionError) or error.errno == errno.EROFS:
        return f"'{path}' cannot be written: the folder '{folder}' is not writable; choose another."
    if error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
        return f"'{path}' cannot be written: there is no space left for it; free some or choose another disk."
    return f"'{path}' cannot be written ({error.strerror or error}); choose another place."
