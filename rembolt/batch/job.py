"""One photo from disk to disk."""

from __future__ import annotations

import errno
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

from rembolt.batch.record import Record, Stamp, stamp_of
from rembolt.errors import DeviceError, ModelError, OutputError, RemboltError, UnreadableImageError
from rembolt.images.files import write_atomically

if TYPE_CHECKING:
    from rembolt.batch.record import Task
    from rembolt.batch.stop import Stop
    from rembolt.remover import Remover

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO})


class Job:
    """Reads, cuts out, encodes and writes a photo; gives a record whatever happens.

    Args:
        remover: cuts out.
        output: the folder of all results.
        delete_input: delete the photo when its result is on the disk.
        stop: waits for files that are being written.
    """

    def __init__(self, remover: Remover, output: Path, *, delete_input: bool, stop: Stop) -> None:
        self._remover = remover
        self._output = output
        self._delete_input = delete_input
        self._stop = stop
        self._succeeded = False

    def __call__(self, task: Task) -> Record:
        """Do it.

        Raises:
            ModelError, DeviceError: nothing has been cut out yet, and the next photo will fail as this one.
        """
        start = time.perf_counter()
        path, stamp = task.photo.path, stamp_of(task.photo.path)

        def failed(sentence: str, *, fatal: bool = False) -> Record:
            if fatal:  # here, not where the record arrives: the next photo would have begun by then
                self._stop.requested.set()
            seconds = time.perf_counter() - start
            return Record(path, task.result, "failed", sentence, seconds, stamp=stamp, fatal=fatal)

        try:
            if "\0" in path or not path:
                raise UnreadableImageError("this is no path.")
            encoded = self._remover.encode(Path(path))
            self._succeeded = True
            with self._stop.writing():
                self._write(task.result, encoded.data)
                complaint = self._delete(path, task.result, stamp) if self._delete_input else None
        except OutputError as error:
            return failed(str(error), fatal=self._is_fatal(error))
        except (ModelError, DeviceError) as error:
            if not self._succeeded:
                raise
            return failed(str(error))
        except RemboltError as error:
            return failed(str(error))
        except MemoryError:
            return failed(
                "there is not enough memory for this photo; make it smaller or use fewer --workers."
            )
        except Exception as error:  # noqa: BLE001 - one photo never stops the others
            return failed(f"unexpected {type(error).__name__}: {error}; please report this.")
        if complaint:
            return failed(complaint)
        seconds = time.perf_counter() - start
        size = (encoded.width, encoded.height)
        return Record(path, task.result, "done", None, seconds, size, len(encoded.data), stamp)

    def _write(self, result: Path, data: bytes) -> None:
        if not self._output.is_dir():
            # Not made anew: a disk that was taken away would be written beside.
            raise OutputError(f"the folder '{self._output}' is gone; bring it back.")
        try:
            result.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(
                f"the folder '{result.parent}' cannot be made ({error.strerror or error}); choose another."
            ) from error
        write_atomically(result, data)

    def _delete(self, path: str, result: Path, stamp: Stamp | None) -> str | None:
        """Delete the photo when its result has reached the disk; otherwise say why it stays."""
        try:
            if stamp_of(path) != stamp:
                return "its result is written, but the photo changed meanwhile and is not deleted."
            handle = os.open(result, os.O_RDWR)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)
            Path(path).unlink()
        except OSError as error:
            return (
                "its result is written, but the photo could not be deleted "
                f"({error.strerror or error}); delete it yourself."
            )
        return None

    def _is_fatal(self, error: OutputError) -> bool:
        """Whether nothing else can be written either, rather than this one result."""
        if not self._output.is_dir() or not os.access(self._output, os.W_OK | os.X_OK):
            return True
        return isinstance(error.__cause__, OSError) and error.__cause__.errno in _FULL
