"""Encoded images as Pillow sees them: rembg's way to read."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING

from rembolt.images.limits import MAX_PIXELS
from rembolt.images.reader import open_header, pillow_at_work, read_source

if TYPE_CHECKING:
    from pathlib import Path

    from PIL import Image


def open_image(
    source: bytes | bytearray | memoryview | Path | str, *, max_pixels: int = MAX_PIXELS
) -> Image.Image:
    """Decode a photo to the mode, orientation and metadata that Pillow gives it, under the rules of `decode`.

    Args:
        source: the bytes of an image file, or the path of one.
        max_pixels: largest width times height accepted.

    Returns:
        The image, loaded; it needs its file no more.

    Raises:
        UnreadableImageError: the file is missing, not readable, empty, not an image, broken or cut short.
        UnsupportedImageError: it is of a kind that is not read here.
        ImageTooLargeError: it has more than `max_pixels` pixels.
    """

    def read(file: IO[bytes], name: str) -> Image.Image:
        image, source_format = open_header(file, name, max_pixels)
        with pillow_at_work(name, source_format.name):
            image.load()
        return image

    return read_source(source, read)
