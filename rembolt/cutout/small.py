"""Copies of a picture at the sizes that are looked at, and how they lie over the picture."""

from __future__ import annotations

from typing import NamedTuple

from PIL import Image

from rembolt.images.resample import reduce


class Small(NamedTuple):
    """A copy of a picture.

    Attributes:
        image: mode `RGB`.
        step: pixels of the full picture, across and down, that one of these stands for.
    """

    image: Image.Image
    step: tuple[float, float]


class Copies:
    """Makes copies when they are asked for, and smaller ones of larger ones.

    Args:
        image: mode `RGB`; not changed, and its own copy where it is small enough.
        full: size of the picture that `image` already is a copy of.
    """

    def __init__(self, image: Image.Image, full: tuple[int, int] | None = None) -> None:
        self.image = image
        self._step = [whole / part for whole, part in zip(full or image.size, image.size, strict=True)]
        self._made = {1: image}

    def at(self, side: int) -> Small:
        """Give a copy whose longest side is at most `side` pixels: the averages of whole blocks of pixels."""
        factor = -(-max(self.image.size) // side)
        across, down = self._step
        return Small(self._reduced(factor), (across * factor, down * factor))

    def sized(self, side: int) -> Small:
        """Give a copy whose longest side is `side` pixels, larger than the picture perhaps."""
        longest = max(self.image.size)
        factor = max(1, round(longest / side))
        image = self._reduced(factor)
        width, height = (max(1, round(length * side / longest)) for length in self.image.size)
        if image.size != (width, height):
            box = (0, 0, self.image.width / factor, self.image.height / factor)
            image = image.resize((width, height), Image.Resampling.BICUBIC, box)
        across, down = self._step
        return Small(image, (across * self.image.width / width, down * self.image.height / height))

    def _reduced(self, factor: int) -> Image.Image:
        if factor not in self._made:
            nearest = max(made for made in self._made if factor % made == 0 and made < factor)
            ratio = factor // nearest
            self._made[factor] = reduce(self._made[nearest], (ratio, ratio))
        return self._made[factor]
