"""A line of JSON for every photo, and what such lines say about an earlier run."""

from __future__ import annotations

import json
import logging
import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from rembolt.batch.record import Record, Stamp
from rembolt.errors import OutputError, UsageError
from rembolt.images.files import check_place
from rembolt.settings import GROUPS, SessionOptions, pick

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path
    from types import TracebackType

log = logging.getLogger(__name__)

_VERSION = 1
_BEGINNING = b'{"rembolt": %d, ' % _VERSION
"""Of every line, so that no other file is taken for a report."""

_BLOCK = 1 << 16
_NOT_OF_THE_PICTURE = frozenset({"device", "threads", "offline", "max_pixels"})


class Earlier(NamedTuple):
    """What became of a photo in an earlier run.

    Attributes:
        result: the absolute path of its result; None for a place where no photo could be looked for.
        stamp: of the photo that was done; None when it failed.
    """

    result: str | None
    stamp: Stamp | None


class Report:
    """A JSONL file that grows by one line as soon as a photo is finished.

    A line that was cut off, as by `kill -9`, is removed when the file is opened.

    Args:
        path: the file; made when it is missing, gone on with when it is there.
        options: those of the run; noted in every line.

    Raises:
        UsageError: the file is there and is something else.
        OutputError: it cannot be written.
    """

    def __init__(self, path: Path, options: Mapping[str, Any]) -> None:
        self._path = path
        self._options = _picture_options(options)
        check_place(path)
        try:
            # Unbuffered and at the end: what was written is there whatever becomes of this process.
            self._file = path.open("ab+", buffering=0)
        except OSError as error:
            raise self._failure(error) from error
        try:
            self._cut_off_the_torn_line()
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Report:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def write(self, record: Record) -> None:
        """Add a line.

        Raises:
            OutputError: it does not fit any more.
        """
        line = {
            "rembolt": _VERSION,  # first, see _BEGINNING
            "input": os.path.abspath(record.input),  # noqa: PTH100 - as text, links kept
            "output": os.path.abspath(record.output) if record.output else None,  # noqa: PTH100
            "status": record.status,
            "error": record.error,
            "seconds": round(record.seconds, 6),
            "size": record.size,
            "bytes": record.bytes,
            "input_bytes": record.stamp.size if record.stamp else None,
            "input_changed": record.stamp.changed if record.stamp else None,
            "options": self._options,
            "finished": datetime.now(UTC).isoformat(timespec="milliseconds"),
        }
        data = json.dumps(line).encode() + b"\n"
        try:
            written = self._file.write(data)
            if written != len(data):  # the disk took a part; the rest tells why
                self._file.write(data[written:])
        except OSError as error:
            raise self._failure(error) from error

    def earlier(self) -> dict[str, Earlier]:
        """What became of the photos of earlier runs with the same options, by absolute path."""
        done: dict[str, Earlier] = {}
        strange = 0
        for line in self._lines():
            try:
                values = json.loads(line)
                path, status, result = values["input"], values["status"], values["output"]
                if values["rembolt"] != _VERSION:
                    strange += 1
                elif values["options"] != self._options:
                    done.pop(path, None)
                elif status == "done":
                    stamp = Stamp(int(values["input_bytes"]), int(values["input_changed"]))
                    done[path] = Earlier(result, stamp)
                elif status == "failed":
                    done[path] = Earlier(result, None)
            except (ValueError, TypeError, KeyError, RecursionError):
                strange += 1
        if strange:
            log.warning("%d lines of '%s' make no sense and are ignored.", strange, self._path)
        return done

    def _lines(self) -> Iterator[bytes]:
        try:
            with self._path.open("rb") as file:
                yield from file
        except OSError as error:
            raise self._failure(error) from error

    def _cut_off_the_torn_line(self) -> None:
        try:
            self._file.seek(0)
            ours = not (head := self._file.read(len(_BEGINNING))) or head == _BEGINNING
            end = self._file.seek(0, os.SEEK_END)
            whole = end
            while whole > 0:
                start = max(0, whole - _BLOCK)
                self._file.seek(start)
                block = self._file.read(whole - start) or b""
                newline = block.rfind(b"\n")
                whole = start + newline + 1
                if newline >= 0 or start == 0:
                    break
            if 0 < whole < end:
                self._file.seek(whole)
                tail = self._file.read(len(_BEGINNING)) or b""
                ours = ours and _BEGINNING.startswith(tail)
            if not ours:
                raise UsageError(f"'{self._path}' is no report of rembolt batch; give --report another file.")
            if whole < end:
                self._file.truncate(whole)
                log.warning("the last line of '%s' was cut off; it is removed.", self._path)
        except OSError as error:
            raise self._failure(error) from error

    def _failure(self, error: OSError) -> OutputError:
        return OutputError(
            f"the report '{self._path}' cannot be written ({error.strerror or error}); choose another place."
        )


def _picture_options(options: Mapping[str, Any]) -> Any:
    """Those that change results, as JSON gives them back: the model, and what is not as by default.

    So two runs have the same when all their options have the same values, given or not, and a report stays
    good when a later version adds an option.
    """
    kept = {"model": pick(SessionOptions, options).model}
    for group in GROUPS:
        values, defaults = vars(pick(group, options)), vars(group())
        kept |= {name: value for name, value in values.items() if value != defaults[name]}
    kept = {name: value for name, value in sorted(kept.items()) if name not in _NOT_OF_THE_PICTURE}
    return json.loads(json.dumps(kept))
