"""Putting a cut-out together and on a background."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image

Bytes = npt.NDArray[np.uint8]


def multiply_alpha(alpha: Bytes, own: Bytes) -> Bytes:
    """The product of two opacities, `uint8` `(H, W)` each, rounded to the nearest: 255 changes nothing."""
    product = alpha.astype(np.uint16) * own + 128
    return ((product + (product >> 8)) >> 8).astype(np.uint8)


def over(rgba: Bytes, below: Image.Image) -> Bytes:
    """Put a cut-out on a picture: Porter & Duff's *over* (1984), for straight colours.

    Args:
        rgba: `uint8` `(H, W, 4)`, straight colours.
        below: mode `RGBA`, of the same size, straight colours.

    Returns:
        `uint8` `(H, W, 4)`, straight colours.
    """
    return np.array(Image.alpha_composite(below, Image.fromarray(rgba)))


def over_colour(rgba: Bytes, colour: tuple[int, int, int, int]) -> Bytes:
    """Put a cut-out on a plain colour; see `over`.

    Args:
        rgba: `uint8` `(H, W, 4)`, straight colours.
        colour: `(R, G, B, A)` in [0, 255].

    Returns:
        `uint8` RGBA `(H, W, 4)`; opaque where the colour is.
    """
    height, width = rgba.shape[:2]
    return over(rgba, Image.new("RGBA", (width, height), colour))
