"""How large a picture may be."""

from __future__ import annotations

from rembolt.errors import ImageTooLargeError
from rembolt.settings import DEFAULT_MAX_PIXELS

MAX_PIXELS = DEFAULT_MAX_PIXELS


def check_size(width: int, height: int, max_pixels: int, name: str = "the image") -> None:
    """Refuse a picture that has more pixels than the limit.

    Args:
        width: width in pixels.
        height: height in pixels.
        max_pixels: the largest number of pixels allowed.
        name: what to call the picture in the message.

    Raises:
        ImageTooLargeError: when `width * height` is over `max_pixels`.
    """
    pixels = width * height
    if pixels > max_pixels:
        raise ImageTooLargeError(
            f"{name} has {width} x {height} = {pixels} pixels, more than the limit of {max_pixels}; "
            f"make it smaller or raise max_pixels (on the command line --max-pixels {pixels})."
        )
