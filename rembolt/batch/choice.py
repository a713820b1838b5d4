"""What is to be done with a photo: cut out, or left for a reason that is told."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from rembolt.batch.record import Record, Task, stamp_of
from rembolt.batch.sources import Photo, Trouble
from rembolt.images.files import identity_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from rembolt.batch.names import Names
    from rembolt.batch.report import Earlier

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
        earlier: Mapping[str, Earlier],
        *,
        overwrite: bool,
        delete_input: bool,
    ) -> None:
        self._names = names
        self._earlier = earlier
        self._overwrite = overwrite
        self._delete_input = delete_input
        self._inputs: list[Photo] = []
        self._paths: dict[tuple[int, int], list[str]] = {}

    def protect(self, photos: Iterable[Photo]) -> None:
        """Never let a result replace one of these."""
        self._inputs += photos

    def of(self, found: Photo | Trouble, *, changed: bool = False) -> Task | Record:
        """A task, or the record of a photo that is left as it is.

        Args:
            found: the photo, or a folder that could not be looked into.
            changed: it changed after it was done, so its result is of no use any more. Not so when photos
                are deleted: what was done is gone, and a new photo has come under its name.
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
        stamp, again = stamp_of(found.path), changed and not self._delete_input
        before = self._earlier.get(os.path.abspath(found.path))  # noqa: PTH100 - as in the report
        # A result of another name is not what the report speaks of: it may be anybody's.
        if before is not None and before.result == os.path.abspath(result) and not changed:  # noqa: PTH100
            gone = stamp is None and self._delete_input
            if before.stamp is not None and (before.stamp == stamp or gone):
                return Record(found.path, result, "skipped", DONE_BEFORE, stamp=stamp, known=True)
            again = before.stamp is None or not self._delete_input
        if again or self._overwrite:
            return Task(found, result)
        return Record(found.path, result, "skipped", EXISTS, stamp=stamp)

    def _is_an_input(self, result: Path) -> bool:
        # Told by the file itself: links, letter case and `..` give one file many names. Looked up only now,
        # since most runs find no result that exists.
        while self._inputs:
            path = self._inputs.pop().path
            identity = identity_of(path)
            if identity is not None and path not in (paths := self._paths.setdefault(identity, [])):
                paths.append(path)
        identity = identity_of(result)
        # Looked up once more, since a photo that was deleted may have given its identity on to a result.
        return identity is not None and any(
            identity_of(path) == identity for path in self._paths.get(identity, ())
        )
