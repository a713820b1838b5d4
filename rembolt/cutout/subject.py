"""Where in an alpha the subject is."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image

Bytes = npt.NDArray[np.uint8]

FAINT = 12
"""Alpha up to which pixels do not count as the subject: traces that nobody sees would keep a box large."""


class Box(NamedTuple):
    """A rectangle in pixels; right and bottom are one past the last, and may lie outside of a picture."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def slices(self) -> tuple[slice, slice]:
        """Rows and columns, for an array."""
        return slice(self.top, self.bottom), slice(self.left, self.right)

    def grown(self, margin: int, size: tuple[int, int]) -> Box:
        """This box with a margin to every side, as far as a picture of this width and height goes."""
        width, height = size
        return Box(
            max(self.left - margin, 0),
            max(self.top - margin, 0),
            min(self.right + margin, width),
            min(self.bottom + margin, height),
        )

    def moved(self, right: int, down: int) -> Box:
        """This box elsewhere."""
        return Box(self.left + right, self.top + down, self.right + right, self.bottom + down)

    @property
    def width(self) -> int:
        """Width in pixels."""
        return self.right - self.left

    @property
    def height(self) -> int:
        """Height in pixels."""
        return self.bottom - self.top


def box_of(alpha: Bytes, above: int = FAINT) -> Box | None:
    """Find the smallest box around all pixels more opaque than a limit.

    Args:
        alpha: `uint8` `(H, W)`.
        above: the limit.

    Returns:
        None where there is no such pixel.
    """
    box = Image.fromarray((alpha > above).view(np.uint8)).getbbox()
    return None if box is None else Box(*box)


def surroundings(alpha: Bytes, margin: int) -> tuple[slice, slice] | None:
    """Find the rectangle outside which nothing is seen.

    Args:
        alpha: `uint8` `(H, W)` in [0, 255].
        margin: pixels to add on each side, as far as the picture goes.

    Returns:
        Rows and columns; None where alpha is 0 everywhere.
    """
    box = box_of(alpha, above=0)
    return None if box is None else box.grown(margin, (alpha.shape[1], alpha.shape[0])).slices


def subject_of(pixels: Bytes) -> Box | None:
    """The box around the subject of a cut-out, `uint8` `(H, W, 4)`, or of a mask, `(H, W)`."""
    return box_of(pixels[:, :, 3] if pixels.ndim == 3 and pixels.shape[2] == 4 else pixels)
