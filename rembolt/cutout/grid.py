"""Where a picture's pixels lie between the positions of a coarser grid."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]


Between = tuple[Floats, int, int]
"""Weights of some pixels, `(pixels, positions)`, and the range of positions that they are for."""


class Axis(NamedTuple):
    """One side of a picture over one side of a grid, for linear interpolation; edges are repeated outwards.

    Attributes:
        length: positions of the grid.
        lowest: `(N,)`, the position before each pixel, or the last but one.
        share: `float32` `(N,)` in [0, 1], what the position after it counts.
    """

    length: int
    lowest: npt.NDArray[np.intp]
    share: Floats

    def between(self, first: int, last: int) -> Between:
        """Give what some pixels are made of, from `first` to one before `last`."""
        low = int(self.lowest[first])
        high = min(int(self.lowest[last - 1]) + 2, self.length)
        matrix = np.zeros((last - first, high - low), np.float32)
        rows = np.arange(last - first)
        places = self.lowest[first:last] - low
        matrix[rows, places] = 1 - self.share[first:last]
        matrix[rows, np.minimum(places + 1, high - low - 1)] += self.share[first:last]
        return matrix, low, high


@lru_cache(maxsize=32)
def axis(length: int, pixels: int, step: float) -> Axis:
    """Lay a side of a picture over a grid.

    Args:
        length: positions of the grid.
        pixels: of the picture.
        step: pixels from a position to the next; the first lies half a step from the edge.
    """
    places = np.clip((np.arange(pixels) + 0.5) / step - 0.5, 0, length - 1)
    lowest = np.minimum(places.astype(np.intp), max(length - 2, 0))
    return Axis(length, lowest, (places - lowest).astype(np.float32))
