"""A fast PNG writer: row filters in NumPy, deflate by ISA-L, both on several threads.

The picture is cut into segments of whole rows. Each is deflated on its own, ends on a byte, and becomes an
IDAT chunk; their checksums are combined, so the bytes do not depend on the number of threads. A segment is
read and filtered in bands that fit into the cache, each with the filter that does best on a sample of it.
"""

from __future__ import annotations

import struct
import zlib
from queue import SimpleQueue
from typing import TYPE_CHECKING

import numpy as np
from isal import isal_zlib

from rembolt.cores import own_cores
from rembolt.errors import UsageError
from rembolt.images.bands import ENOUGH_THREADS
from rembolt.images.png_filter import AVERAGE, FILTERS, PAETH, SUB, UP, Neighbours
from rembolt.images.rows import ArrayRows, Columns, Rows, whole

if TYPE_CHECKING:
    import numpy.typing as npt

    Pixels = npt.NDArray[np.uint8]
    Segment = tuple[list[bytes], int, int]

DEFAULT_LEVEL = 2
_OWN_LEVELS = 2

_SEGMENT_BYTES = 1 << 21
_BAND_BYTES = 1 << 19
_SAMPLE_PART = 32
_BANDS_A_CHOICE = 4
_COLOUR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}
_ADLER = 65521
# Up is the quickest to calculate; the others have to be worth their time.
_COST = {SUB: 1.0, UP: 1.0, AVERAGE: 1.02, PAETH: 1.05}


def encode_png(
    pixels: Pixels | Rows,
    *,
    icc_profile: bytes | None = None,
    level: int = DEFAULT_LEVEL,
    threads: int | None = None,
) -> bytes:
    """Write a PNG.

    Args:
        pixels: `uint8` `(H, W)` or `(H, W, C)` with 1 (grey), 2 (grey, alpha), 3 (RGB) or 4 (RGBA) channels;
            any strides; or such rows, which are read as they are written.
        icc_profile: profile to embed.
        level: 1 is the fastest, 2 also tries row filters on samples, 3 to 9 are Pillow's: smaller and many
            times slower.
        threads: how many to use; None takes one a core that this thread may use, up to four.

    Returns:
        The bytes of the file.

    Raises:
        UsageError: for another shape or dtype, no pixels, or a level out of range.
    """
    rows = _rows(pixels) if isinstance(pixels, np.ndarray) else pixels
    if not 1 <= level <= 9:
        raise UsageError(f"the PNG level must be 1 to 9, not {level}.")
    if level > _OWN_LEVELS:
        return _with_pillow(whole(rows), icc_profile, level)
    height, width, channels = rows.shape
    header = struct.pack(">IIBBBBB", width, height, 8, _COLOUR_TYPES[channels], 0, 0, 0)
    parts = [b"\x89PNG\r\n\x1a\n", *_chunk(b"IHDR", header)]
    if icc_profile:
        parts += _chunk(b"iCCP", b"ICC profile\0\0" + zlib.compress(icc_profile))
    parts += _chunk(b"IDAT", b"\x78\x01")
    adler = 1
    for deflated, checksum, length in _segments(rows, level, threads or min(own_cores(), ENOUGH_THREADS)):
        parts += _chunk(b"IDAT", *deflated)
        adler = _combined(adler, checksum, length)
    parts += _chunk(b"IDAT", b"\x03\x00" + struct.pack(">I", adler))
    parts += _chunk(b"IEND", b"")
    return b"".join(parts)


def _rows(pixels: Pixels) -> Rows:
    if pixels.ndim == 2:
        pixels = pixels[:, :, None]
    is_image = pixels.ndim == 3 and pixels.shape[2] in _COLOUR_TYPES and pixels.size > 0
    if pixels.dtype != np.uint8 or not is_image:
        raise UsageError(
            f"a PNG is made of uint8 pixels (H, W) or (H, W, 1 to 4), not {pixels.dtype} {pixels.shape}."
        )
    return ArrayRows(pixels)


def _with_pillow(pixels: Pixels, icc_profile: bytes | None, level: int) -> bytes:
    from io import BytesIO

    from PIL import Image

    grey = pixels.shape[2] == 1
    buffer = BytesIO()
    image = Image.fromarray(np.ascontiguousarray(pixels[:, :, 0] if grey else pixels))
    image.save(buffer, "PNG", compress_level=level, icc_profile=icc_profile)
    return buffer.getvalue()


def _chunk(kind: bytes, *parts: bytes) -> tuple[bytes, ...]:
    checksum = isal_zlib.crc32(kind)
    for part in parts:
        checksum = isal_zlib.crc32(part, checksum)
    return struct.pack(">I", sum(map(len, parts))), kind, *parts, struct.pack(">I", checksum)


def _combined(first: int, second: int, second_length: int) -> int:
    """The Adler-32 of two byte strings one after the other, from the Adler-32 of each."""
    low = ((first & 0xFFFF) + (second & 0xFFFF) - 1) % _ADLER
    high = ((first >> 16) + (second >> 16) + second_length * ((first & 0xFFFF) - 1)) % _ADLER
    return high << 16 | low


def _segments(rows: Rows, level: int, threads: int) -> list[Segment]:
    """Filter and deflate everything; returns each segment's deflated bytes, Adler-32 and plain length."""
    height, width, channels = rows.shape
    count = max(1, _SEGMENT_BYTES // (width * channels))
    tops = range(0, height, count)
    threads = max(1, min(threads, len(tops)))
    writers = SimpleQueue[_SegmentWriter]()
    for _ in range(threads):
        writers.put(_SegmentWriter(rows, level))

    def write(top: int) -> Segment:
        writer = writers.get()
        try:
            return writer.write(top, min(top + count, height))
        finally:
            writers.put(writer)

    if threads == 1:
        return [write(top) for top in tops]
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(write, tops))


class _SegmentWriter:
    """Filters and deflates segments one after the other in the same memory."""

    def __init__(self, rows: Rows, level: int) -> None:
        height, width, channels = rows.shape
        row = width * channels
        band = min(height, max(1, _BAND_BYTES // row))
        self._rows = rows
        self._level = level
        self._room = np.empty((band, width, channels), np.uint8)
        self._above = np.empty((1, width, channels), np.uint8)
        self._neighbours = Neighbours(band, row, channels)
        self._filtered = np.empty((band, row + 1), np.uint8)
        self._sample = np.empty((max(1, band // _SAMPLE_PART), row), np.uint8)
        self._kind = UP
        self._left = 0

    def write(self, top: int, bottom: int) -> Segment:
        compressor = isal_zlib.compressobj(self._level, wbits=-15)
        adler = 1
        parts = []
        self._left = 0
        edges = self._look_above(top)
        for start in range(top, bottom, len(self._filtered)):
            stop = min(start + len(self._filtered), bottom)
            room = self._room[: stop - start]
            room.fill(0)
            pixels, columns = self._rows.read(start, stop, room)
            filtered = self._filter(pixels, _around(columns, edges, pixels.shape[1]))
            self._above[0] = pixels[-1]
            edges = columns
            adler = isal_zlib.adler32(filtered, adler)
            parts.append(compressor.compress(filtered))
            # A flush gives every band its own Huffman codes: empty ones and full ones need different ones.
            parts.append(compressor.flush(isal_zlib.Z_SYNC_FLUSH))
        parts.append(compressor.flush(isal_zlib.Z_FULL_FLUSH))
        return parts, adler, (bottom - top) * self._filtered.shape[1]

    def _look_above(self, top: int) -> Columns:
        """Read the row above a segment, which the first filter looks at."""
        self._above.fill(0)
        if not top:
            return 0, 0
        pixels, columns = self._rows.read(top - 1, top, self._above)
        self._above[...] = pixels
        return columns

    def _filter(self, pixels: Pixels, columns: Columns) -> Pixels:
        left, right = columns
        channels = pixels.shape[2]
        out = self._filtered[: len(pixels)]
        out[:, : 1 + left * channels] = 0
        out[:, 1 + right * channels :] = 0
        if left < right:
            pixels, above = pixels[:, left:right], self._above[0, left:right]
            kind = self._next_filter(pixels, above)
            self._neighbours.load(pixels, above)
            FILTERS[kind](self._neighbours, out[:, 1 + left * channels : 1 + right * channels])
            out[:, 0] = kind
        return out

    def _next_filter(self, pixels: Pixels, above: Pixels) -> int:
        """Choose for this band and, as neighbours are alike, those that follow."""
        if self._level == 1:
            return UP
        if not self._left:
            self._kind, self._left = self._best_filter(pixels, above), _BANDS_A_CHOICE
        self._left -= 1
        return self._kind

    def _best_filter(self, pixels: Pixels, above: Pixels) -> int:
        """Try every filter on a few rows, taken where the band is fullest."""
        count = min(len(self._sample), len(pixels))
        places = [(len(pixels) - count) * part // 4 for part in range(5)]
        start = max(places, key=lambda place: np.count_nonzero(pixels[place]))
        self._neighbours.load(pixels[start : start + count], pixels[start - 1] if start else above)
        out = self._sample[:count, : pixels.shape[1] * pixels.shape[2]]
        sizes = {}
        for kind, apply in FILTERS.items():
            apply(self._neighbours, out)
            sizes[kind] = len(isal_zlib.compress(np.ascontiguousarray(out), 1)) * _COST[kind]
        return min(sizes, key=sizes.__getitem__)


def _around(columns: Columns, above: Columns, width: int) -> Columns:
    """The columns that filters may see anything in: those of the band, of the row above, and one after."""
    used = [pair for pair in (columns, above) if pair[0] < pair[1]]
    if not used:
        return 0, 0
    return min(left for left, _ in used), min(max(right for _, right in used) + 1, width)
