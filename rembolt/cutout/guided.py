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
from rembolt.images.enlarge import Between, whole

if TYPE_CHECKING:
    from rembolt.cutout.small import Small

Bytes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]

OPEN = 128
"""A level between 0 and 255: the colours decide."""

TILE = 128
"""Columns computed at once: with a band of rows, what fits in a core's cache."""

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
        # The fourth byte beside red, green and blue is made 255.
        self._coefficients = np.concatenate([coefficients[:3], coefficients[3:] / np.float32(255)])
        self.mask = Image.fromarray(lines.levels)
        self.size = image.size
        self.scale = 1 / step_across, 1 / step_down
        height, width = lines.levels.shape
        self._across = axis(width, image.width, step_across)
        self._down = axis(height, image.height, step_down)

    def part(self, top: int, bottom: int, left: int, right: int) -> Bytes:
        """Give some rows and columns, `uint8` `(bottom - top, right - left)`."""
        result = np.empty((bottom - top, right - left), np.uint8)
        down = self._down.between(top, bottom)
        for start in range(left - left % TILE, right, TILE):
            columns = max(start, left), min(start + TILE, right)
            result[:, columns[0] - left : columns[1] - left] = self._tile(top, down, columns)
        return result

    def whole(self) -> Bytes:
        """Give all of it, `uint8` `(H, W)`, computed on several threads."""
        return whole(self)

    def _tile(self, top: int, down: Between, columns: tuple[int, int]) -> Bytes | int:
        weights, upper, lower = down
        across, first, last = self._across.between(*columns)
        levels = self._levels[upper:lower, first:last]
        level = int(levels[0, 0])
        if level != OPEN and (levels == level).all():
            return level
        grid = self._coefficients[:, upper:lower, first:last]
        # Across first, since the grid has few rows; then down, into red, green, blue and rest of each pixel.
        wide = grid.transpose(1, 0, 2).reshape(-1, last - first) @ across.T
        wide = wide.reshape(lower - upper, 4, -1).transpose(0, 2, 1).reshape(lower - upper, -1)
        height = len(weights)
        lines = np.empty((height, wide.shape[1]), np.float32)
        rows = max(1, PRODUCT // wide.size)
        for row in range(0, height, rows):
            np.matmul(weights[row : row + rows], wide, out=lines[row : row + rows])
        pixels = self._image.crop((columns[0], top, columns[1], top + height)).tobytes("raw", "RGBX")
        colours = np.frombuffer(pixels, "<u4") | FOURTH
        lines *= colours.view(np.uint8).reshape(lines.shape)
        alpha = lines.reshape(-1, 4) @ ONES
        alpha += np.float32(0.5)
        np.maximum(alpha, 0, out=alpha)
        np.minimum(alpha, 255, out=alpha)
        return alpha.astype(np.uint8).reshape(height, -1)


def small_alpha(small: Small, lines: Lines) -> Bytes:
    """Give the alpha of a small copy, `uint8` `(H, W)`, from lines that were found for the full picture.

    Args:
        small: a copy of that picture.
        lines: found on this copy or another.
    """
    across, down = (grid / pixel for grid, pixel in zip(lines.step, small.step, strict=True))
    return Guided(small.image, lines._replace(step=(across, down))).whole()
