"""One run at a time in an OUTPUT folder, and the leftovers of a run that was killed."""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import TYPE_CHECKING

from rembolt.errors import OutputError
from rembolt.images.files import check_place, is_abandoned, is_temporary, make_folder

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

    from filelock import FileLock

log = logging.getLogger(__name__)

LOCK = ".rembolt-batch.lock"


class Claim:
    """Holds an OUTPUT folder while its `with` block runs.

    A run removes its lock file at its end, so one that lies there and is not held was left by a run that was
    killed: then, and only then, half-written files may lie there too. Those of processes that still run, such
    as another command's, are left alone.

    Args:
        output: the folder; made when it is missing.

    Raises:
        OutputError: the folder cannot be made or written, or another run holds it.
    """

    def __init__(self, output: Path) -> None:
        self._output = output
        self._path = output / LOCK
        self._lock: FileLock | None = None

    def __enter__(self) -> Claim:
        from filelock import FileLock, Timeout

        make_folder(self._output)
        check_place(self._path)
        killed = self._path.exists()
        lock = FileLock(self._path)
        try:
            lock.acquire(timeout=0)
        except Timeout as error:
            raise OutputError(
                f"another batch is at work in '{self._output}'; wait for it, or choose another OUTPUT."
            ) from error
        except (OSError, NotImplementedError) as error:  # some network file systems have no locks
            log.warning("'%s' cannot be locked (%s): do not let two runs write there.", self._output, error)
            return self
        self._lock = lock
        if killed:
            self._remove_leftovers()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.give_up()

    def give_up(self) -> None:
        """Let the next run have the folder."""
        if self._lock is None:
            return
        # While it is held: whoever comes next makes a new one.
        with suppress(OSError):
            self._path.unlink()
        self._lock.release()
        self._lock = None

    def _remove_leftovers(self) -> None:
        removed = left = 0
        for path in self._output.rglob(".rembolt-*.tmp"):
            with suppress(OSError):
                if not is_temporary(path) or not path.is_file() or path.is_symlink():
                    continue
                if is_abandoned(path):
                    path.unlink()
                    removed += 1
                else:
                    left += 1
        log.warning("the last run in '%s' was cut off; %s removed.", self._output, _half_written(removed))
        if left:
            log.warning("%s left, since another process may be at work on it.", _half_written(left))


def _half_written(number: int) -> str:
    return "1 half-written file was" if number == 1 else f"{number} half-written files were"
