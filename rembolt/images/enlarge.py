"""A mask at another size, some rows and columns at a time: Pillow's pixels, to the bit, in half the time.

Pillow resamples in integers: weights of 22 bits, across first, rounded to 8 bits, then down. Sums of such
products are exact in float64, in whatever order, so matrix products may form them.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt
from PIL import Image

from rembolt.images.bands import BAND, for_bands

if TYPE_CHECKING:
    from collections.abc import Callable

    from PIL.Image import Resampling

Bytes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float64]

Between = tuple[npt.NDArray[Any], int, int]
"""What some pixels take, `(pixels, places)`, and the range of places that it multiplies."""

ONE = 1 << 22
"""A weight of 1, as Pillow counts."""

TALL = 100
"""Times as high as wide from which Pillow resamples down first."""

PRODUCT = 1 << 18
"""Multiplications in one matrix product. BLAS starts no threads for so few: the threads are ours."""

GROUP, FEWER = 32, 8
"""Rows that are computed together, and when shrinking, where they have fewer pixels in common."""


class Enlarged:
    """What `mask.resize(size, resample)` would be, computed where it is asked for.

    Args:
        mask: mode `L`; not changed.
        size: width and height of the whole; smaller than the mask's is fine.
        resample: `BICUBIC` or `LANCZOS`.

    Attributes:
        mask: the same.
        size: the same.
        reach: pixels of the mask that a pixel is made of, to either side and up and down.
        scale: pixels of the mask that a pixel is wide and high.
    """

    def __init__(self, mask: Image.Image, size: tuple[int, int], resample: Resampling) -> None:
        self.mask, self.size = mask, size
        self.scale = mask.width / size[0], mask.height / size[1]
        self._down: Down | None = None
        if mask.size == size or mask.height > TALL * mask.width:
            # There is nothing to do, or Pillow goes down first.
            self._across = np.asarray(mask if mask.size == size else mask.resize(size, resample))
        else:
            self._across = _resampled_across(mask, size[0], resample)
            self._down = Down(self._across, size[1], resample)
        support = _FILTERS[resample].support
        across, down = (support * max(1.0, old / new) for old, new in zip(mask.size, size, strict=True))
        self.reach = across, down

    def part(self, top: int, bottom: int, left: int, right: int) -> Bytes:
        """Give some rows and columns, `uint8` `(bottom - top, right - left)`; read-only."""
        if self._down is None:
            return self._across[top:bottom, left:right]
        return self._down.part(top, bottom, left, right)

    def whole(self) -> Bytes:
        """Give all of it, `uint8` `(H, W)`, computed on several threads."""
        return whole(self)


class Parts(Protocol):
    """A picture of one channel that is computed where it is asked for."""

    size: tuple[int, int]

    def part(self, top: int, bottom: int, left: int, right: int) -> Bytes:
        """Give some rows and columns."""
        ...


def whole(parts: Parts) -> Bytes:
    """Compute all of a picture, `uint8` `(H, W)`, on several threads."""
    width, height = parts.size
    result = np.empty((height, width), np.uint8)

    def write(top: int, bottom: int) -> None:
        result[top:bottom] = parts.part(top, bottom, 0, width)

    for_bands(write, height, BAND)
    return result


class Down:
    """Columns of bytes resampled to another height, some rows and columns at a time.

    Args:
        pixels: `uint8` `(H, W)`.
        height: of the result.
        resample: `BICUBIC` or `LANCZOS`.
        extent: how far down `pixels` are taken, a fraction of a row perhaps; None for all.
    """

    def __init__(self, pixels: Bytes, height: int, resample: Resampling, extent: float | None = None) -> None:
        self._pixels = pixels
        extent = len(pixels) if extent is None else extent
        self._weights = _weights(len(pixels), height, resample, extent)
        self._group = GROUP if extent <= height else FEWER

    def part(self, top: int, bottom: int, left: int, right: int) -> Bytes:
        """Give some rows and columns, `uint8` `(bottom - top, right - left)`."""
        part = np.empty((bottom - top, right - left), np.uint8)
        if not part.size:
            return part
        groups = max(1, round((bottom - top) / self._group))
        edges = [top + (bottom - top) * place // groups for place in range(groups + 1)]
        for first, last in pairwise(edges):
            matrix, low, high = self._weights.between(first, last)
            count = max(1, PRODUCT // matrix.size)
            for start in range(left, right, count):
                stop = min(start + count, right)
                source = self._pixels[low:high, start:stop].astype(np.float64)
                part[first - top : last - top, start - left : stop - left] = _bytes(matrix @ source)
        return part


def _resampled_across(mask: Image.Image, width: int, resample: Resampling) -> Bytes:
    """Pillow is quick at this: there are few rows yet."""
    result = np.empty((mask.height, width), np.uint8)

    def resize(top: int, bottom: int) -> None:
        rows = mask.crop((0, top, mask.width, bottom))
        result[top:bottom] = np.asarray(rows.resize((width, bottom - top), resample))

    for_bands(resize, mask.height, BAND)
    return result


def _bytes(sums: Floats) -> npt.NDArray[np.int16]:
    """Sums rounded to the nearest and kept within the range of bytes (NumPy clips integers far sooner)."""
    sums += 0.5
    whole_numbers = sums.astype(np.int16)
    np.maximum(whole_numbers, 0, out=whole_numbers)
    return np.minimum(whole_numbers, 255, out=whole_numbers)


class _Filter(NamedTuple):
    support: float
    weight: Callable[[Floats], Floats]


class Weights(NamedTuple):
    """What each of N pixels takes, from the one at its lowest place and those after it.

    Attributes:
        source: how many there are to take from.
        lowest: `(N,)`, rising.
        kernels: `(N, taps)`; what lies past the last to take from counts 0.
    """

    source: int
    lowest: npt.NDArray[np.int64]
    kernels: npt.NDArray[Any]

    def between(self, first: int, last: int) -> Between:
        """Give what some pixels take, from `first` to one before `last`."""
        low = int(self.lowest[first])
        taps = self.kernels.shape[1]
        matrix = np.zeros((last - first, int(self.lowest[last - 1]) + taps - low), self.kernels.dtype)
        places = self.lowest[first:last, None] - low + np.arange(taps)
        matrix[np.arange(last - first)[:, None], places] = self.kernels[first:last]
        high = min(low + matrix.shape[1], self.source)
        return matrix[:, : high - low], low, high


@lru_cache(maxsize=32)
def _weights(source: int, target: int, resample: Resampling, extent: float) -> Weights:
    """Pillow's `precompute_coeffs` and `normalize_coeffs_8bpc` (`src/libImaging/Resample.c`)."""
    support, weight = _FILTERS[resample]
    scale = float(np.float32(extent)) / target  # as coarse as Pillow's boxes are
    widening = max(1.0, scale)
    reach = support * widening
    centre = (np.arange(target) + 0.5) * scale
    lowest = np.maximum((centre - reach + 0.5).astype(np.int64), 0)
    highest = np.minimum((centre + reach + 0.5).astype(np.int64), source)
    places = lowest[:, None] + np.arange(int((highest - lowest).max()))
    kernels = weight((places - centre[:, None] + 0.5) * (1 / widening))
    kernels[places >= highest[:, None]] = 0
    # Summed from left to right, as Pillow does: another order could round otherwise.
    total = np.cumsum(kernels, axis=1)[:, -1:]
    np.divide(kernels, total, out=kernels, where=total != 0)
    return Weights(source, lowest, np.trunc(kernels * ONE + np.copysign(0.5, kernels)) / ONE)


def _bicubic(x: Floats) -> Floats:
    x = np.abs(x)
    inner = (1.5 * x - 2.5) * x * x + 1
    outer = (((x - 5) * x + 8) * x - 4) * -0.5
    return np.where(x < 1, inner, np.where(x < 2, outer, 0.0))


def _lanczos(x: Floats) -> Floats:
    return np.where((x >= -3) & (x < 3), _sinc(x) * _sinc(x / 3), 0.0)


def _sinc(x: Floats) -> Floats:
    turned = np.where(x == 0, 1.0, x * np.pi)
    return np.where(x == 0, 1.0, np.sin(turned) / turned)


_FILTERS = {
    Image.Resampling.BICUBIC: _Filter(2.0, _bicubic),
    Image.Resampling.LANCZOS: _Filter(3.0, _lanczos),
}
