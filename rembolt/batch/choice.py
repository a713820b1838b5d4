"""What is to be done with a photo: cut out, or left for a reason that is told."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from rembolt.batch.record import Record, Stamp, Task, stamp_of
from rembolt.batch.sources import Photo, Trouble

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from rembolt.batch.names import Names

EXISTS = "its result exists; --overwrite replaces it."
DONE_BEFORE = "the report says that it is done."


class Choice:
    """Decides for each photo.

    Args:
        names: where results go.
        earlier: what `Report.earlier` says, for `--resume`.
        overwrite: redo photos whose results exist.
        delete_input: photos are deleted once they are done.
    """

    def __init__(
        self,
        names: Names,
        earlier: Mapping[str, tuple[str, Stamp] | None],
        *,
        overwrite: bool,
        delete_input: bool,
    ) -> None:
        self._names = names
        self._earlier = earlier
        self._overwrite = overwrite
        self._delete_input = delete_input
        self._inputs: list[Photo] = []
        self._identities: set[tuple[int, int]] = set()

    def protect(self, photos: Iterable[Photo]) -> None:
        """Never let a result replace one of these."""
        self._inputs += photos

    def of(self, found: Photo | Trouble, *, changed: bool = False) -> Task | Record:
        """A task, or the record of a photo that is left as it is.

        Args:
            found: the photo, or a folder that could not be looked into.
            changed: it changed after it was done, so its result is of no use any more.
        """
        if isinstance(found, Trouble):
            return Record(found.path, None, "failed", found.sentence)
        result = self._names.of(found)
        if not os.path.isfile(result):  # noqa: PTH113 - Path's raises for names that are too long
            return Task(found, result)
        if self._is_an_input(result):
            return Record(
                found.path,
                result,
                "failed",
                f"its result '{result}' would replace a photo of this batch; choose another OUTPUT.",
            )
        path = os.path.abspath(found.path)  # noqa: PTH100 - as in the report
        if path in self._earlier and not changed:
            before, stamp = self._earlier[path], stamp_of(found.path)
            gone = stamp is None and self._delete_input
            if before == (os.path.abspath(result), stamp) or (before is not None and gone):  # noqa: PTH100
                return Record(found.path, result, "skipped", DONE_BEFORE, stamp=stamp, known=True)
            changed = True  # or it failed, or its result has another name now
        if changed or self._overwrite:
            return Task(found, result)
        return Record(found.path, result, "skipped", EXISTS, stamp=stamp_of(found.path))

    def _is_an_input(self, result: Path) -> bool:
        # Told by the file itself: links, letter case and `..` give one file many names. Looked up only now,
        # since most runs find no result that exists.
        while self._inputs:
            identity = _identity(self._inputs.pop().path)
            if identity is not None:
                self._identities.add(identity)
        return _identity(result) in self._identities


def _identity(path: str | Path) -> tuple[int, int] | None:
    try:
        status = Path(path).stat()
    except (OSError, ValueError):
        return None
    return status.st_dev, status.st_ino
