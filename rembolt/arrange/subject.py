"""Where in a cut-out the subject is."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

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
    seen = alpha > above
    rows = np.flatnonzero(seen.any(axis=1))
    if not rows.size:
        return None
    columns = np.flatnonzero(seen[rows[0] : rows[-1] + 1].any(axis=0))
    return Box(int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)
