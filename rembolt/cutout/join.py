"""Mask, alpha and colours in one pass, a band of rows at a time while it is in the cache."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from PIL import Image

from rembolt.cutout.compose import multiply_alpha
from rembolt.cutout.foreground import soft_pixels
from rembolt.images.enlarge import Enlarged

if TYPE_CHECKING:
    from rembolt.cutout.foreground import Recolour, RowsOfColours
    from rembolt.cutout.guided import Guided
    from rembolt.images.rows import Columns

    Alpha = Enlarged | Guided
    """An alpha of the photo's size that is computed where it is asked for."""

Bytes = npt.NDArray[np.uint8]
Pixels = npt.NDArray[np.uint32]

COLOURS, OPAQUE = np.uint32(0x00FFFFFF), np.uint32(0xFF000000)


class StraightRows:
    """The rows of a cut-out with straight colours: uint8 RGBA.

    Where the mask is empty no colours are read, and where it is full none are weighed.

    Args:
        image: the photo, mode `RGB`.
        alpha: of the photo's size.
        own: the photo's own alpha, `uint8` `(H, W)`, to multiply with.
        keep_hidden: keep the colours under fully transparent pixels. Otherwise they become 0, so that the
            file does not carry the background along, visible to anyone who drops the alpha.
        recolour: gives half transparent pixels the foreground's colours; without it they keep the photo's.
    """

    def __init__(
        self,
        image: Image.Image,
        alpha: Alpha,
        own: Bytes | None = None,
        *,
        keep_hidden: bool = False,
        recolour: Recolour | None = None,
    ) -> None:
        image.load()
        self._image, self._own, self._keep_hidden = image, own, keep_hidden
        self._alpha, self._recolour = alpha, recolour
        self._used = _Used(alpha)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width and channels."""
        return self._image.height, self._image.width, 4

    def read(self, top: int, bottom: int, room: Bytes) -> tuple[Bytes, Columns]:
        """Join colours and alpha of some rows; see `rembolt.images.rows`."""
        left, right = (0, self._image.width) if self._keep_hidden else self._used.columns(top, bottom)
        if left == right:
            return room, (0, 0)
        # Whole pixels as 32-bit numbers: the red in the lowest byte, the alpha in the highest.
        pixels = self._image.crop((left, top, right, bottom)).tobytes("raw", "RGBX")
        source = np.frombuffer(pixels, "<u4").reshape(bottom - top, right - left)
        target = room.view("<u4")[:, left:right, 0]
        first, last = (right, right) if self._own is not None else self._used.opaque(top, bottom, left, right)
        colours = None if self._recolour is None else self._recolour.rows(top, bottom)
        inner = slice(first - left, last - left)
        np.bitwise_or(source[:, inner], OPAQUE, out=target[:, inner])
        for start, stop in ((left, first), (last, right)):
            if start < stop:
                columns = slice(start - left, stop - left)
                self._blend(source[:, columns], target[:, columns], (top, bottom, start, stop), colours)
        return room, (left, right)

    def _blend(
        self,
        source: Pixels,
        target: Pixels,
        part: tuple[int, int, int, int],
        colours: RowsOfColours | None,
    ) -> None:
        top, bottom, left, right = part
        alpha = self._alpha.part(top, bottom, left, right)
        if colours is not None:
            source = _recoloured(colours, source, alpha, left)
        if self._own is not None:
            alpha = multiply_alpha(alpha, self._own[top:bottom, left:right])
        pixels = alpha.astype(np.uint32)
        pixels <<= np.uint32(24)
        pixels |= source & COLOURS
        np.copyto(target, pixels, where=True if self._keep_hidden else alpha != 0)


def _recoloured(colours: RowsOfColours, source: Pixels, alpha: Bytes, left: int) -> Pixels:
    """The same pixels, the soft ones with the foreground's colours."""
    rows, columns = places = soft_pixels(alpha)
    if not rows.size:
        return source
    mixed = source[places].view(np.uint8).reshape(-1, 4)
    straight = np.zeros_like(mixed)
    straight[:, :3] = colours.straight(mixed[:, :3], alpha[places], rows, columns + left)
    result = source.copy()
    result[places] = straight.view("<u4")[:, 0]
    return result


class MultipliedRows:
    """The rows of `Image.composite(image, Image.new("RGBA", image.size, 0), mask)`: rembg's cut-out.

    Args:
        image: of a mode that Pillow converts to `RGBA`.
        mask: mode `L`, of any size; enlarged with `LANCZOS` as rembg does.
    """

    def __init__(self, image: Image.Image, mask: Image.Image) -> None:
        image.load()
        image.crop((0, 0, 1, 1)).convert("RGBA")  # what cannot be converted is told now
        self._image = image
        self._mask = Enlarged(mask, image.size, Image.Resampling.LANCZOS)
        self._used = _Used(self._mask)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width and channels."""
        return self._image.height, self._image.width, 4

    def read(self, top: int, bottom: int, room: Bytes) -> tuple[Bytes, Columns]:
        """Multiply the colours of some rows; see `rembolt.images.rows`."""
        left, right = self._used.columns(top, bottom)
        if left < right:
            mask = Image.fromarray(self._mask.part(top, bottom, left, right))
            nothing = Image.new("RGBA", mask.size, 0)
            part = Image.composite(self._image.crop((left, top, right, bottom)), nothing, mask)
            room[:, left:right] = np.asarray(part)
        return room, (left, right)


class _Used:
    """Where an enlarged mask may be over 0, and where it is 255 for sure, told from the mask before."""

    def __init__(self, alpha: Alpha) -> None:
        self._width = alpha.size[0]
        self._across, self._down = alpha.scale
        self._reach = alpha.reach
        mask = np.asarray(alpha.mask)
        self._seen = mask != 0
        self._full = np.pad(mask == 255, ((0, 0), (1, 1)))

    def columns(self, top: int, bottom: int) -> Columns:
        """The first column of some rows that may be over 0, and one after the last."""
        used = np.flatnonzero(self._seen[self._rows(top, bottom)].any(axis=0))
        if not used.size:
            return 0, 0
        reach = self._reach[0]
        left = math.floor((used[0] - reach) / self._across)
        return max(0, left), min(self._width, math.ceil((used[-1] + 1 + reach) / self._across))

    def opaque(self, top: int, bottom: int, left: int, right: int) -> Columns:
        """The most columns beside each other, within others, that are 255 in all of some rows."""
        full = np.logical_and.reduce(self._full[self._rows(top, bottom)], axis=0)
        edges = np.flatnonzero(full[1:] != full[:-1]).reshape(-1, 2)
        if not len(edges):
            return right, right
        first, last = (int(edge) for edge in edges[np.argmax(edges[:, 1] - edges[:, 0])])
        reach = self._reach[0]
        start = math.ceil((first + reach) / self._across) if first else 0
        stop = math.floor((last - reach) / self._across) if last < full.size - 2 else self._width
        start, stop = max(start, left), min(stop, right)
        return (start, stop) if start < stop else (right, right)

    def _rows(self, top: int, bottom: int) -> slice:
        """The rows of the mask that some rows are made of."""
        first = max(0, math.floor(top * self._down - self._reach[1]))
        return slice(first, math.ceil(bottom * self._down + self._reach[1]))
