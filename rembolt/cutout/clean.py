"""Mask clean-up."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Mask = npt.NDArray[np.uint8]

SIGMA = 2.0
RADIUS = 8  # four sigmas, where SciPy's Gaussian ends
BAND = 256
"""Rows smoothed at once: float64 bands of a wide photo that still fit in a CPU's cache."""


def post_process(mask: Mask) -> Mask:
    """Smooth a mask's outline and make it hard: opening by a cross, Gaussian of sigma 2, threshold at 127.

    The recipe and the pixels are rembg's `post_process_mask`.

    Args:
        mask: `uint8` `(H, W)` in [0, 255].

    Returns:
        `uint8` `(H, W)`, only 0 and 255.
    """
    opened = _dilate(_erode(mask))
    smoothed = np.empty_like(opened)
    height = len(opened)
    padded = np.pad(opened, ((RADIUS, RADIUS), (0, 0)), mode="symmetric")
    for top in range(0, height, BAND):
        rows = min(BAND, height - top)
        band = padded[top : top + rows + 2 * RADIUS]
        low, high = band.min(), band.max()
        if low == high and low in (0, 255):
            smoothed[top : top + rows] = low  # far from 127, so smoothing cannot change it
            continue
        blurred = _gaussian(band.astype(np.float64))
        smoothed[top : top + rows] = _harden(blurred[RADIUS : RADIUS + rows])
    return smoothed


def _harden(values: npt.NDArray[np.float64]) -> Mask:
    return np.where(values < 127, 0, 255).astype(np.uint8)


def _erode(mask: Mask) -> Mask:
    """Smallest of each pixel and its four neighbours."""
    result = mask.copy()
    np.minimum(result[1:], mask[:-1], out=result[1:])
    np.minimum(result[:-1], mask[1:], out=result[:-1])
    np.minimum(result[:, 1:], mask[:, :-1], out=result[:, 1:])
    np.minimum(result[:, :-1], mask[:, 1:], out=result[:, :-1])
    return result


def _dilate(mask: Mask) -> Mask:
    """Largest of each pixel and its four neighbours."""
    return np.invert(_erode(np.invert(mask)))


def _gaussian(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Gaussian of `SIGMA`, mirrored at the borders, first down the columns, then along the rows."""
    return _correlate(_correlate(values).T).T


def _correlate(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Weigh each value with its neighbours along the first axis, the outermost pair first.

    The weights and the order of the sums are those of `scipy.ndimage.gaussian_filter`, so that the
    rounding is the same too.
    """
    offsets = np.arange(-RADIUS, RADIUS + 1)
    weights = np.exp(-0.5 / (SIGMA * SIGMA) * offsets**2)
    weights /= weights.sum()
    length = len(values)
    padded = np.pad(values, ((RADIUS, RADIUS), (0, 0)), mode="symmetric")
    result: npt.NDArray[np.float64] = padded[RADIUS : RADIUS + length] * weights[RADIUS]
    for distance in range(RADIUS, 0, -1):
        before = padded[RADIUS - distance : RADIUS - distance + length]
        after = padded[RADIUS + distance : RADIUS + distance + length]
        result += (before + after) * weights[RADIUS - distance]
    return result
