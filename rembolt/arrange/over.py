"""One picture over another."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image

Bytes = npt.NDArray[np.uint8]


def over(rgba: Bytes, below: Image.Image) -> Bytes:
    """Put a cut-out on a picture: Porter & Duff's *over* (1984), for straight colours.

    Args:
        rgba: `uint8` `(H, W, 4)`, straight colours.
        below: mode `RGBA`, of the same size, straight colours.

    Returns:
        `uint8` `(H, W, 4)`, straight colours.
    """
    return np.array(Image.alpha_composite(below, Image.fromarray(rgba)))
