"""The alpha at a picture's full size, from lines through its colours that were found at a small one.

At every position of a coarse grid the alpha is a line through the photo's colours, alpha = a . colour + b.
Interpolated and applied to the photo itself, it follows hair that the small picture never showed: He et al.,
"Guided Image Filtering" (TPAMI 2013); Gharbi et al., "Deep Bilateral Learning for Real-Time Image
Enhancement" (SIGGRAPH 2017).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image

from rembolt.cutout.grid import axis
from rembolt.images.enlarge import whole

if TYPE_CHECKING:
    from rembolt.cutout.small import Small

Bytes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]

OPEN = 128
"""A level between 0 and 255: the colours decide."""

ROWS, COLUMNS = 128, 256
"""Of a tile at most: what fits in a core's cache, and follows a slanting edge closely."""

APART = 24
"""Settled columns between two stretches of the band that make two tiles of them: about what a tile costs."""

MANY = 1 << 22
"""Pixels from which threads bring more than they cost: a tile's work is short, and one waits for another."""

FOURTH = np.uint32(0xFF000000)
ONES = np.ones(4, np.float32)

PRODUCT = 1 << 18
"""Multiplications in one matrix product. BLAS starts no threads for so few: the threads are ours."""


class Lines(NamedTuple):
    """What a picture's alpha is made of.

    Attributes:
        coefficients: `float32` `(4, h, w)`: what to multiply red, green and blue (0 to 255) with, and what to
            add, for an alpha from 0 to 255.
        levels: `uint8` `(h, w)`: 0 and 255 where that is the alpha whatever the colours, `OPEN` elsewhere.
        step: pixels of the picture, across and down, from a position of the grid to the next.
    """

    coefficients: Floats
    levels: Bytes
    step: tuple[float, float]


class Guided:
    """An alpha that is computed where it is asked for, in the manner of `rembolt.images.enlarge.Enlarged`.

    Args:
        image: mode `RGB`; not changed.
        lines: found for this picture, at whatever size.

    Attributes:
        mask: the grid's levels, mode `L`: 0 where the alpha is 0, 255 where it is that.
        size: of the picture.
        reach: positions of the grid that a pixel is made of, to either side and up and down.
        scale: positions of the grid that a pixel is wide and high.
    """

    reach = (1.0, 1.0)

    def __init__(self, image: Image.Image, lines: Lines) -> None:
        image.load()
        self._image = image
        coefficients, self._levels, (step_across, step_down) = lines
        # Red, green, blue and rest beside each other. The fourth byte beside the colours is made 255; the
        # half is for rounding.
        self._coefficients = np.array(coefficients.transpose(1, 2, 0), order="C")
        self._coefficients[..., 3] += np.float32(0.5)
        self._coefficients[..., 3] /= 255
        self._open = _open_cells(self._levels)
        self.mask = Image.fromarray(lines.levels)
        self.size = image.size
        self.scale = 1 / step_across, 1 / step_down
        height, width = lines.levels.shape
        self._across = axis(width, image.width, step_across)
        self._down = axis(height, image.height, step_down)

    def part(self, top: int, bottom: int, left: int, right: int) -> Bytes:
        """Give some rows and columns, `uint8` `(bottom - top, right - left)`."""
        result = np.empty((bottom - top, right - left), np.uint8)
        for start in range(top, bottom, ROWS):
            rows = slice(start, min(start + ROWS, bottom))
            self._write(rows, slice(left, right), result[start - top : rows.stop - top])
        return result

    def whole(self) -> Bytes:
        """Give all of it, `uint8` `(H, W)`."""
        width, height = self.size
        return whole(self) if width * height >= MANY else self.part(0, height, 0, width)

    def _write(self, rows: slice, columns: slice, result: Bytes) -> None:
        """Write some rows: levels, and tiles over every stretch of columns that the colours decide."""
        down, across = self._down.lowest[rows], self._across.lowest[columns]
        first, last = int(down[0]), int(down[-1])
        result[:] = self._levels[first, across]
        cells = self._open[first : last + 1]
        wanted: npt.NDArray[np.bool_] = np.logical_or.reduce(cells, axis=0)
        if not wanted.any():
            return
        weights, upper, lower = self._down.between(rows.start, rows.stop)
        for left, right in _stretches(wanted[across]):
            used = np.flatnonzero(cells[:, across[left] : across[right - 1] + 1].any(axis=1))
            top, bottom = np.searchsorted(down, (first + used[0], first + used[-1] + 1))
            result[bottom:, left:right] = self._levels[lower - 1, across[left:right]]
            near = slice(used[0], used[-1] + 2)
            for start in range(left, right, COLUMNS):
                stop = min(start + COLUMNS, right)
                box = columns.start + start, rows.start + top, columns.start + stop, rows.start + bottom
                wide = self._across.interpolated(self._coefficients[upper:][near], slice(box[0], box[2]))
                result[top:bottom, start:stop] = self._tile(weights[top:bottom, near], wide, box)

    def _tile(self, weights: Floats, wide: Floats, box: tuple[int, int, int, int]) -> Bytes:
        """The alpha of a box, from the lines of its columns at the grid's rows."""
        wide = wide.reshape(len(wide), -1)
        lines = np.empty((len(weights), wide.shape[1]), np.float32)
        count = max(1, PRODUCT // wide.size)
        for row in range(0, len(lines), count):
            np.matmul(weights[row : row + count], wide, out=lines[row : row + count])
        pixels = self._image.crop(box).tobytes("raw", "RGBX")
        colours = np.frombuffer(pixels, "<u4") | FOURTH
        lines *= colours.view(np.uint8).reshape(lines.shape)
        alpha = lines.reshape(-1, 4) @ ONES
        np.maximum(alpha, 0, out=alpha)
        np.minimum(alpha, 255, out=alpha)
        return alpha.astype(np.uint8).reshape(len(lines), -1)


def _open_cells(levels: Bytes) -> npt.NDArray[np.bool_]:
    """Which cells, between four positions of the grid, are not of one level: `bool` `(h, w)`."""
    wide = np.pad(levels, ((0, 1), (0, 1)), mode="edge")
    corner = wide[:-1, :-1]
    unlike: npt.NDArray[np.bool_] = (
        (corner != wide[1:, :-1]) | (corner != wide[:-1, 1:]) | (corner != wide[1:, 1:])
    )
    unlike |= corner == OPEN
    return unlike


def _stretches(wanted: npt.NDArray[np.bool_]) -> npt.NDArray[np.intp]:
    """First and one after the last place of those wanted, `(N, 2)`; those close to each other are one."""
    edges = np.flatnonzero(np.diff(wanted, prepend=False, append=False))
    between = edges[1:-1].reshape(-1, 2)
    apart = between[:, 1] - between[:, 0] >= APART
    return np.concatenate([edges[:1], between[apart].ravel(), edges[-1:]]).reshape(-1, 2)


def small_alpha(small: Small, lines: Lines) -> Bytes:
    """Give the alpha of a small copy, `uint8` `(H, W)`, from lines that were found for the full picture.

    Args:
        small: a copy of that picture.
        lines: found on this copy or another.
    """
    across, down = (grid / pixel for grid, pixel in zip(lines.step, small.step, strict=True))
    return Guided(small.image, lines._replace(step=(across, down))).whole()
