"""Mask, alpha and colours in one pass, a band of rows at a time while it is in the cache."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from PIL import Image

from rembolt.cutout.compose import multiply_alpha
from rembolt.images.bands import for_bands
from rembolt.images.resample import Parts

Bytes = npt.NDArray[np.uint8]

BAND = 128
"""Rows multiplied at once."""

REACH = 2
"""Pixels of a mask that Pillow's bicubic reads to either side when it enlarges."""


def straight_rgba(
    image: Image.Image, mask: Image.Image, own: Bytes | None = None, *, keep_hidden: bool = False
) -> Bytes:
    """Join colours and alpha.

    Where the mask is empty nothing is read or written at all: the array's memory is there only once it is
    touched.

    Args:
        image: the foreground's colours, mode `RGB`.
        mask: mode `L`, of any size; enlarged, bicubically, to the image's, it is the alpha.
        own: the photo's own alpha, `uint8` `(H, W)`, to multiply with.
        keep_hidden: keep the colours under fully transparent pixels. Otherwise they become 0, so that the
            file does not carry the background along, visible to anyone who drops the alpha.

    Returns:
        `uint8` RGBA `(H, W, 4)`, straight colours, writable and contiguous.
    """
    width, height = image.size
    rgba = np.zeros((height, width, 4), np.uint8)
    alphas = Parts(mask, image.size, Image.Resampling.BICUBIC)
    used = _Used(mask, image.size)

    def join(top: int, bottom: int) -> None:
        left, right = (0, width) if keep_hidden else used.columns(top, bottom)
        if left == right:
            return
        box = (left, top, right, bottom)
        alpha = alphas.part(box)
        if own is not None:
            alpha = Image.fromarray(multiply_alpha(np.asarray(alpha), own[top:bottom, left:right]))
        part = image.crop(box)
        part.putalpha(alpha)
        # One 32-bit write a pixel instead of four.
        target = rgba.view(np.uint32)[top:bottom, left:right, 0]
        pixels = np.asarray(part).view(np.uint32)[:, :, 0]
        np.copyto(target, pixels, where=True if keep_hidden else np.asarray(alpha) != 0)

    image.load()
    for_bands(join, height, alphas.rows)
    return rgba


def multiplied_rgba(image: Image.Image, mask: Image.Image) -> Image.Image:
    """Do what `Image.composite(image, Image.new("RGBA", image.size, 0), mask)` does: rembg's cut-out.

    Args:
        image: of a mode that Pillow converts to `RGBA`.
        mask: mode `L`, of the same size.

    Returns:
        Mode `RGBA`, colours multiplied by the mask.
    """
    width, height = image.size
    rgba = np.empty((height, width, 4), np.uint8)

    def join(top: int, bottom: int) -> None:
        box = (0, top, width, bottom)
        nothing = Image.new("RGBA", (width, bottom - top), 0)
        rgba[top:bottom] = np.asarray(Image.composite(image.crop(box), nothing, mask.crop(box)))

    image.load()
    for_bands(join, height, BAND)
    return Image.fromarray(rgba)


class _Used:
    """Where an enlarged mask may be over 0, told from the mask before."""

    def __init__(self, mask: Image.Image, size: tuple[int, int]) -> None:
        self._width = size[0]
        self._across, self._down = mask.width / size[0], mask.height / size[1]
        self._used = np.asarray(mask) != 0

    def columns(self, top: int, bottom: int) -> tuple[int, int]:
        """The first column of some rows that may be over 0, and one after the last."""
        down, across = REACH * max(1.0, self._down), REACH * max(1.0, self._across)
        first = max(0, math.floor(top * self._down - down))
        rows = self._used[first : math.ceil(bottom * self._down + down)]
        used = np.flatnonzero(rows.any(axis=0))
        if not used.size:
            return 0, 0
        left = math.floor((used[0] - across) / self._across)
        return max(0, left), min(self._width, math.ceil((used[-1] + 1 + across) / self._across))
