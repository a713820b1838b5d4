"""The image formats rembolt reads, as data, and which of them some bytes are."""

from __future__ import annotations

from typing import NamedTuple

from rembolt.errors import UnreadableImageError, UnsupportedImageError

HEADER_BYTES = 128
"""How much of the start of a file `identify` wants to see."""


class SourceFormat(NamedTuple):
    """A format that can be read.

    Attributes:
        name: what it is called, as Pillow spells it.
        extensions: usual file extensions, with the dot, lower case.
        module: module that reads it; imported only when a file of this format turns up.
        reader: class in `module` that opens it.
        extra: extra of rembolt that brings `module`, None when Pillow itself does.
        note: what is special about reading it.
    """

    name: str
    extensions: tuple[str, ...]
    module: str
    reader: str
    extra: str | None = None
    note: str = ""


JPEG = SourceFormat(
    "JPEG",
    (".jpg", ".jpeg", ".jpe", ".jfif", ".mpo"),
    "PIL.JpegImagePlugin",
    "JpegImageFile",
    note="grey, RGB, CMYK and YCCK; the first picture of an MPO",
)
PNG = SourceFormat(
    "PNG",
    (".png", ".apng"),
    "PIL.PngImagePlugin",
    "PngImageFile",
    note="1 to 16 bits, palette, transparency, interlaced; the still picture of an APNG",
)
WEBP = SourceFormat(
    "WEBP", (".webp",), "PIL.WebPImagePlugin", "WebPImageFile", note="the first frame when animated"
)
AVIF = SourceFormat(
    "AVIF", (".avif", ".avifs"), "PIL.AvifImagePlugin", "AvifImageFile", note="the first frame when animated"
)
TIFF = SourceFormat(
    "TIFF",
    (".tif", ".tiff"),
    "PIL.TiffImagePlugin",
    "TiffImageFile",
    note="the first page; 1 to 16 bits, 32-bit integers and floats in one channel",
)
BMP = SourceFormat("BMP", (".bmp", ".dib"), "PIL.BmpImagePlugin", "BmpImageFile")
GIF = SourceFormat("GIF", (".gif",), "PIL.GifImagePlugin", "GifImageFile", note="the first frame")
HEIF = SourceFormat(
    "HEIF",
    (".heic", ".heif", ".hif"),
    "pillow_heif",
    "HeifImageFile",
    extra="heif",
    note="the primary picture",
)

SOURCE_FORMATS: tuple[SourceFormat, ...] = (JPEG, PNG, WEBP, AVIF, TIFF, BMP, GIF, HEIF)

_MAGIC: tuple[tuple[bytes, SourceFormat], ...] = (
    (b"\xff\xd8\xff", JPEG),
    (b"\x89PNG\r\n\x1a\n", PNG),
    (b"II*\0", TIFF),
    (b"MM\0*", TIFF),
    (b"II+\0", TIFF),
    (b"MM\0+", TIFF),
    (b"BM", BMP),
    (b"GIF87a", GIF),
    (b"GIF89a", GIF),
)

# Read by nobody here; named so that the user learns why instead of "not an image".
_OTHERS: tuple[tuple[bytes, str], ...] = (
    (b"%PDF", "a PDF document"),
    (b"%!PS", "a PostScript document"),
    (b"\xc5\xd0\xd3\xc6", "an EPS document"),
    (b"8BPS", "a Photoshop document"),
    (b"gimp xcf", "a GIMP document"),
    (b"<svg", "an SVG drawing"),
    (b"\xff\x0a", "a JPEG XL image"),
    (b"\0\0\0\x0cJXL ", "a JPEG XL image"),
    (b"\0\0\0\x0cjP  ", "a JPEG 2000 image"),
    (b"\xff\x4f\xff\x51", "a JPEG 2000 image"),
    (b"\0\0\1\0", "an icon file"),
    (b"PK\3\4", "a zip archive"),
    (b"<!DOCTYPE html", "a web page"),
    (b"<html", "a web page"),
)

_AVIF_BRANDS = {b"avif", b"avis"}
_HEIF_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1"}


def identify(header: bytes, name: str) -> SourceFormat:
    """Tell a format by its first bytes; the file's extension is never believed.

    Args:
        header: the first `HEADER_BYTES` bytes, or all there are.
        name: what to call the file in messages.

    Returns:
        The format; whether the file is sound is for its reader to find out.

    Raises:
        UnsupportedImageError: when it is something known that rembolt does not read.
        UnreadableImageError: when it is empty or not an image.
    """
    if not header:
        raise UnreadableImageError(f"{name} is empty; check that it was copied or downloaded completely.")
    for magic, source_format in _MAGIC:
        if header.startswith(magic):
            return source_format
    if header[:4] == b"RIFF" and header[8:12] == b"WEBP":
        return WEBP
    if header[4:8] == b"ftyp":
        end = min(int.from_bytes(header[:4], "big"), len(header))
        brands = {header[8:12], *(header[i : i + 4] for i in range(16, end, 4))}
        if brands & _AVIF_BRANDS:
            return AVIF
        if brands & _HEIF_BRANDS:
            return HEIF
        raise UnsupportedImageError(f"{name} is a video or an unknown kind of MP4 file; {_advice()}")
    for magic, what in _OTHERS:
        if header.lstrip().lower().startswith(magic.lower()) or header.startswith(magic):
            raise UnsupportedImageError(f"{name} is {what}; {_advice()}")
    raise UnreadableImageError(f"{name} is not an image; {_advice()}")


def _advice() -> str:
    return f"give a photo as {', '.join(known.name for known in SOURCE_FORMATS)}."
