"""How a camera was held: the display matrix of a video."""

from __future__ import annotations

import struct
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]


class Orientation(NamedTuple):
    """What turns a stored picture upright: first swap the axes, then mirror.

    Attributes:
        transposed: rows become columns.
        mirrored_x: left and right change places.
        mirrored_y: top and bottom change places.
    """

    transposed: bool = False
    mirrored_x: bool = False
    mirrored_y: bool = False

    def turn(self, pixels: Bytes) -> Bytes:
        """The picture `(H, W, C)` upright; contiguous."""
        if self.transposed:
            pixels = pixels.swapaxes(0, 1)
        if self.mirrored_x:
            pixels = pixels[:, ::-1]
        if self.mirrored_y:
            pixels = pixels[::-1]
        return np.ascontiguousarray(pixels)


def orientation(matrix: Any) -> Orientation:
    """Read a display matrix as FFmpeg keeps it.

    A point (x, y) of the stored picture is shown at (a x + c y, b x + d y). Of other angles than the right
    ones the nearest right one is taken.

    Args:
        matrix: 9 native 32-bit integers, `a b u c d v x y w`.
    """
    a, b, _, c, d = struct.unpack_from("=5i", matrix)
    if abs(b) + abs(c) > abs(a) + abs(d):
        return Orientation(transposed=True, mirrored_x=c < 0, mirrored_y=b < 0)
    return Orientation(mirrored_x=a < 0, mirrored_y=d < 0)
