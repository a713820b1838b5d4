"""Results to disk, whole or not at all."""

from __future__ import annotations

import errno
import os
import re
import stat
import zlib
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from rembolt.errors import OutputError

if TYPE_CHECKING:
    from collections.abc import Iterator

_HOST = f"{zlib.crc32(os.uname().nodename.encode()):08x}" if hasattr(os, "uname") else "00000000"
_PROCESS = os.urandom(4).hex()
"""Tells this process from an earlier one of the same id, such as the one of a container begun anew."""

_TEMPORARY = re.compile(r"\.rembolt-([0-9]+)-([0-9a-f]{8})([0-9a-f]{8})[0-9a-f]{8}\.tmp")
"""The process's id, the machine it runs on, which of all processes of that id it is, and a random part."""


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
            with whole_file(path) as temporary, temporary.open("xb") as file:
                file.write(data)
        else:
            target.write_bytes(data)
    except OutputError:
        raise
    except OSError as error:
        raise OutputError(_sentence(path, target, error)) from error


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Give a hidden name in the same folder to write to; it takes the name `path` when the block ends well.

    When the block fails, an interrupt included, the hidden file is removed. Permissions are those of the
    file replaced, or those a new file gets. A symbolic link stays, and the file it points to is replaced.

    Raises:
        OutputError: the file cannot take its name.
    """
    target = Path(os.path.realpath(path))
    temporary = temporary_beside(target)
    try:
        yield temporary
        try:
            mode = _mode(target)
            if mode is not None:
                # Not every file system keeps permissions, and the content matters more.
                with suppress(OSError):
                    temporary.chmod(stat.S_IMODE(mode))
            temporary.replace(target)
        except OSError as error:
            raise OutputError(_sentence(path, target, error)) from error
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise


def temporary_beside(target: Path) -> Path:
    """A hidden name in the same folder that nobody else uses, and that says which process does."""
    return target.with_name(f".rembolt-{os.getpid()}-{_HOST}{_PROCESS}{os.urandom(4).hex()}.tmp")


def is_temporary(path: Path) -> bool:
    """Whether `temporary_beside` gave this name, here or elsewhere."""
    return _TEMPORARY.fullmatch(path.name) is not None


def is_abandoned(path: Path) -> bool:
    """Whether the process that `temporary_beside` gave this name to is surely gone.

    It cannot be asked for on Windows, nor for a process of another machine, as on a network drive.
    """
    match = _TEMPORARY.fullmatch(path.name)
    if match is None or os.name == "nt" or match[2] != _HOST:
        return False
    process = int(match[1])
    if process == os.getpid():
        return match[3] != _PROCESS
    try:
        os.kill(process, 0)  # asks only
    except (ProcessLookupError, OverflowError):
        return True
    except OSError:  # another user's
        return False
    return False


def make_folder(path: Path) -> None:
    """Make a folder and those above it; one that is there stays as it is.

    Raises:
        OutputError: it cannot be made.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"the folder '{path}' cannot be made ({error.strerror or error}); choose another."
        ) from error


def identity_of(path: str | Path) -> tuple[int, int] | None:
    """What a file or folder is known by, whatever leads to it; None when there is none.

    A file that was deleted gives its identity on, often to the next one that is made.
    """
    try:
        status = Path(path).stat()
    except (OSError, ValueError):  # ValueError: a NUL in the name
        return None
    return status.st_dev, status.st_ino


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
