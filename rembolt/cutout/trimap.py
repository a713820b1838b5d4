"""Trimaps: what is surely foreground, what is surely background, and the unknown band between."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

FOREGROUND, UNKNOWN, BACKGROUND = 255, 128, 0


def trimap_from_mask(
    mask: npt.NDArray[np.uint8], foreground_threshold: int, background_threshold: int, erode_size: int
) -> npt.NDArray[np.uint8]:
    """Shrink both sure regions of a mask, as rembg does.

    Args:
        mask: `uint8` `(H, W)` in [0, 255].
        foreground_threshold: values above it are foreground.
        background_threshold: values below it are background.
        erode_size: side of the square window both regions are eroded by, in pixels. 0 erodes by the
            cross of four neighbours, as rembg does.

    Returns:
        `uint8` `(H, W)` of `FOREGROUND`, `UNKNOWN` and `BACKGROUND`.
    """
    # rembg counts what lies outside the photo as background for both.
    foreground = erode(mask > foreground_threshold, erode_size, outside=False)
    background = erode(mask < background_threshold, erode_size, outside=True)
    trimap = np.full(mask.shape, UNKNOWN, dtype=np.uint8)
    trimap[foreground] = FOREGROUND
    trimap[background] = BACKGROUND
    return trimap


def erode(region: npt.NDArray[np.bool_], size: int, *, outside: bool) -> npt.NDArray[np.bool_]:
    """Keep the pixels whose whole window lies in the region.

    Args:
        region: `bool` `(H, W)`.
        size: side of the square window, whose centre is at `size // 2`; 0 is the cross of four neighbours.
        outside: whether what lies outside the image belongs to the region.

    Returns:
        `bool` `(H, W)`.
    """
    if size == 0:
        padded = np.pad(region, 1, constant_values=outside)
        return region & padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
    return _erode_along(_erode_along(region, size, outside).T, size, outside).T


def _erode_along(region: npt.NDArray[np.bool_], size: int, outside: bool) -> npt.NDArray[np.bool_]:
    """Erode down the first axis: a window is full when it counts `size` pixels of the region."""
    before = size // 2
    padded = np.pad(region, ((before + 1, size - 1 - before), (0, 0)), constant_values=outside)
    padded[0] = False  # the running count starts from nothing
    count = np.cumsum(padded, axis=0, dtype=np.int32)
    full: npt.NDArray[np.bool_] = count[size:] - count[:-size] == size
    return full
