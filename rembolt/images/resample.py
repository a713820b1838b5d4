"""Pillow's resampling on several threads: the same pixels, to the bit.

Pillow resamples across first, row by row, rounds to 8 bits, then down, column by column: so rows may be
resampled across in bands. (Images over a hundred times as high as wide go down first; those are left to it.)
"""

from __future__ import annotations

import numpy as np
from PIL import Image

from rembolt.images.bands import BAND, for_bands
from rembolt.images.enlarge import TALL, Down, Enlarged
from rembolt.images.rows import image_of

Filter = Image.Resampling
Box = tuple[float, float, float, float]

WORTH = 1 << 18
"""Pixels from which the threads are worth their start."""

STEEP = 16
"""Times that the height may shrink before matrices are too large to be quick."""


def shrink(
    image: Image.Image, size: tuple[int, int], resample: Filter, box: Box | None = None
) -> Image.Image:
    """Do what `image.resize(size, resample, box)` does.

    Args:
        image: mode `L` or `RGB`; not changed.
        size: width and height of the result.
        resample: `BICUBIC` or `LANCZOS`.
        box: what to take of the image, all of its height from 0 on: `(0, 0, right, bottom)`.
    """
    _, _, right, bottom = box = box or (0, 0, *image.size)
    width, height = size
    few = image.width * image.height < WORTH or not height < bottom <= STEEP * height
    if few or width == right or image.height > TALL * image.width:
        return image.resize(size, resample, box)
    image.load()
    across = np.empty((image.height, width, len(image.getbands())), np.uint8)

    def resize_across(top: int, end: int) -> None:
        # Down, every row is its own: the box only saves a copy.
        band = image.resize((width, end - top), resample, (0, top, right, end))
        across[top:end] = np.asarray(band).reshape(end - top, width, -1)

    for_bands(resize_across, image.height, BAND)
    down = Down(across.reshape(image.height, -1), height, resample, bottom)
    pixels = down.part(0, height, 0, across[0].size)
    return Image.fromarray(pixels if image.mode == "L" else pixels.reshape(height, width, -1))


def reduce(image: Image.Image, factors: tuple[int, int]) -> Image.Image:
    """Do what `image.reduce(factors)` does: the averages of blocks of pixels.

    Args:
        image: mode `L` or `RGB`; not changed.
        factors: width and height of a block.
    """
    across, down = factors
    if image.width * image.height < WORTH or image.height <= down:
        return image.reduce(factors)
    image.load()
    result = Image.new(image.mode, (-(-image.width // across), -(-image.height // down)))

    def paste(top: int, bottom: int) -> None:
        box = (0, top * down, image.width, min(bottom * down, image.height))
        result.paste(image.reduce(factors, box), (0, top))

    for_bands(paste, result.height, max(1, BAND // down))
    return result


def enlarge(mask: Image.Image, size: tuple[int, int], resample: Filter) -> Image.Image:
    """Do what `mask.resize(size, resample)` does.

    Args:
        mask: mode `L`; not changed, and given back where it has the size.
        size: width and height of the result; smaller is fine too.
        resample: `BICUBIC` or `LANCZOS`.
    """
    width, height = size
    if mask.size == size:
        return mask
    if width * height < WORTH:
        return mask.resize(size, resample)
    return image_of(Enlarged(mask, size, resample).whole())
