"""Whatever a user may give as a photo, read the right way."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from rembolt.errors import UnreadableImageError, UnsupportedImageError
from rembolt.images.bombs import check_exif
from rembolt.images.decode import decode, picture_from_image
from rembolt.images.limits import check_size
from rembolt.images.picture import Picture
from rembolt.images.raw import open_image
from rembolt.images.reader import pillow_at_work

if TYPE_CHECKING:
    from rembolt.settings import InputOptions


def read_picture(image: Any, options: InputOptions) -> Picture:
    """Make a picture of bytes, an open binary file, a path, a Pillow image or an array; a picture stays one.

    Raises:
        InputError: it cannot be read, is not supported or is too large.
    """
    if isinstance(image, Picture):
        return image
    if isinstance(image, np.ndarray):
        from rembolt.images.arrays import picture_from_array

        return picture_from_array(image, max_pixels=options.max_pixels)
    if isinstance(image, Image.Image):
        return picture_from_image(image, max_pixels=options.max_pixels, to_srgb=options.to_srgb)
    return decode(_encoded(image), max_pixels=options.max_pixels, to_srgb=options.to_srgb)


def read_raw(image: Any, options: InputOptions) -> Image.Image:
    """Make an upright Pillow image of the same things, in the mode that Pillow gives it: rembg's way to read.

    Raises:
        InputError: it cannot be read, is not supported or is too large.
    """
    own = not isinstance(image, Image.Image)
    if isinstance(image, np.ndarray):
        try:
            image = Image.fromarray(image)
        except (TypeError, ValueError, KeyError, IndexError) as error:
            raise UnsupportedImageError(
                f"an array of shape {image.shape} and type {image.dtype} has no exact form; "
                "give uint8 (H, W), (H, W, 3) or (H, W, 4), or leave exact off."
            ) from error
    elif own:
        image = open_image(_encoded(image), max_pixels=options.max_pixels)
    check_size(image.width, image.height, options.max_pixels)
    from PIL import ImageOps  # only the exact way needs it, and what it brings along

    with pillow_at_work("the image", image.format):
        check_exif(image)
        if not own:
            return ImageOps.exif_transpose(image)  # a copy, always
        ImageOps.exif_transpose(image, in_place=True)
    return image  # type: ignore[no-any-return]


def read(image: Any, options: InputOptions, *, exact: bool) -> Picture | Image.Image:
    """Read a photo ahead of its cutting out, for `Remover` to take as it is; see the two below."""
    return read_raw(image, options) if exact else read_picture(image, options)


def _encoded(image: Any) -> bytes | bytearray | memoryview | Path | str:
    if isinstance(image, (bytes, bytearray, memoryview, Path, str)):
        return image
    if isinstance(image, os.PathLike):
        return Path(os.fspath(image))
    if hasattr(image, "read"):
        return _content(image)
    raise UnsupportedImageError(
        f"a photo is given as bytes, a path, a Pillow image or a NumPy array, not as {type(image).__name__}."
    )


def _content(file: Any) -> bytes:
    try:
        data = file.read()
    except (OSError, ValueError) as error:  # ValueError: it is closed, or its text cannot be decoded
        raise UnreadableImageError(
            f"the open file cannot be read ({error}); open it in binary mode."
        ) from error
    if not isinstance(data, (bytes, bytearray, memoryview)):
        raise UnsupportedImageError("the open file gives text, not bytes; open it in binary mode ('rb').")
    return bytes(data)
