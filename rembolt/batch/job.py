"""One photo from disk to disk."""

from __future__ import annotations

import errno
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

from rembolt.batch.record import Record, Stamp, stamp_of
from rembolt.errors import DeviceError, ModelError, OutputError, RemboltError, UnreadableImageError
from rembolt.images.files import make_folder, write_atomically

if TYPE_CHECKING:
    from rembolt.batch.record import Task
    from rembolt.batch.stop import Stop
    from rembolt.remover import Remover

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO})
_UNKNOWN = frozenset({errno.EINVAL, errno.ENOTSUP, errno.ENOSYS})
"""What file systems answer that cannot be told to put a folder on the disk."""

TARGET_DELETED = "the photo it links to is done and deleted."


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
        self._deleted: set[str] = set()

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
            if self._links_to_a_deleted_one(path):
                seconds = time.perf_counter() - start
                return Record(path, task.result, "skipped", TARGET_DELETED, seconds, stamp=stamp)
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
        make_folder(result.parent)
        write_atomically(result, data)

    def _delete(self, path: str, result: Path, stamp: Stamp | None) -> str | None:
        """Delete the photo when its result has reached the disk; otherwise say why it stays."""
        try:
            if stamp_of(path) != stamp and not self._links_to_a_deleted_one(path):
                return "its result is written, but the photo changed meanwhile and is not deleted."
            _put_on_the_disk(result)
            if not Path(path).is_symlink():  # noted before, since a link to it may be looked at meanwhile
                self._deleted.add(os.path.realpath(path))
            Path(path).unlink()
        except OSError as error:
            return (
                "its result is written, but the photo could not be deleted "
                f"({error.strerror or error}); delete it yourself."
            )
        return None

    def _links_to_a_deleted_one(self, path: str) -> bool:
        try:
            return (
                Path(path).is_symlink()
                and not Path(path).exists()
                and os.path.realpath(path) in self._deleted
            )
        except (OSError, ValueError):  # a name that is too long, or has a NUL
            return False

    def _is_fatal(self, error: OutputError) -> bool:
        """Whether nothing else can be written either, rather than this one result."""
        if not self._output.is_dir() or not os.access(self._output, os.W_OK | os.X_OK):
            return True
        return isinstance(error.__cause__, OSError) and error.__cause__.errno in _FULL


def _put_on_the_disk(result: Path) -> None:
    """Wait until a file, and its name in its folder, would outlive a power cut."""
    if os.name == "nt":  # where only what is open for writing is put there, and folders cannot be opened
        _put_one_on_the_disk(result, os.O_RDWR)
        return
    _put_one_on_the_disk(result, os.O_RDONLY)
    try:
        _put_one_on_the_disk(Path(os.path.realpath(result)).parent, os.O_RDONLY)
    except OSError as error:
        if error.errno not in _UNKNOWN:
            raise


def _put_one_on_the_disk(path: Path, way: int) -> None:
    handle = os.open(path, way)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
