"""Remembers which files were checked against their hash, so that each is read only once.

The memory is `verified.json` in the store's home: for each path the size, the time of change and the hash it
was found to have. A file that changes is checked again. A home that cannot be written only means that files
are checked each time.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final, Protocol

from rembolt.errors import BrokenWeightsError, ModelError

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
        entry = _entry(path, expected)
        if _read(home).get(str(path.resolve())) == entry:
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
    _note(path, entry, home)


def remember(path: Path, expected: str, home: Path) -> None:
    """Note that `path` has the hash `expected`; does nothing when the home cannot be written."""
    try:
        entry = _entry(path, expected)
    except OSError:
        return
    _note(path, entry, home)


def _note(path: Path, entry: _Entry, home: Path) -> None:
    from filelock import FileLock, Timeout

    try:
        home.mkdir(parents=True, exist_ok=True)
        with FileLock(home / f"{_MEMORY}.lock", timeout=_LOCK_SECONDS):
            memory = {name: value for name, value in _read(home).items() if Path(name).exists()}
            memory[str(path.resolve())] = entry
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


def _entry(path: Path, expected: str) -> _Entry:
    status = path.stat()
    return [status.st_size, status.st_mtime_ns, expected]


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
