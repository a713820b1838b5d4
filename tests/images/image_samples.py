"""Image files made by hand where Pillow cannot write them."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO

import numpy as np
from PIL import Image, ImageCms

ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))


def saved(image: Image.Image, format_name: str, **options) -> bytes:
    buffer = BytesIO()
    image.save(buffer, format_name, **options)
    return buffer.getvalue()


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_chunks(data: bytes) -> list[tuple[bytes, bytes]]:
    """Every chunk of a PNG as (kind, data), checksums verified."""
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    position, chunks = 8, []
    while position < len(data):
        (length,) = struct.unpack_from(">I", data, position)
        kind = data[position + 4 : position + 8]
        body = data[position + 8 : position + 8 + length]
        (checksum,) = struct.unpack_from(">I", data, position + 8 + length)
        assert checksum == zlib.crc32(kind + body)
        chunks.append((kind, body))
        position += 12 + length
    return chunks


def png(
    samples: np.ndarray, *, depth: int, colour_type: int, interlaced: bool = False, extra: bytes = b""
) -> bytes:
    """A PNG of integer samples `(H, W, C)`, each of `depth` bits; `extra` chunks go before the pixels."""
    height, width, _ = samples.shape
    passes = ADAM7 if interlaced else ((0, 0, 1, 1),)
    raw = b"".join(_rows(samples[y::dy, x::dx], depth) for x, y, dx, dy in passes)
    header = struct.pack(">IIBBBBB", width, height, depth, colour_type, 0, 0, int(interlaced))
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + extra
        + chunk(b"IDAT", zlib.compress(raw))
        + chunk(b"IEND", b"")
    )


def _rows(samples: np.ndarray, depth: int) -> bytes:
    if 0 in samples.shape:
        return b""
    rows = []
    for row in samples.reshape(len(samples), -1):
        bits = ((row[:, None].astype(np.uint32) >> np.arange(depth - 1, -1, -1)) & 1).astype(np.uint8)
        rows.append(b"\0" + np.packbits(bits.reshape(-1)).tobytes())
    return b"".join(rows)


def header_bomb(width: int, height: int) -> bytes:
    """A PNG that claims to be huge."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = chunk(b"IDAT", zlib.compress(bytes(1_000_000), 9))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + pixels + chunk(b"IEND", b"")


def srgb_profile() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def _fixed(value: float) -> bytes:
    return struct.pack(">i", round(value * 65536))


def _profile(space: bytes, tags: dict[bytes, bytes]) -> bytes:
    table, body = struct.pack(">I", len(tags)), b""
    start = 128 + 4 + 12 * len(tags)
    for kind, data in tags.items():
        table += kind + struct.pack(">II", start + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    header = struct.pack(">I", start + len(body)) + b"\0" * 4 + b"\x02\x10\0\0" + b"mntr" + space + b"XYZ "
    header += bytes(12) + b"acsp" + bytes(28) + _fixed(0.9642) + _fixed(1) + _fixed(0.8249)
    return header.ljust(128, b"\0") + table + body


def _text(kind: bytes, text: bytes) -> bytes:
    return kind + bytes(4) + struct.pack(">I", len(text) + 1) + text + bytes(1 + 4 + 4 + 2 + 1 + 67)


def _xyz(x: float, y: float, z: float) -> bytes:
    return b"XYZ " + bytes(4) + _fixed(x) + _fixed(y) + _fixed(z)


def _gamma(value: float) -> bytes:
    return b"curv" + bytes(4) + struct.pack(">IH", 1, round(value * 256))


def wide_gamut_profile() -> bytes:
    """The primaries of Adobe RGB (1998), adapted to D50, with gamma 2.2."""
    curve = _gamma(2.19921875)
    return _profile(
        b"RGB ",
        {
            b"desc": _text(b"desc", b"Wide gamut for tests"),
            b"wtpt": _xyz(0.9505, 1.0, 1.0891),
            b"rXYZ": _xyz(0.60974, 0.31111, 0.01947),
            b"gXYZ": _xyz(0.20528, 0.62567, 0.06087),
            b"bXYZ": _xyz(0.14919, 0.06322, 0.74457),
            b"rTRC": curve,
            b"gTRC": curve,
            b"bTRC": curve,
        },
    )


def grey_profile(gamma: float) -> bytes:
    return _profile(
        b"GRAY",
        {
            b"desc": _text(b"desc", b"Grey for tests"),
            b"wtpt": _xyz(0.9642, 1.0, 0.8249),
            b"kTRC": _gamma(gamma),
        },
    )


def cmyk_profile() -> bytes:
    """A CMYK profile in which every ink colour is the same Lab grey: nothing else could give that."""
    inputs, outputs, points = 4, 3, 2
    identity = bytes(range(256))
    clut = bytes([128, 128, 128]) * points**inputs
    matrix = b"".join(_fixed(v) for v in (1, 0, 0, 0, 1, 0, 0, 0, 1))
    lut = b"mft1" + bytes(4) + bytes([inputs, outputs, points, 0]) + matrix + identity * inputs + clut
    lut += identity * outputs
    profile = _profile(
        b"CMYK",
        {
            b"desc": _text(b"desc", b"Grey ink"),
            b"wtpt": _xyz(0.9642, 1.0, 0.8249),
            b"A2B0": lut,
            b"A2B1": lut,
        },
    )
    return profile[:12] + b"prtr" + b"CMYK" + b"Lab " + profile[24:]


def colours(height: int = 24, width: int = 32) -> np.ndarray:
    """A smooth colourful picture, `uint8` `(H, W, 3)`, without any symmetry."""
    y, x = np.mgrid[:height, :width]
    red = 255 * x / max(width - 1, 1)
    green = 255 * y / max(height - 1, 1)
    blue = 255 * (x + 2 * y) / max(width + 2 * height - 3, 1)
    return np.rint(np.stack([red, green, blue], axis=2)).astype(np.uint8)
