"""Making a photo as large as another picture."""

from __future__ import annotations

from PIL import Image


def cover(photo: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Fill a size with a photo: its middle, as much as has that shape.

    Args:
        photo: mode `RGB` or `RGBA`.
        size: width and height.
    """
    if photo.size == size:
        return photo
    factor = max(size[0] / photo.width, size[1] / photo.height)
    width, height = (min(side / factor, most) for side, most in zip(size, photo.size, strict=True))
    left, top = (photo.width - width) / 2, (photo.height - height) / 2
    return photo.resize(
        size, Image.Resampling.BICUBIC, (left, top, left + width, top + height), reducing_gap=3.0
    )


def contain(photo: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Put a whole photo into the middle of a size; the room beside it is transparent.

    Args:
        photo: mode `RGB` or `RGBA`.
        size: width and height.

    Returns:
        An image of mode `RGBA`.
    """
    factor = min(size[0] / photo.width, size[1] / photo.height)
    width, height = (
        min(max(1, round(side * factor)), most) for side, most in zip(photo.size, size, strict=True)
    )
    inner = (
        photo
        if photo.size == (width, height)
        else photo.resize((width, height), Image.Resampling.BICUBIC, reducing_gap=3.0)
    )
    result = Image.new("RGBA", size)
    result.paste(inner, ((size[0] - width) // 2, (size[1] - height) // 2))
    return result
