"""Remembers the hashes of files, so that each is read only once.

The memory is `verified.json` in the store's home: for each path the size, the time of change and the hashes
it was found to have. A file that changes is read again. A home that cannot be written only means that each
process reads the files anew.
"""

from __future__ import annotations

import os
from functools import lru_cache
from typing import TYPE_CHECKING, Final, Protocol

from rembolt.errors import BrokenWeightsError, ModelError

if TYPE_CHECKING:
    from pathlib import Path

_MEMORY: Final = "verified.json"
_LOCK_SECONDS: Final = 5.0
_CHUNK: Final = 1 << 20

_Entry = list[int | str]


class Hasher(Protocol):
    """A running hash."""

    def update(self, data: bytes, /) -> None:
        """Take in more bytes."""

    def hexdigest(self) -> str:
        """Give the hash of everything taken in so far, in hexadecimal."""


def checks_disabled() -> bool:
    """Whether `MODEL_CHECKSUM_DISABLED` is set, to any value, as in rembg."""
    return os.environ.get("MODEL_CHECKSUM_DISABLED") is not None


def check(path: Path, expected: str, home: Path) -> None:
    """Make sure a found file has its published hash, reading it only when that is not known yet.

    Args:
        path: the file.
        expected: `"md5:…"` or `"sha256:…"`.
        home: folder of the memory.

    Raises:
        BrokenWeightsError: the file is not what it should be.
    """
    if checks_disabled():
        return
    try:
        status = path.stat()
        if expected in _known(path, status, home):
            return
        actual = digest(path, expected.partition(":")[0])
    except OSError as error:
        raise BrokenWeightsError(f"{path} cannot be read ({error.strerror or error}).") from error
    if actual != expected:
        raise BrokenWeightsError(
            f"{path} is not the file that was published (its {expected.partition(':')[0]} is"
            f" {actual.partition(':')[2]}); delete it so that it is downloaded again, or set"
            " MODEL_CHECKSUM_DISABLED=1 to use it as it is."
        )
    _note(path, status, expected, home)


def remember(path: Path, expected: str, home: Path) -> None:
    """Note that `path` has the hash `expected`; does nothing when the home cannot be written."""
    try:
        status = path.stat()
    except OSError:
        return
    _note(path, status, expected, home)


def content(path: Path, home: Path) -> str:
    """Give the SHA-256 of a file in hexadecimal, which names what is in it wherever it lies.

    Args:
        path: the file; it is read only when its hash is not known yet.
        home: folder of the memory.

    Raises:
        OSError: the file cannot be read.
    """
    status = path.stat()
    return _content(path.resolve(), status.st_size, status.st_mtime_ns, home)


@lru_cache(maxsize=64)  # where the memory cannot be written, and for programs that ask at every photo
def _content(path: Path, _size: int, _changed: int, home: Path) -> str:
    status = path.stat()
    known = [one for one in _known(path, status, home) if one.startswith("sha256:")]
    if not known:
        known = [digest(path, "sha256")]
        _note(path, status, known[0], home)
    return known[0].partition(":")[2]


def _known(path: Path, status: os.stat_result, home: Path) -> list[str]:
    """The hashes that are remembered of a file, as long as it has not changed."""
    entry = _read(home).get(str(path.resolve()))
    if not isinstance(entry, list) or entry[:2] != [status.st_size, status.st_mtime_ns]:
        return []
    return [one for one in entry[2:] if isinstance(one, str)]


def _note(path: Path, status: os.stat_result, found: str, home: Path) -> None:
    from filelock import FileLock, Timeout

    try:
        home.mkdir(parents=True, exist_ok=True)
        with FileLock(home / f"{_MEMORY}.lock", timeout=_LOCK_SECONDS):
            others = [one for one in _known(path, status, home) if one != found]
            # Not pathlib's, which raises where it may not look.
            memory = {name: value for name, value in _read(home).items() if os.path.exists(name)}  # noqa: PTH110
            memory[str(path.resolve())] = [status.st_size, status.st_mtime_ns, *others, found]
            _write(home, memory)
    except (OSError, Timeout):
        return


def digest(path: Path, algorithm: str) -> str:
    """Hash a file; returns `"md5:…"` or `"sha256:…"`.

    Raises:
        ModelError: the algorithm is unknown.
        OSError: the file cannot be read.
    """
    hasher = new_hasher(algorithm)
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            hasher.update(chunk)
    return f"{algorithm}:{hasher.hexdigest()}"


def new_hasher(algorithm: str) -> Hasher:
    """Start a hash of a stream.

    Raises:
        ModelError: the algorithm is unknown.
    """
    import hashlib

    if algorithm not in ("md5", "sha256"):
        raise ModelError(f"The hash algorithm {algorithm!r} is not supported; use md5 or sha256.")
    return hashlib.new(algorithm, usedforsecurity=False)


def _read(home: Path) -> dict[str, _Entry]:
    import json

    try:
        memory = json.loads((home / _MEMORY).read_bytes())
    except (OSError, ValueError):
        return {}
    return memory if isinstance(memory, dict) else {}


def _write(home: Path, memory: dict[str, _Entry]) -> None:
    import json

    temporary = home / f"{_MEMORY}.{os.getpid()}"
    try:
        temporary.write_text(json.dumps(memory, indent=1), encoding="utf-8")
        temporary.replace(home / _MEMORY)
    finally:
        temporary.unlink(missing_ok=True)
