"""Coarse masks made of true alphas, as a network would give them: the same for everyone."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image

Bytes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float64]

SIDE = 320
"""Width and height of the masks in pixels, as of most networks' answers; the aspect is not kept."""

NETWORK, SOFT = "network", "soft"
KINDS = {NETWORK: (2.0, (0.25, 0.75)), SOFT: (1.5, (0.0, 1.0))}
"""Standard deviation of the blur, in pixels of the mask, and the levels that become 0 and 1.

`network` is soft by its stride and sure of itself inside; `soft` is only blurred.
"""


def coarse(alpha: Bytes, kind: str) -> Image.Image:
    """Make a coarse mask: averaged to `SIDE` x `SIDE`, blurred, and its levels stretched.

    Args:
        alpha: the true one, `uint8` `(H, W)` in [0, 255].
        kind: one of `KINDS`.

    Returns:
        Mode `L`, `SIDE` x `SIDE`.
    """
    from scipy.ndimage import gaussian_filter

    sigma, (low, high) = KINDS[kind]
    # Rounded to 8 bits after each step: a recipe that gives the same bytes whatever the libraries.
    blurred = np.rint(gaussian_filter(np.rint(average(alpha)), sigma, mode="mirror", truncate=4.0))
    stretched = (blurred - low * 255) / (high - low)
    return Image.fromarray(np.rint(np.clip(stretched, 0, 255)).astype(np.uint8))


def average(alpha: Bytes) -> Floats:
    """The mean of the alpha in each of `SIDE` x `SIDE` equal cells, pixels cut where a border runs through.

    Pillow's `BOX` takes a pixel into one cell as a whole, which at 1.6 pixels a cell is another mask.
    """
    height, width = alpha.shape
    means: Floats = _overlaps(height) @ alpha.astype(np.float64) @ _overlaps(width).T
    return means


def _overlaps(size: int) -> Floats:
    """Share of each pixel in each cell along one axis, `float64` `(SIDE, size)`; rows add up to 1."""
    cells = np.arange(SIDE)[:, np.newaxis] * (size / SIDE)
    pixels = np.arange(size)[np.newaxis]
    shared = np.minimum(cells + size / SIDE, pixels + 1) - np.maximum(cells, pixels)
    shares: Floats = np.clip(shared, 0, None) / (size / SIDE)
    return shares
