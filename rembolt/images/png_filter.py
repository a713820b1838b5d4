"""PNG row filters in NumPy: each row as its difference to what its neighbours predict.

Everything stays in `uint8`, where NumPy runs at memory speed, and in buffers that fit into the cache.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    Bytes = npt.NDArray[np.uint8]
    Filter = Callable[["Neighbours", Bytes], None]

SUB, UP, AVERAGE, PAETH = range(1, 5)


class Neighbours:
    """A few rows with the rows above them, and room to calculate in.

    Attributes:
        here: the bytes to filter, `uint8` `(rows, width)`.
        left: the byte of the pixel to the left of each, 0 at the edge.
        above: the byte above each, 0 over the first row of the picture.
        corner: the byte above `left`.
        scratch: six arrays of the same shape to write to.
    """

    def __init__(self, rows: int, width: int, step: int) -> None:
        """Make room for up to `rows` rows of `width` bytes, `step` bytes a pixel."""
        self._padded = np.zeros((rows + 1, step + width), np.uint8)
        self._scratch = np.empty((6, rows, width), np.uint8)
        self._step = step

    def load(self, rows: Bytes, above: Bytes | None) -> None:
        """Take rows `(n, W, C)` with the row above them `(W, C)`, None at the top of the picture."""
        count, width = len(rows), rows.shape[1] * rows.shape[2]
        step = self._step
        padded = self._padded[: count + 1, : step + width]
        padded[0, step:] = 0 if above is None else above.reshape(-1)
        padded[1:, step:].reshape(rows.shape)[...] = rows
        self.here, self.left = padded[1:, step:], padded[1:, :-step]
        self.above, self.corner = padded[:-1, step:], padded[:-1, :-step]
        self.scratch = self._scratch[:, :count, :width]


def sub(rows: Neighbours, out: Bytes) -> None:
    """Predict a byte by the one to its left."""
    np.subtract(rows.here, rows.left, out=out)


def up(rows: Neighbours, out: Bytes) -> None:
    """Predict a byte by the one above."""
    np.subtract(rows.here, rows.above, out=out)


def average(rows: Neighbours, out: Bytes) -> None:
    """Predict a byte by the mean of left and above, rounded down."""
    mean, both = rows.scratch[:2]
    # (a + b) >> 1 without the carry that 8 bits cannot hold.
    np.bitwise_xor(rows.left, rows.above, out=mean)
    np.right_shift(mean, 1, out=mean)
    np.bitwise_and(rows.left, rows.above, out=both)
    np.add(mean, both, out=mean)
    np.subtract(rows.here, mean, out=out)


def paeth(rows: Neighbours, out: Bytes) -> None:
    """Predict a byte by whichever of left, above and corner is nearest to left + above - corner.

    Between the lower and the higher of left and above, that point mirrors the corner. So the lower one is
    nearest when the corner lies in the top third of the range or over it, the higher one when the corner
    lies in the bottom third or under it, and the corner itself in between. Ties fall as the PNG
    specification wants them, without a branch or a ninth bit.
    """
    low, high, third, top, bottom, predicted = rows.scratch
    np.minimum(rows.left, rows.above, out=low)
    np.maximum(rows.left, rows.above, out=high)
    np.subtract(high, low, out=third)
    np.floor_divide(third, 3, out=third)
    np.subtract(high, third, out=top)
    np.add(low, third, out=bottom)
    np.greater_equal(rows.corner, top, out=top.view(np.bool_))
    np.less_equal(rows.corner, bottom, out=bottom.view(np.bool_))
    _choose(low, rows.corner, top, predicted)
    _choose(high, predicted, bottom, predicted)
    np.subtract(rows.here, predicted, out=out)


def _choose(values: Bytes, otherwise: Bytes, mask: Bytes, out: Bytes) -> None:
    """Write `values` where `mask` is 1 and `otherwise` where it is 0; uses up `values` and `mask`."""
    np.negative(mask, out=mask)
    np.bitwise_xor(values, otherwise, out=values)
    np.bitwise_and(values, mask, out=values)
    np.bitwise_xor(otherwise, values, out=out)


FILTERS: dict[int, Filter] = {SUB: sub, UP: up, AVERAGE: average, PAETH: paeth}
