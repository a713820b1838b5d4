"""Bytes, files and Pillow images to a `Picture`."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING

from rembolt.errors import UnreadableImageError
from rembolt.images.colour import separate
from rembolt.images.limits import MAX_PIXELS, check_size
from rembolt.images.picture import Picture
from rembolt.images.reader import open_header, pillow_at_work, read_source

if TYPE_CHECKING:
    from pathlib import Path

    from PIL import Image


def decode(
    source: bytes | bytearray | memoryview | Path | str,
    *,
    max_pixels: int = MAX_PIXELS,
    to_srgb: bool = False,
) -> Picture:
    """Decode a photo: upright, 8-bit RGB, with its own alpha and profile beside it.

    The format is told by the bytes, see `formats.SOURCE_FORMATS`; how other sample types become 8-bit RGB is
    told in `colour.separate`. The size is checked from the header, before any pixel is decoded.

    Args:
        source: the bytes of an image file, or the path of one.
        max_pixels: largest width times height accepted.
        to_srgb: convert the colours to sRGB; otherwise an RGB profile is kept in the picture.

    Returns:
        The picture, with `format` set to the name of the source format.

    Raises:
        UnreadableImageError: the file is missing, not readable, empty, not an image, broken or cut short.
        UnsupportedImageError: it is of a kind that is not read here.
        ImageTooLargeError: it has more than `max_pixels` pixels.
    """

    def read(file: IO[bytes], name: str) -> Picture:
        image, source_format = open_header(file, name, max_pixels)
        picture = _picture(image, source_format.name, name, to_srgb=to_srgb)
        # Metadata of the source (orientation, thumbnails) no longer describes these pixels.
        picture.image.info = {}
        return picture

    return read_source(source, read)


def picture_from_image(image: Image.Image, *, max_pixels: int = MAX_PIXELS, to_srgb: bool = False) -> Picture:
    """Make a picture of a Pillow image: upright by its EXIF orientation, 8-bit RGB, alpha and profile beside.

    Args:
        image: Pillow image of any mode; neither changed nor shared with the picture.
        max_pixels: largest width times height accepted.
        to_srgb: convert the colours to sRGB; otherwise an RGB profile is kept in the picture.

    Returns:
        The picture, with the `format` the image has.

    Raises:
        UnreadableImageError: it has no pixels, or they cannot be read from its file.
        UnsupportedImageError: its mode has no way to RGB.
        ImageTooLargeError: it has more than `max_pixels` pixels.
    """
    name = "the image"
    if 0 in image.size:
        raise UnreadableImageError(f"{name} is {image.width} x {image.height}: it has no pixels.")
    check_size(image.width, image.height, max_pixels, name)
    picture = _picture(image, image.format, name, to_srgb=to_srgb)
    if picture.image is not image:
        return picture
    return Picture(image.copy(), picture.alpha, picture.icc_profile, picture.format)


def _picture(image: Image.Image, format_name: str | None, name: str, *, to_srgb: bool) -> Picture:
    with pillow_at_work(name, format_name):
        layers = separate(image, to_srgb=to_srgb)
    return Picture(layers.rgb, layers.alpha, layers.icc_profile, format_name)
