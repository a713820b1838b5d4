"""Pillow's resampling on several threads and part by part: the same pixels, to the bit.

Pillow resamples across first, row by row, rounds to 8 bits, then down, column by column. So rows may be
resampled across in bands; and down in bands wherever a whole number of rows comes from a whole number of
rows, so that every pixel keeps its place in its kernel. (Images over a hundred times as high as wide go down
first; those are left to it.)
"""

from __future__ import annotations

from math import gcd

from PIL import Image

from rembolt.images.bands import for_bands

Filter = Image.Resampling
Box = tuple[int, int, int, int]

BAND = 128
"""Rows resampled at once, about: what is read and written then stays in the cache."""

WORTH = 1 << 20
"""Pixels from which the threads are worth their start."""

TALL = 100
"""Times as high as wide from which Pillow resamples down first."""


def resize(image: Image.Image, size: tuple[int, int], resample: Filter) -> Image.Image:
    """Do what `image.resize(size, resample)` does.

    Args:
        image: mode `L` or `RGB`; not changed.
        size: width and height of the result.
        resample: one of Pillow's filters that convolve, such as `LANCZOS`.
    """
    width, height = size
    if image.height > TALL * image.width:
        return image.resize(size, resample)
    if image.width * image.height >= WORTH and height < image.height and width != image.width:
        return _across(image, width, resample).resize(size, resample)
    if width * height >= WORTH and height > image.height:
        parts = Parts(image, size, resample)
        if parts.whole is not None:
            return parts.whole
        result = Image.new(image.mode, size)

        def paste(top: int, bottom: int) -> None:
            result.paste(parts.part((0, top, width, bottom)), (0, top))

        for_bands(paste, height, parts.rows)
        return result
    return image.resize(size, resample)


class Parts:
    """An image resampled to another size, of which one asks for parts.

    Args:
        image: mode `L` or `RGB`; not changed.
        size: width and height of the whole.
        resample: one of Pillow's filters that convolve.

    Attributes:
        rows: parts begin at a multiple of this and have as many rows, less at the end.
        whole: all of it, where it could not be left to the parts.
    """

    def __init__(self, image: Image.Image, size: tuple[int, int], resample: Filter) -> None:
        image.load()
        width, height = size
        self._resample = resample
        common = gcd(height, image.height)
        self._unit, self._from = height // common, image.height // common
        self.rows = self._unit * max(1, BAND // self._unit)
        if image.size == size or self.rows > 4 * BAND or image.height > TALL * image.width:
            # Nothing to do, or heights with too little in common for bands: parts of the whole then.
            self.whole: Image.Image | None = image if image.size == size else image.resize(size, resample)
            self.rows = BAND
            return
        self.whole = None
        self._across = image if image.width == width else image.resize((width, image.height), resample)

    def part(self, box: Box) -> Image.Image:
        """Give the pixels of a box `(left, top, right, bottom)`; its top and bottom as `rows` says."""
        if self.whole is not None:
            return self.whole.crop(box)
        left, top, right, bottom = box
        source = (left, top // self._unit * self._from, right, bottom // self._unit * self._from)
        return self._across.resize((right - left, bottom - top), self._resample, box=source)


def _across(image: Image.Image, width: int, resample: Filter) -> Image.Image:
    image.load()
    result = Image.new(image.mode, (width, image.height))

    def paste(top: int, bottom: int) -> None:
        band = image.crop((0, top, image.width, bottom))
        result.paste(band.resize((width, bottom - top), resample), (0, top))

    for_bands(paste, image.height, BAND)
    return result
