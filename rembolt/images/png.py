"""A fast PNG writer: row filters in NumPy, deflate by ISA-L, both on several threads.

The picture is cut into segments of whole rows. Each is deflated on its own, ends on a byte, and becomes an
IDAT chunk; their checksums are combined, so the bytes do not depend on the number of threads. A segment is
filtered in bands that fit into the cache, each with the filter that does best on a sample of it.
"""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING

import numpy as np
from isal import isal_zlib

from rembolt.cores import own_cores
from rembolt.errors import UsageError
from rembolt.images.bands import ENOUGH_THREADS
from rembolt.images.png_filter import AVERAGE, FILTERS, PAETH, SUB, UP, Neighbours

if TYPE_CHECKING:
    import numpy.typing as npt

    Pixels = npt.NDArray[np.uint8]
    Segment = tuple[list[bytes], int, int]

DEFAULT_LEVEL = 2
_OWN_LEVELS = 2

_SEGMENT_BYTES = 1 << 22
_BAND_BYTES = 1 << 19
_SAMPLE_PART = 32
_COLOUR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}
_ADLER = 65521
# Up is the quickest to calculate; the others have to be worth their time.
_COST = {SUB: 1.0, UP: 1.0, AVERAGE: 1.02, PAETH: 1.05}


def encode_png(
    pixels: Pixels,
    *,
    icc_profile: bytes | None = None,
    level: int = DEFAULT_LEVEL,
    threads: int | None = None,
) -> bytes:
    """Write a PNG.

    Args:
        pixels: `uint8` `(H, W)` or `(H, W, C)` with 1 (grey), 2 (grey, alpha), 3 (RGB) or 4 (RGBA) channels;
            any strides.
        icc_profile: profile to embed.
        level: 1 is the fastest, 2 also tries row filters on samples, 3 to 9 are Pillow's: smaller and many
            times slower.
        threads: how many to use; None takes one a core that this thread may use, up to four.

    Returns:
        The bytes of the file.

    Raises:
        UsageError: for another shape or dtype, no pixels, or a level out of range.
    """
    if pixels.ndim == 2:
        pixels = pixels[:, :, None]
    is_image = pixels.ndim == 3 and pixels.shape[2] in _COLOUR_TYPES and pixels.size > 0
    if pixels.dtype != np.uint8 or not is_image:
        raise UsageError(
            f"a PNG is made of uint8 pixels (H, W) or (H, W, 1 to 4), not {pixels.dtype} {pixels.shape}."
        )
    if not 1 <= level <= 9:
        raise UsageError(f"the PNG level must be 1 to 9, not {level}.")
    if level > _OWN_LEVELS:
        return _with_pillow(pixels, icc_profile, level)
    height, width, channels = pixels.shape
    header = struct.pack(">IIBBBBB", width, height, 8, _COLOUR_TYPES[channels], 0, 0, 0)
    parts = [b"\x89PNG\r\n\x1a\n", *_chunk(b"IHDR", header)]
    if icc_profile:
        parts += _chunk(b"iCCP", b"ICC profile\0\0" + zlib.compress(icc_profile))
    parts += _chunk(b"IDAT", b"\x78\x01")
    adler = 1
    for deflated, checksum, length in _segments(pixels, level, threads or min(own_cores(), ENOUGH_THREADS)):
        parts += _chunk(b"IDAT", *deflated)
        adler = _combined(adler, checksum, length)
    parts += _chunk(b"IDAT", b"\x03\x00" + struct.pack(">I", adler))
    parts += _chunk(b"IEND", b"")
    return b"".join(parts)


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


def _segments(pixels: Pixels, level: int, threads: int) -> list[Segment]:
    """Filter and deflate everything; returns each segment's deflated bytes, Adler-32 and plain length."""
    height, width, channels = pixels.shape
    count = max(1, _SEGMENT_BYTES // (width * channels))
    tops = range(0, height, count)
    threads = max(1, min(threads, len(tops)))

    def work(first: int) -> list[Segment]:
        writer = _SegmentWriter(pixels, level)
        return [writer.write(top, min(top + count, height)) for top in tops[first::threads]]

    if threads == 1:
        return work(0)
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(threads) as pool:
        shares = list(pool.map(work, range(threads)))
    return [shares[index % threads][index // threads] for index in range(len(tops))]


class _SegmentWriter:
    """Filters and deflates segments one after the other in the same memory."""

    def __init__(self, pixels: Pixels, level: int) -> None:
        _, width, channels = pixels.shape
        row = width * channels
        band = max(1, _BAND_BYTES // row)
        self._pixels = pixels
        self._level = level
        self._neighbours = Neighbours(band, row, channels)
        self._filtered = np.empty((band, row + 1), np.uint8)
        self._kind: int | None = None
        self._sample = np.empty((max(1, band // _SAMPLE_PART), row), np.uint8)

    def write(self, top: int, bottom: int) -> Segment:
        compressor = isal_zlib.compressobj(self._level, wbits=-15)
        adler = 1
        parts = []
        self._kind = None
        for start in range(top, bottom, len(self._filtered)):
            filtered = self._filter(start, min(start + len(self._filtered), bottom))
            adler = isal_zlib.adler32(filtered, adler)
            parts.append(compressor.compress(filtered))
            # A flush gives every band its own Huffman codes: empty ones and full ones need different ones.
            parts.append(compressor.flush(isal_zlib.Z_SYNC_FLUSH))
        parts.append(compressor.flush(isal_zlib.Z_FULL_FLUSH))
        return parts, adler, (bottom - top) * self._filtered.shape[1]

    def _filter(self, top: int, bottom: int) -> Pixels:
        pixels = self._pixels
        channels = pixels.shape[2]
        out = self._filtered[: bottom - top]
        left, right = _columns(pixels[max(top - 1, 0) : bottom])
        out[:, : 1 + left * channels] = 0
        out[:, 1 + right * channels :] = 0
        if left < right:
            kind = self._next_filter(top, bottom, left, right)
            self._load(top, bottom, left, right)
            FILTERS[kind](self._neighbours, out[:, 1 + left * channels : 1 + right * channels])
            out[:, 0] = kind
        return out

    def _load(self, top: int, bottom: int, left: int, right: int) -> None:
        above = self._pixels[top - 1, left:right] if top else None
        self._neighbours.load(self._pixels[top:bottom, left:right], above)

    def _next_filter(self, top: int, bottom: int, left: int, right: int) -> int:
        """Choose for this band and, as neighbours are alike, the next."""
        kind, self._kind = self._kind, None
        if self._level == 1:
            return UP
        if kind is None:
            kind = self._kind = self._best_filter(top, bottom, left, right)
        return kind

    def _best_filter(self, top: int, bottom: int, left: int, right: int) -> int:
        """Try every filter on a few rows, taken where the band is fullest."""
        pixels = self._pixels
        count = min(len(self._sample), bottom - top)
        places = [top + (bottom - top - count) * part // 4 for part in range(5)]
        start = max(places, key=lambda place: np.count_nonzero(pixels[place, left:right]))
        self._load(start, start + count, left, right)
        out = self._sample[:count, : (right - left) * pixels.shape[2]]
        sizes = {}
        for kind, apply in FILTERS.items():
            apply(self._neighbours, out)
            sizes[kind] = len(isal_zlib.compress(np.ascontiguousarray(out), 1)) * _COST[kind]
        return min(sizes, key=sizes.__getitem__)


def _columns(rows: Pixels) -> tuple[int, int]:
    """The first column with anything but zeros, and two after the last, where filters still see it."""
    count, width, channels = rows.shape
    flat = rows.reshape(count, width * channels)
    if flat.shape[1] % 8 == 0 and flat.flags.c_contiguous:
        # Eight bytes at a time; the columns come out a little wider.
        used = np.flatnonzero(np.bitwise_or.reduce(flat.view(np.uint64), axis=0)) * 8
    else:
        used = np.flatnonzero(np.bitwise_or.reduce(flat, axis=0))
    if not used.size:
        return 0, 0
    return int(used[0]) // channels, min((int(used[-1]) + 7) // channels + 2, width)
