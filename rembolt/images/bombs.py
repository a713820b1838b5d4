"""Small files that would take memory or time out of all proportion, found before anything decodes them.

Pillow and its codecs have limits of their own for much. These they do not see:

- a JPEG of very many scans, each a pass over all pixels, or of very many segments;
- a PNG of very many tiny chunks;
- a TIFF directory, in a TIFF or as Exif data, whose entries are all said to lie in the same bytes: each is
  read into memory of its own; and one of millions of strips;
- a GIF with a comment of very many blocks, which are joined one by one.
"""

from __future__ import annotations

import re
import struct
from io import BytesIO
from typing import IO, TYPE_CHECKING

from PIL import Image

from rembolt.images import formats

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rembolt.images.formats import SourceFormat

MOST_SCANS = 100
"""Of a JPEG; encoders make about ten."""

MOST_SEGMENTS = 5000
"""Of a JPEG before its pixels; 25 MB of metadata have 400."""

MOST_CHUNKS = 5000
BYTES_PER_CHUNK = 512
"""Of a PNG: it may have so many, and one more for each so many bytes."""

MOST_STRIPS = 200_000
"""Of a TIFF page; one for each row of each channel is the most that writers make."""

MOST_COMMENT_BLOCKS = 4096
"""Of a GIF's comment: a megabyte of text."""

MOST_DIRECTORIES = 1000
"""Of places in a file that look like the start of Exif data."""

_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8}
"""Bytes of a value of each type of a TIFF directory that Pillow reads."""

_STRIPS = {273, 279, 324, 325}
_MOST_ENTRIES = 65_535
_EXIF = b"Exif\0\0"
_MARKER = re.compile(rb"\xff([^\x00\xff\xd0-\xd7])")
_END, _SCAN = 0xD9, 0xDA


def check_file(file: IO[bytes], source_format: SourceFormat) -> None:
    """Refuse a file that is a bomb.

    Args:
        file: at its start, where it is again afterwards.
        source_format: of the file.

    Raises:
        Image.DecompressionBombError: it is one.
    """
    if source_format is formats.TIFF:
        check_directory(file)
    elif source_format is formats.JPEG:
        _check_jpeg(file.read())
    elif source_format is formats.PNG:
        _check_png(file)
    elif source_format is formats.GIF:
        _check_gif(file.read())
    elif source_format in (formats.AVIF, formats.HEIF):
        _check_embedded(file.read())
    file.seek(0)


def check_exif(image: Image.Image) -> None:
    """Refuse an image whose Exif data is a bomb; to be called before they are looked at.

    Raises:
        Image.DecompressionBombError: it is one.
    """
    exif = image.info.get("exif")
    if exif is None and isinstance(text := image.info.get("Raw profile type exif"), str):
        try:
            exif = bytes.fromhex("".join(text.split("\n")[3:]))
        except ValueError:
            return
    if isinstance(exif, bytes):
        _check_exif_data(exif)


def check_directory(file: IO[bytes], start: int = 0) -> None:
    """Refuse a TIFF whose first directory is a bomb.

    Args:
        file: seekable; left anywhere.
        start: where in it the TIFF begins.

    Raises:
        Image.DecompressionBombError: it is one.
    """
    whole = file.seek(0, 2) - start
    file.seek(start)
    head = file.read(16)
    order = ">" if head.startswith(b"MM") else "<"
    large = head[2:4] in (b"+\0", b"\0+")
    try:
        (place,) = struct.unpack_from(f"{order}{'Q' if large else 'L'}", head, 8 if large else 4)
        if place > whole:
            return
        file.seek(start + place)
        (count,) = struct.unpack(f"{order}{'Q' if large else 'H'}", file.read(8 if large else 2))
    except struct.error:  # cut short, which its reader will see
        return
    entry = struct.Struct(f"{order}HH{'QQ' if large else 'LL'}")
    entries = file.read(min(count, _MOST_ENTRIES) * entry.size)
    inline, told = (8 if large else 4), 0
    for tag, kind, number, place in entry.iter_unpack(entries[: len(entries) // entry.size * entry.size]):
        size = number * _SIZES.get(kind, 0)
        if size <= inline:
            continue
        if place + size > whole:  # Pillow reads no further than this
            break
        told += size
        if tag in _STRIPS and number > MOST_STRIPS:
            raise Image.DecompressionBombError(f"a page of {number} strips")
    if told > whole or count > _MOST_ENTRIES:
        raise Image.DecompressionBombError("a directory whose entries lie in each other")


def gif_frames(data: bytes, most: int) -> int:
    """The number of frames of a GIF, counted up to `most`."""
    frames = 0
    for label, _ in _gif_parts(data):
        frames += label is None
        if frames >= most:
            break
    return frames


def tiff_frames(data: bytes, most: int) -> int:
    """The number of pages of a TIFF, counted up to `most`."""
    order = ">" if data.startswith(b"MM") else "<"
    large = data[2:4] in (b"+\0", b"\0+")
    pointer = struct.Struct(f"{order}{'Q' if large else 'L'}")
    number = struct.Struct(f"{order}{'Q' if large else 'H'}")
    frames, seen = 0, set[int]()
    try:
        (place,) = pointer.unpack_from(data, 8 if large else 4)
        while place and place not in seen and frames < most:
            seen.add(place)
            (count,) = number.unpack_from(data, place)
            frames += 1
            (place,) = pointer.unpack_from(data, place + number.size + count * (20 if large else 12))
    except struct.error:  # the chain leads out of the file
        pass
    return frames


def _check_png(file: IO[bytes]) -> None:
    size, chunks, at = file.seek(0, 2), 0, 8
    most = MOST_CHUNKS + size // BYTES_PER_CHUNK
    while at < size:
        chunks += 1
        if chunks > most:
            raise Image.DecompressionBombError(f"more than {most} chunks")
        file.seek(at)
        at += 12 + int.from_bytes(file.read(4), "big")


def _check_jpeg(data: bytes) -> None:
    """As Pillow does, go from segment to segment up to the first scan; then count the scans."""
    from PIL.JpegImagePlugin import MARKER

    at, steps, exif = 2, 0, []
    while data[at : at + 1] == b"\xff" and at + 1 < len(data):
        steps += 1
        if steps > MOST_SEGMENTS:
            raise Image.DecompressionBombError(f"more than {MOST_SEGMENTS} segments before the pixels")
        marker = data[at + 1]
        if marker == 0xFF:
            at += 1
            continue
        at += 2
        if marker == _SCAN:
            break
        if MARKER.get(0xFF00 | marker, ("", "", None))[2] is not None:  # it has a length
            length = max(2, int.from_bytes(data[at : at + 2], "big"))
            if marker == 0xE1 and data.startswith(_EXIF, at + 2):
                exif.append(data[at + 8 : at + length])
            at += length
    if exif:
        _check_exif_data(b"".join(exif))
    if data.count(b"\xff\xda", at) >= MOST_SCANS and _scans(data, at) > MOST_SCANS:
        raise Image.DecompressionBombError(f"more than {MOST_SCANS} scans")


def _scans(data: bytes, at: int) -> int:
    """The scans of a JPEG, counted from behind the first one's marker to the end of the image."""
    scans = 1
    at += int.from_bytes(data[at : at + 2], "big")
    while (found := _MARKER.search(data, at)) and found[1][0] != _END and scans <= MOST_SCANS:
        scans += found[1][0] == _SCAN
        at = found.end() + int.from_bytes(data[found.end() : found.end() + 2], "big")
    return scans


def _check_exif_data(exif: bytes) -> None:
    while exif.startswith(_EXIF):
        exif = exif[len(_EXIF) :]
    check_directory(BytesIO(exif))


def _check_embedded(data: bytes) -> None:
    """Check whatever begins like Exif data: where it is exactly takes a parser of boxes to tell."""
    file, found = BytesIO(data), 0
    for magic in (b"II*\0", b"MM\0*"):
        at = data.find(magic)
        while at >= 0:
            found += 1
            if found > MOST_DIRECTORIES:
                raise Image.DecompressionBombError(f"more than {MOST_DIRECTORIES} directories")
            check_directory(file, at)
            at = data.find(magic, at + 1)


def _check_gif(data: bytes) -> None:
    for label, blocks in _gif_parts(data):
        if label is None:
            return
        if label == 0xFE and blocks > MOST_COMMENT_BLOCKS:
            raise Image.DecompressionBombError(f"a comment of more than {MOST_COMMENT_BLOCKS} blocks")


def _gif_parts(data: bytes) -> Iterator[tuple[int | None, int]]:
    """Extensions and frames of a GIF: its label, None for a frame, and how many blocks it has."""
    try:
        at = 13 + _palette(data[10])
        while data[at] in b"!,":
            if data[at] == 0x21:
                label: int | None = data[at + 1]
                at += 2
            else:
                label = None
                at += 11 + _palette(data[at + 9])
            blocks = 0
            while data[at]:
                at += 1 + data[at]
                blocks += 1
            at += 1
            yield label, blocks
    except IndexError:  # cut short, which its reader will see
        return


def _palette(flags: int) -> int:
    """The bytes of a palette."""
    return 3 << (flags % 8 + 1) if flags & 0x80 else 0
