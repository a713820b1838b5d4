"""Mask clean-up that keeps soft edges."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter

from rembolt.cutout.shift import grow

Mask = npt.NDArray[np.uint8]

SIGMA = 2.0
"""Of the blur, in pixels: steps up to about eight pixels long become a slope."""


def smooth(mask: Mask) -> Mask:
    """Take stairs and specks off an outline and leave its softness.

    A median of 3 x 3 removes specks, a Gaussian levels the stairs, and each pixel is then held between the
    lowest and the highest of itself and the four beside it: an edge becomes softer by two pixels at most, a
    long slope stays as it is, and flat areas are what they were.

    Args:
        mask: `uint8` `(H, W)` in [0, 255].

    Returns:
        `uint8` `(H, W)`.
    """
    image = Image.fromarray(mask).filter(ImageFilter.MedianFilter(3))
    blurred = np.asarray(image.filter(ImageFilter.GaussianBlur(SIGMA)))
    clean = np.asarray(image)
    highest = grow(clean, 1)
    lowest = np.invert(grow(np.invert(clean), 1))
    held: Mask = np.minimum(np.maximum(blurred, lowest), highest)
    return held
