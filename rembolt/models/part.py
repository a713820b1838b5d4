"""The unfinished file of a download: bytes on disk, and the hash of them so far."""

from __future__ import annotations

import os
import shutil
from typing import IO, TYPE_CHECKING, Self

from rembolt.errors import WeightsUnavailableError
from rembolt.models.verified import new_hasher

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

_CHUNK = 1 << 20
_SPARE = 16 << 20
"""Bytes of free space to leave on the disk."""


class Part:
    """`<target>.part`, open for writing from where an earlier try stopped.

    An earlier part is only trusted where a hash is known that can expose it. Leaving the context closes the
    file and keeps what is in it; `finish` moves it to its final name.

    Attributes:
        target: the final name.
        done: bytes in the file.
        tag: the server's ETag for them; empty when there is none to rely on.

    Raises:
        WeightsUnavailableError: from every method, when the disk is full or the file cannot be written.
    """

    def __init__(self, target: Path, expected: str | None, size: int) -> None:
        self.target = target
        self.done = 0
        self.tag = ""
        self._expected = expected
        self._size = size
        self._path = target.with_name(f"{target.name}.part")
        self._hasher = new_hasher(self._algorithm)
        self._file: IO[bytes] | None = None

    def __enter__(self) -> Self:
        try:
            self._file = self._path.open("r+b" if self._path.exists() else "w+b")
            if self._expected is None:
                self._file.truncate(0)
            while chunk := self._file.read(_CHUNK):
                self._hasher.update(chunk)
                self.done += len(chunk)
        except OSError as error:
            raise self._trouble(error) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            try:
                self._file.close()
            except OSError as trouble:  # what could not be written fails once more here
                if kind is None:
                    raise self._trouble(trouble) from trouble
            self._file = None
        if not self.done:
            self._path.unlink(missing_ok=True)

    def write(self, data: bytes) -> None:
        """Add bytes at the end."""
        try:
            self._open_file.write(data)
            self._open_file.flush()
        except OSError as error:
            raise self._trouble(error) from error
        self._hasher.update(data)
        self.done += len(data)

    def restart(self) -> None:
        """Throw away what is there."""
        try:
            self._open_file.seek(0)
            self._open_file.truncate(0)
        except OSError as error:
            raise self._trouble(error) from error
        self._hasher = new_hasher(self._algorithm)
        self.done = 0
        self.tag = ""

    def is_right(self) -> bool:
        """Whether the bytes so far are the whole file, as far as a hash is known."""
        if self._expected is None:
            return True
        return self._expected == f"{self._algorithm}:{self._hasher.hexdigest()}"

    def is_proven(self) -> bool:
        """Whether a known hash says that the bytes so far are the whole file."""
        return self._expected is not None and self.is_right()

    def require_space(self, total: int | None) -> None:
        """Make sure the rest fits on the disk.

        Args:
            total: bytes of the whole file; None where the server does not say.
        """
        rest = (total or self._size) - self.done
        try:
            free = shutil.disk_usage(self.target.parent).free
        except OSError as error:
            raise self._trouble(error) from error
        if rest > 0 and rest + _SPARE > free:
            raise WeightsUnavailableError(
                f"{self.target.name} needs {_megabytes(rest)} more in {self.target.parent}, where"
                f" {_megabytes(free)} are free; make room, or set REMBOLT_HOME to a folder with more."
            )

    def finish(self) -> None:
        """Close the file and move it to its final name."""
        try:
            self._open_file.flush()
            os.fsync(self._open_file.fileno())
            self._open_file.close()
            self._file = None
            self._path.replace(self.target)
        except OSError as error:
            raise self._trouble(error) from error

    @property
    def resumable(self) -> bool:
        """Whether there is something to go on from that can be told from another file's beginning."""
        return self.done > 0 and bool(self._expected or self.tag)

    @property
    def _algorithm(self) -> str:
        return self._expected.partition(":")[0] if self._expected else "sha256"

    @property
    def _open_file(self) -> IO[bytes]:
        assert self._file is not None
        return self._file

    def _trouble(self, error: OSError) -> WeightsUnavailableError:
        return WeightsUnavailableError(
            f"{self.target.name} cannot be stored in {self.target.parent} ({error.strerror or error});"
            " make room, or set REMBOLT_HOME to another folder."
        )


def _megabytes(count: int) -> str:
    return f"{count / 1e6:.0f} MB"
