"""Softening the edge of an alpha."""

from __future__ import annotations

from math import ceil

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter

from rembolt.cutout.subject import surroundings

Alpha = npt.NDArray[np.uint8]


def feather(alpha: Alpha, sigma: float) -> Alpha:
    """Blur an alpha by a Gaussian, as Pillow makes it: three box blurs, for any sigma at the same price.

    The picture's outermost pixels are taken to go on beyond it, so that nothing fades at its border.

    Args:
        alpha: `uint8` `(H, W)` in [0, 255].
        sigma: standard deviation in pixels.

    Returns:
        `uint8` `(H, W)`; farther than `3 * sigma + 3` pixels from the edge, 0 and 255 are what they were.
    """
    result = alpha.copy()
    window = surroundings(alpha, ceil(3 * sigma) + 3)
    if window is not None and sigma > 0:
        blur = ImageFilter.GaussianBlur(sigma)
        result[window] = np.asarray(Image.fromarray(alpha[window]).filter(blur))
    return result
