"""Encoded images as Pillow sees them: rembg's way to read."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

if TYPE_CHECKING:
    pass


def open_image(source: bytes | bytearray | memoryview | Path | str, *, max_pixels: int) -> Image.Image:
    """Open."""
    data = source if not isinstance(source, (str, Path)) else Path(source).read_bytes()
    image = Image.open(BytesIO(data))
    image.load()
    return image
