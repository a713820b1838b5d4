"""Raw RGB24 frames out of a pipe."""

from __future__ import annotations

import select
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from rembolt.errors import UnreadableImageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from io import RawIOBase

Bytes = npt.NDArray[np.uint8]


def read_frames(file: RawIOBase, width: int, height: int) -> Iterator[Bytes]:
    """Read frames until the pipe ends, however it cuts the bytes into pieces.

    Args:
        file: gives `width * height * 3` bytes a frame, rows from the top, R, G, B.
        width: of a frame, in pixels.
        height: of a frame, in pixels.

    Returns:
        The frames, `uint8` RGB `(H, W, 3)`, each an array of its own.

    Raises:
        UnreadableImageError: reading fails, or the pipe ends inside a frame; the frames before it were given.
    """
    whole = 0
    while True:
        frame = np.empty((height, width, 3), np.uint8)
        filled = _fill(file, frame.data.cast("B"))
        if not filled:
            return
        if filled < frame.nbytes:
            raise UnreadableImageError(
                f"the last frame is cut off ({filled} of {frame.nbytes} bytes came; whole frames before it: "
                f"{whole}, all done); check that the frames are {width} x {height} and RGB24."
            )
        whole += 1
        yield frame


def _fill(file: RawIOBase, room: memoryview) -> int:
    """Read until there is no more room or nothing more to read; how many bytes came."""
    filled = 0
    while filled < len(room):
        try:
            count = file.readinto(room[filled:])
        except OSError as error:
            raise UnreadableImageError(
                f"standard input cannot be read ({error.strerror or error}); pipe raw frames in."
            ) from error
        if count is None:  # whoever shares the pipe made it non-blocking
            select.select([file], [], [])
            continue
        if not count:
            break
        filled += count
    return filled
