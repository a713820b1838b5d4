"""What a photo's header says, before any pixel is decoded."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

from rembolt.errors import ImageTooLargeError
from rembolt.images.bombs import gif_frames, tiff_frames
from rembolt.images.formats import GIF, TIFF
from rembolt.images.reader import open_header, pillow_at_work

if TYPE_CHECKING:
    from rembolt.server.settings import ServerOptions

_COUNTED = {GIF: gif_frames, TIFF: tiff_frames}
"""Pillow counts the frames of these one by one, each the slower the more there are."""


def check_header(photo: bytes, limits: ServerOptions) -> tuple[int, int]:
    """Refuse a photo for what its header says, before any pixel is decoded.

    Returns:
        Its width and height as they are stored, in pixels.

    Raises:
        InputError: it is not an image, or its pixels, sides or frames are over a limit.
    """
    image, source_format = open_header(BytesIO(photo), "the input", limits.max_pixels)
    longest, shortest = max(image.size), min(image.size)
    if longest > shortest * limits.max_aspect:
        raise ImageTooLargeError(
            f"the input is {image.width} x {image.height} pixels; this server takes no photo whose sides "
            f"differ more than {limits.max_aspect:g} times; cut it into parts."
        )
    if source_format in _COUNTED:
        frames = _COUNTED[source_format](photo, limits.max_frames + 1)
    else:
        with pillow_at_work("the input", source_format.name):
            frames = getattr(image, "n_frames", 1)
    if frames > limits.max_frames:
        raise ImageTooLargeError(
            f"the input has more frames than the limit of {limits.max_frames}; send the one to cut out."
        )
    return image.size
