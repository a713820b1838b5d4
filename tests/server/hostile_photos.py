"""Photos that mean harm, photos that are none, and odd ones that must still work: name, bytes, status."""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Callable
from functools import cache, partial
from io import BytesIO

import numpy as np
from PIL import Image, ImageCms
from server.scene import file_of, scene

MOST_PIXELS = 2_000_000
MOST_FRAMES = 50
"""Of the service that these are sent to."""

SMALL = (160, 120)
Make = Callable[[], bytes]


def photo(format: str = "JPEG", mode: str = "RGB", **options: object) -> bytes:
    """A picture with a subject."""
    return file_of(scene(*SMALL).convert(mode), format, **options)


@cache
def zeros(count: int) -> bytes:
    """So many zeros, compressed, without ever being there."""
    packer, block = zlib.compressobj(1), bytes(1 << 20)
    parts = [packer.compress(block) for _ in range(count >> 20)]
    return b"".join([*parts, packer.flush()])


def chunk(kind: bytes, data: bytes) -> bytes:
    """A chunk of a PNG."""
    return struct.pack(">L", len(data)) + kind + data + struct.pack(">L", zlib.crc32(kind + data))


def png(width: int, height: int, pixels: bytes, *chunks: bytes, bits: int = 8, colour: int = 0) -> bytes:
    """A PNG with any header; the pixels are compressed already."""
    head = chunk(b"IHDR", struct.pack(">LLBBBBB", width, height, bits, colour, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + b"".join(chunks) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def png_with(*chunks: bytes) -> bytes:
    """A good PNG with further chunks behind its header."""
    good = photo("PNG")
    return good[:33] + b"".join(chunks) + good[33:]


def directory(entries: int, each: int) -> bytes:
    """A TIFF directory whose entries all lie in the same bytes, as Exif data or as a file."""
    good = [(256, 4, 1, 16), (257, 4, 1, 16), (258, 3, 1, 8), (262, 3, 1, 1), (273, 4, 1, 8)]
    good += [(278, 4, 1, 16), (279, 4, 1, 256)]
    tags = good + [(1000 + number, 1, each, 8) for number in range(entries)]
    listed = b"".join(struct.pack("<HHLL", *tag) for tag in sorted(tags))
    return b"II*\0\x08\0\0\0" + struct.pack("<H", len(tags)) + listed + bytes(4) + bytes(each)


def tiff(*tags: tuple[int, int, int, int], following: int = 0, rest: bytes = b"") -> bytes:
    """A TIFF of one directory: tags as number, type, count and value."""
    listed = b"".join(struct.pack("<HHLL", *tag) for tag in sorted(tags))
    return b"II*\0\x08\0\0\0" + struct.pack("<H", len(tags)) + listed + struct.pack("<L", following) + rest


def grey_tiff(width: int, height: int, *, following: int = 0, strips: tuple[int, int] = (1, 8)) -> bytes:
    """A TIFF of grey pixels."""
    tags = [(256, 4, 1, width), (257, 4, 1, height), (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1)]
    tags += [(273, 4, *strips), (277, 3, 1, 1), (278, 4, 1, height), (279, 4, strips[0], width * height)]
    return tiff(*tags, following=following, rest=bytes(min(width * height, 10_000)))


def pages(count: int) -> bytes:
    """A TIFF of very many empty pages."""
    head = grey_tiff(16, 16)
    places = range(len(head), len(head) + 6 * count, 6)
    chain = b"".join(struct.pack("<HL", 0, place + 6) for place in places)
    following = 8 + 2 + 9 * 12
    return head[:following] + struct.pack("<L", len(head)) + head[following + 4 :] + chain


def segment(marker: int, data: bytes) -> bytes:
    """A segment of a JPEG."""
    return bytes((0xFF, marker)) + struct.pack(">H", len(data) + 2) + data


def jpeg_with(*segments: bytes) -> bytes:
    """A good JPEG with further segments at its start; the one that gives its density is left out."""
    good = photo()
    length = struct.unpack(">H", good[4:6])[0]
    return good[:2] + b"".join(segments) + good[4 + length :]


def exif_segments(exif: bytes) -> list[bytes]:
    """Exif data in as many segments as it takes; Pillow joins them."""
    return [segment(0xE1, b"Exif\0\0" + exif[at : at + 65_000]) for at in range(0, len(exif), 65_000)]


def jpeg_claiming(width: int, height: int) -> bytes:
    """A JPEG whose header says another size."""
    good = bytearray(photo())
    at = good.index(b"\xff\xc0") + 5
    good[at : at + 4] = struct.pack(">HH", height, width)
    return bytes(good)


def jpeg_scans(count: int) -> bytes:
    """A progressive JPEG whose last scan comes again and again."""
    good = photo(progressive=True)
    last = good[good.rindex(b"\xff\xda") : -2]
    return good[:-2] + last * count + good[-2:]


def motion_photo() -> bytes:
    """A JPEG with a film behind it, as telephones make them, in which anything may look like a scan."""
    return photo() + b"\0\0\0\x18ftypmp42" + b"\xff\xda\0\x0c" * 100_000


def gif(width: int, height: int, *parts: bytes) -> bytes:
    """A GIF with any screen."""
    palette = bytes(range(6))
    return b"GIF89a" + struct.pack("<HHBBB", width, height, 0x80, 0, 0) + palette + b"".join(parts) + b";"


def gif_frame(width: int, height: int) -> bytes:
    """A frame with one pixel's worth of data."""
    return b"," + struct.pack("<HHHHB", 0, 0, width, height, 0) + b"\x02\x02\x44\x01\0"


def gif_comment(blocks: int) -> bytes:
    """A comment of many short blocks."""
    return b"!\xfe" + b"\xff" + b"x" * 255 + (b"\x01x" * blocks) + b"\0"


def webp_claiming(width: int, height: int) -> bytes:
    """An animated WebP whose canvas has another size than its frame."""
    good = photo("WEBP")[12:]
    canvas = b"\x02\0\0\0" + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    frame = bytes(6) + (159).to_bytes(3, "little") + (119).to_bytes(3, "little") + bytes(4) + good
    body = b"WEBP" + b"VP8X" + struct.pack("<L", 10) + canvas
    body += b"ANIM" + struct.pack("<L", 6) + bytes(6) + b"ANMF" + struct.pack("<L", len(frame)) + frame
    return b"RIFF" + struct.pack("<L", len(body)) + body


def avif_claiming(width: int, height: int) -> bytes:
    """An AVIF whose header says another size."""
    good = bytearray(photo("AVIF"))
    at = good.index(b"ispe") + 8
    good[at : at + 8] = struct.pack(">LL", width, height)
    return bytes(good)


def avif_with_exif() -> bytes:
    """An AVIF whose Exif data is a bomb."""
    plain = Image.Exif()
    plain[0x010E] = "x" * 400_000
    good = photo("AVIF", exif=plain)
    at = good.index(b"II*\0") if b"II*\0" in good else good.index(b"MM\0*")
    bomb = directory(3000, 350_000)
    return good[:at] + bomb + good[at + len(bomb) :]


def zip_of(data: bytes) -> bytes:
    """An archive."""
    file = BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("../../etc/passwd", data)
    return file.getvalue()


def bmp_claiming(width: int, height: int, bits: int = 24, compression: int = 0) -> bytes:
    """A BMP that is nearly all header."""
    head = struct.pack("<LllHHLLllLL", 40, width, height, 1, bits, compression, 0, 0, 0, 0, 0)
    return b"BM" + struct.pack("<LLL", 54 + 64, 0, 54) + head + bytes(64)


def raw_profile(exif: bytes) -> bytes:
    """Exif data as ImageMagick once put it into a PNG."""
    text = f"\nexif\n{len(exif):8}\n" + exif.hex()
    return chunk(b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(text.encode()))


def icc(*, count: int) -> bytes:
    """What says it is a profile of so many parts."""
    head = bytearray(128)
    head[16:20], head[36:40] = b"RGB ", b"acsp"
    return bytes(head) + struct.pack(">L", count) + b"\x7f" * 12 * min(count, 50)


def grey16(format: str) -> bytes:
    """16 bits of grey."""
    levels = np.asarray(scene(*SMALL).convert("L")).astype(np.uint16) * 257
    return file_of(Image.fromarray(levels), format)


def floats() -> bytes:
    """Samples that are no numbers among others."""
    levels = np.asarray(scene(*SMALL).convert("L")).astype(np.float32) / 255
    levels[0, :4] = (np.nan, np.inf, -np.inf, -1e38)
    return file_of(Image.fromarray(levels), "TIFF")


def animation(frames: int) -> bytes:
    """A GIF of many small frames."""
    return gif(4, 4, gif_frame(4, 4) * frames)


def half(format: str) -> bytes:
    """A photo that is cut off."""
    whole = photo(format)
    return whole[: len(whole) // 2]


HUGE_ZEROS = 313 << 20
XML_BOMB = (
    b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "bb">' + b'<!ENTITY c "&b;&b;">' * 20 + b"]><svg>&c;</svg>"
)
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()

PHOTOS: dict[str, tuple[Make, int]] = {
    # Bombs.
    "png-50000x50000-of-zeros": (lambda: png(50_000, 50_000, zeros(HUGE_ZEROS), bits=1), 422),
    "png-largest-size": (lambda: png(2**31 - 1, 2**31 - 1, b"x"), 422),
    "png-too-large-size": (lambda: png(2**32 - 1, 2**32 - 1, b"x"), 422),
    "png-more-data-than-pixels": (lambda: png(100, 100, zeros(HUGE_ZEROS)), 200),
    "png-fewer-data-than-pixels": (lambda: png(1000, 1000, zlib.compress(bytes(1000))), 415),
    "png-no-width": (lambda: png(0, 100, zeros(0)), 415),
    "png-itxt-bomb": (
        lambda: png_with(chunk(b"iTXt", b"Comment\0\x01\0\0\0" + zeros(HUGE_ZEROS))),
        415,
    ),
    "png-ztxt-bomb": (lambda: png_with(chunk(b"zTXt", b"Comment\0\0" + zeros(HUGE_ZEROS))), 415),
    "png-ztxt-many": (lambda: png_with(*[chunk(b"zTXt", b"a\0\0" + zeros(1 << 20))] * 100), 415),
    "png-iccp-bomb": (lambda: png_with(chunk(b"iCCP", b"icc\0\0" + zeros(HUGE_ZEROS))), 415),
    "png-nested-bomb": (
        lambda: png_with(chunk(b"zTXt", b"Comment\0\0" + zlib.compress(zeros(HUGE_ZEROS)))),
        415,
    ),
    "png-100000-chunks": (lambda: png_with(*[chunk(b"tEXt", b"a\0b")] * 100_000), 422),
    "png-3000-chunks": (lambda: png_with(*[chunk(b"tEXt", b"a\0b")] * 3000), 200),
    "png-long-chunk": (lambda: photo("PNG")[:33] + b"\x7f\xff\xff\xffIDAT" + b"x" * 100, 415),
    "jpeg-65500x65500": (lambda: jpeg_claiming(65_500, 65_500), 422),
    "jpeg-slightly-larger": (lambda: jpeg_claiming(1200, 1200), 200),
    "jpeg-400-scans": (lambda: jpeg_scans(400), 422),
    "jpeg-6000-segments": (lambda: jpeg_with(segment(0xFE, b"") * 6000), 422),
    "jpeg-filled-up": (lambda: photo()[:2] + b"\xff" * 1_000_000 + photo()[2:], 422),
    "jpeg-exif-bomb": (lambda: jpeg_with(*exif_segments(directory(3000, 400_000))), 422),
    "gif-65535x65535": (lambda: gif(65_535, 65_535, gif_frame(1, 1)), 422),
    "gif-frame-beyond-the-screen": (lambda: gif(1, 1, gif_frame(65_535, 65_535)), 422),
    "gif-100000-frames": (lambda: animation(100_000), 422),
    "gif-endless-comment": (lambda: gif(4, 4, gif_comment(2_000_000), gif_frame(4, 4)), 422),
    "tiff-entries-in-each-other": (lambda: directory(3000, 400_000), 422),
    "tiff-pages-in-a-circle": (lambda: grey_tiff(16, 16, following=8), 200),
    "tiff-500000-pages": (lambda: pages(500_000), 422),
    "tiff-two-million-strips": (
        lambda: grey_tiff(16, 16, strips=(2_000_000, 8)) + bytes(8_000_000),
        422,
    ),
    "tiff-60000x60000": (lambda: grey_tiff(60_000, 60_000), 422),
    "tiff-directory-beyond-the-end": (lambda: b"II*\0\xf0\xff\xff\xff", 415),
    "tiff-directory-in-itself": (lambda: b"II*\0\0\0\0\0", 415),
    "tiff-big-count": (lambda: b"II+\0\x08\0\0\0\x10" + bytes(7) + b"\xff" * 8 + bytes(1000), 422),
    "tiff-lying-strips": (lambda: grey_tiff(900, 900), 415),
    "webp-16384x16384": (lambda: webp_claiming(16_383, 16_383), 422),
    "avif-65535x65535": (lambda: avif_claiming(65_535, 65_535), 415),
    "avif-2000x2000": (lambda: avif_claiming(2000, 2000), 422),
    "avif-exif-bomb": (avif_with_exif, 422),
    "bmp-30000x30000": (lambda: bmp_claiming(30_000, 30_000), 422),
    "bmp-upside-down": (lambda: bmp_claiming(1000, -(2**31)), 422),
    "bmp-rle": (lambda: bmp_claiming(1000, 1000, 8, 1), 415),
    "bmp-3-bits": (lambda: bmp_claiming(100, 100, 3), 415),
    "very-long-side": (lambda: file_of(Image.new("RGB", (2000, 2)), "PNG"), 422),
    # Cut off.
    **{f"half-a-{name}": (partial(half, name), 415) for name in ("JPEG", "PNG", "WEBP", "AVIF", "GIF")},
    "half-a-TIFF": (partial(half, "TIFF"), 415),
    "half-a-BMP": (partial(half, "BMP"), 415),
    "jpeg-3-bytes": (lambda: b"\xff\xd8\xff", 415),
    "png-signature": (lambda: b"\x89PNG\r\n\x1a\n", 415),
    "heif-header": (lambda: b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(100), 415),
    "webp-header": (lambda: b"RIFF\xff\xff\xff\xffWEBPVP8 \xff\xff\xff\xff", 415),
    # None at all.
    "one-byte": (lambda: b"x", 415),
    "text": (lambda: b"photo " * 1000, 415),
    "svg": (lambda: b'<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>', 415),
    "xml-bomb": (lambda: XML_BOMB, 415),
    "pdf": (lambda: b"%PDF-1.7\n1 0 obj<</OpenAction 2 0 R>>", 415),
    "postscript": (lambda: b"%!PS-Adobe-3.0 EPSF-3.0\n(/etc/passwd) (r) file", 415),
    "eps": (lambda: b"\xc5\xd0\xd3\xc6" + bytes(100), 415),
    "zip": (lambda: zip_of(b"x"), 415),
    "html": (lambda: b"<!doctype html><script>alert(1)</script>", 415),
    "mp4": (lambda: b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom", 415),
    "psd": (lambda: b"8BPS\0\x01" + bytes(100), 415),
    "gif-that-is-a-script": (lambda: b"GIF89a/*" + b"*/=1;alert(1)//", 415),
    "bmp-that-is-a-script": (lambda: b"BM/*" + bytes(20) + b"*/alert(1)", 415),
    # Odd, and to be taken.
    "jpeg-with-a-zip": (lambda: photo() + zip_of(b"x" * 1000), 200),
    "png-with-a-zip": (lambda: photo("PNG") + zip_of(b"x" * 1000), 200),
    "jpeg-with-html": (lambda: jpeg_with(segment(0xFE, b"<script>alert(1)</script>")), 200),
    "motion-photo": (motion_photo, 200),
    "exif-rubbish": (lambda: jpeg_with(segment(0xE1, b"Exif\0\0" + b"\xff\x7f" * 2000)), 200),
    "exif-truncated": (lambda: jpeg_with(segment(0xE1, b"Exif\0\0II*\0\x08\0\0\0\xff\xff\x12\x01")), 200),
    "icc-rubbish": (lambda: photo(icc_profile=b"\xff" * 5000), 200),
    "icc-of-many-parts": (lambda: photo(icc_profile=icc(count=2**32 - 1)), 200),
    "icc-of-wrong-parts": (lambda: photo("PNG", icc_profile=icc(count=50)), 200),
    "icc-cut-off": (lambda: photo(icc_profile=SRGB[: len(SRGB) // 2]), 200),
    "16-bit-png": (lambda: grey16("PNG"), 200),
    "16-bit-tiff": (lambda: grey16("TIFF"), 200),
    "float-tiff": (floats, 200),
    "cmyk-jpeg": (lambda: photo(mode="CMYK"), 200),
    "cmyk-tiff": (lambda: photo("TIFF", mode="CMYK"), 200),
    "grey-jpeg": (lambda: photo(mode="L"), 200),
    "1-bit-png": (lambda: photo("PNG", mode="1"), 200),
    "palette-gif": (lambda: photo("GIF"), 200),
    "lab-tiff": (lambda: photo("TIFF", mode="LAB"), 200),
    "one-pixel": (lambda: file_of(Image.new("RGB", (1, 1)), "PNG"), 200),
}
"""What is sent as the photo, and our status; remove.bg's says 400 for whatever is wrong."""

BAD_METADATA: dict[str, Make] = {
    "png-exif-bomb": lambda: png_with(chunk(b"eXIf", directory(3000, 400_000))),
    "png-exif-bomb-in-text": lambda: png_with(raw_profile(directory(3000, 200_000))),
    "webp-exif-bomb": lambda: photo("WEBP", exif=b"Exif\0\0" + directory(3000, 400_000)),
}
"""Photos that are good but for their Exif data: read without them, but for rembg's exact way."""
