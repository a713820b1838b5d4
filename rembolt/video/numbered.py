"""Files with a frame's number in their name."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from rembolt.errors import UsageError
from rembolt.images.encode import encode, format_of
from rembolt.images.files import identity_of, make_folder, write_atomically

if TYPE_CHECKING:
    from rembolt.video.frame import Frame

_NUMBER = re.compile(r"%[-+ #0]*\d{0,3}(?:\.\d{1,3})?[diusxX]")
_CONVERSION = re.compile(rf"%%|({_NUMBER.pattern})|%")


def has_number(name: str) -> bool:
    """There is a place for a frame's number in a name."""
    return _NUMBER.search(name) is not None


class NumberedFiles:
    """The names that a pattern such as `out/%04d.png` gives to frames, counted from 0.

    Args:
        pattern: a path with one printf conversion of the number in the file's name; `%%` is a percent sign.

    Raises:
        UsageError: there is no such conversion, more than one, or it stands in the folder's name.
    """

    def __init__(self, pattern: str) -> None:
        found = [match for match in _CONVERSION.finditer(pattern) if match[0] != "%%"]
        if len(found) != 1 or found[0][1] is None:
            raise UsageError(
                f"'{pattern}' must have one place for the frame's number, such as 'out/%04d.png' "
                "(a percent sign itself is %%)."
            )
        path = Path(pattern).expanduser()
        if _NUMBER.search(str(path.parent).replace("%%", "")):
            raise UsageError(
                f"the frame's number in '{pattern}' must stand in the file's name, not a folder's."
            )
        self._pattern = str(path)

    def path(self, number: int) -> Path:
        """The file of a frame."""
        return Path(self._pattern % number)

    def make_folder(self) -> None:
        """Make the folder the files go into, as rembg does.

        Raises:
            OutputError: it cannot be made.
        """
        make_folder(self.path(0).parent)


class NumberedPictures:
    """The frames of a video as numbered files; the extension says the format.

    Args:
        pattern: see `NumberedFiles`.
        source: the video the frames are of, which no picture replaces.

    Raises:
        UsageError: see `NumberedFiles`; or no format has this extension.
    """

    sound = None
    """Pictures have none."""

    def __init__(self, pattern: Path, source: Path) -> None:
        self.files = NumberedFiles(str(pattern))
        self._format = format_of(self.files.path(0))
        self._source = identity_of(source)
        self._next = 0

    def write(self, frame: Frame) -> None:
        """Write the next frame.

        Raises:
            UsageError: its name is that of the video.
            OutputError: it cannot be written.
        """
        path = self.files.path(self._next)
        if self._source is not None and identity_of(path) == self._source:
            raise UsageError(
                f"'{path}', the name of frame {self._next}, is the video itself, which is never overwritten; "
                "give another OUTPUT."
            )
        write_atomically(path, encode(frame.pixels, self._format))
        self._next += 1
