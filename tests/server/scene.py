"""A picture whose subject is where it is said to be."""

from __future__ import annotations

from io import BytesIO

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

SUBJECT = (0.3, 0.25, 0.6, 0.8)
"""Left, top, right and bottom as parts of the picture."""


def scene(width: int = 480, height: int = 360) -> Image.Image:
    """A red ball before a grey wall."""
    image = Image.new("RGB", (width, height), (205, 208, 212))
    left, top, right, bottom = SUBJECT
    draw = ImageDraw.Draw(image)
    draw.ellipse((left * width, top * height, right * width, bottom * height), fill=(190, 60, 30))
    draw.ellipse((0.36 * width, 0.32 * height, 0.45 * width, 0.45 * height), fill=(235, 150, 110))
    return image.filter(ImageFilter.GaussianBlur(width / 400))


def file_of(image: Image.Image, format: str = "PNG", **options: object) -> bytes:
    """A picture as the bytes of a file."""
    file = BytesIO()
    image.save(file, format, **options)
    return file.getvalue()


def pixels_of(data: bytes) -> np.ndarray:
    """A file's pixels as they are stored."""
    return np.asarray(Image.open(BytesIO(data)))


def seen(pixels: np.ndarray) -> tuple[int, int, int, int]:
    """The box around what is more than faint in an RGBA picture: left, top, right, bottom."""
    rows, columns = (np.flatnonzero((pixels[:, :, 3] > 12).any(axis)) for axis in (1, 0))
    return columns[0], rows[0], columns[-1] + 1, rows[-1] + 1
