"""Small copies of a picture, for what needs no detail, and how they lie over the picture."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from rembolt.images.resample import reduce

if TYPE_CHECKING:
    from PIL import Image


class Small(NamedTuple):
    """Averages of whole blocks of a picture's pixels.

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
        """Give a copy whose longest side is at most `side` pixels."""
        factor = -(-max(self.image.size) // side)
        if factor not in self._made:
            nearest = max(made for made in self._made if factor % made == 0 and made < factor)
            ratio = factor // nearest
            self._made[factor] = reduce(self._made[nearest], (ratio, ratio))
        across, down = self._step
        return Small(self._made[factor], (across * factor, down * factor))
