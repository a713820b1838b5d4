"""Pictures that exist a band of rows at a time: made while they are written, never held as a whole."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt
from PIL import Image

from rembolt.images.bands import BAND, for_bands

Bytes = npt.NDArray[np.uint8]

Columns = tuple[int, int]
"""The first of some columns and one after the last."""


class Rows(Protocol):
    """A picture that gives some of its rows when asked, from several threads."""

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width and channels."""
        ...

    def read(self, top: int, bottom: int, room: Bytes) -> tuple[Bytes, Columns]:
        """Give some rows.

        Args:
            top: the first.
            bottom: one after the last.
            room: `uint8` `(bottom - top, W, C)`, all 0, that may be used for the answer.

        Returns:
            `uint8` `(bottom - top, W, C)`, and the first column with anything but zeros and one after the
            last, or columns a little further out.
        """
        ...


class ArrayRows:
    """Rows of an array.

    Args:
        pixels: `uint8` `(H, W, C)`; any strides.
    """

    def __init__(self, pixels: Bytes) -> None:
        self._pixels = pixels

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width and channels."""
        height, width, channels = self._pixels.shape
        return height, width, channels

    def read(self, top: int, bottom: int, room: Bytes) -> tuple[Bytes, Columns]:  # noqa: ARG002 - it has them
        """Give a view of some rows; see `Rows`."""
        rows = self._pixels[top:bottom]
        return rows, _used_columns(rows)


def whole(rows: Rows) -> Bytes:
    """Read all rows, on several threads.

    Returns:
        `uint8` `(H, W, C)`, writable and contiguous. Where nothing but zeros is, its memory is not touched.
    """
    result = np.zeros(rows.shape, np.uint8)

    def read(top: int, bottom: int) -> None:
        room = result[top:bottom]
        pixels, _ = rows.read(top, bottom, room)
        if not np.may_share_memory(pixels, room):
            room[...] = pixels

    for_bands(read, len(result), BAND)
    return result


def image_of(pixels: Bytes) -> Image.Image:
    """Make a Pillow image of an array that nobody else keeps; like any other one it may be written to."""
    image = Image.fromarray(pixels)
    image.readonly = 0
    return image


def _used_columns(rows: Bytes) -> Columns:
    count, width, channels = rows.shape
    flat = rows.reshape(count, width * channels)
    if flat.shape[1] % 8 == 0 and flat.flags.c_contiguous:
        # Eight bytes at a time; the columns come out a little wider.
        used = np.flatnonzero(np.bitwise_or.reduce(flat.view(np.uint64), axis=0)) * 8
    else:
        used = np.flatnonzero(np.bitwise_or.reduce(flat, axis=0))
    if not used.size:
        return 0, 0
    return int(used[0]) // channels, min((int(used[-1]) + 7) // channels + 1, width)
