"""The rectangle around a subject."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PIL import Image

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


def surroundings(alpha: npt.NDArray[np.uint8], margin: int) -> tuple[slice, slice] | None:
    """Find the rectangle outside which nothing is seen.

    Args:
        alpha: `uint8` `(H, W)` in [0, 255].
        margin: pixels to add on each side, as far as the picture goes.

    Returns:
        Rows and columns; None where alpha is 0 everywhere.
    """
    box = Image.fromarray(alpha).getbbox()
    if box is None:
        return None
    left, top, right, bottom = box
    return slice(max(top - margin, 0), bottom + margin), slice(max(left - margin, 0), right + margin)
