"""Where a picture's pixels lie between the positions of a coarser grid."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from rembolt.images.enlarge import Weights


class Axis(Weights):
    """One side of a picture over one side of a grid, for linear interpolation; edges are repeated outwards.

    Each pixel takes the position before it, or the last but one, and the one after that.
    """

    __slots__ = ()

    @property
    def share(self) -> npt.NDArray[np.float32]:
        """`float32` `(N,)` in [0, 1], what the second of the two positions counts."""
        return self.kernels[:, 1]

    def interpolated(self, values: npt.NDArray[np.float32], pixels: slice) -> npt.NDArray[np.float32]:
        """Give what some pixels have, `float32` `(h, n, 4)`.

        Args:
            values: of all positions, `float32` `(h, length, 4)`, contiguous.
            pixels: which.
        """
        lowest = self.lowest[pixels]
        # NumPy takes one number of 16 bytes far sooner than a row of four.
        fours = values.view(np.complex128)[..., 0]
        first = fours.take(lowest, axis=1).view(np.float32).reshape(len(values), -1, 4)
        second = fours.take(np.minimum(lowest + 1, self.source - 1), axis=1).view(np.float32)
        second = second.reshape(first.shape)
        second -= first
        second *= self.share[pixels, np.newaxis]
        second += first
        return second


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
    share = (places - lowest).astype(np.float32)
    return Axis(length, lowest, np.stack((1 - share, share), axis=1))
