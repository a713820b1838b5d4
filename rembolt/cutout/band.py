"""The unknown band: where a mask leaves open what is subject and what is background."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from PIL import Image

from rembolt.cutout.guided import OPEN
from rembolt.cutout.trimap import trimap_from_mask

if TYPE_CHECKING:
    from rembolt.settings import CutoutOptions

Bytes = npt.NDArray[np.uint8]

UNSURE = 3
"""Levels from 0 or from 255 at which a mask begins to be unsure: less is noise of the network."""

REACH = 2
"""Positions of the grid that the band is wider than what the mask leaves open, to either side."""


def levels_of(mask: Image.Image, size: tuple[int, int]) -> Bytes:
    """Find the band of a mask on a coarse grid.

    Args:
        mask: mode `L`, any size.
        size: width and height of the grid.

    Returns:
        `uint8` `(h, w)`: 0, 255, and `OPEN` in the band.
    """
    small = np.asarray(mask.resize(size, Image.Resampling.BILINEAR))
    unsure = (small > UNSURE) & (small < 255 - UNSURE)
    # An edge as hard as the grid is one too.
    high = small >= OPEN
    unsure[1:] |= high[1:] != high[:-1]
    unsure[:, 1:] |= high[:, 1:] != high[:, :-1]
    levels = np.where(high, np.uint8(255), np.uint8(0))
    levels[_grown(_grown(unsure).T).T] = OPEN
    return levels


def _grown(region: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Grow a region by `REACH`, up and down."""
    padded = np.pad(region, ((REACH, REACH), (0, 0)))
    grown = region.copy()
    for shift in range(2 * REACH + 1):
        grown |= padded[shift : shift + len(region)]
    return grown


def levels_by_thresholds(
    mask: Image.Image, size: tuple[int, int], step: float, options: CutoutOptions
) -> Bytes:
    """Find the band that rembg's `alpha_matting_…` numbers describe.

    Args:
        mask: mode `L`, any size.
        size: width and height of the grid.
        step: pixels of the picture from a position of the grid to the next.
        options: the two thresholds, and the erosion in pixels of the picture.

    Returns:
        See `levels_of`.
    """
    small = np.asarray(mask.resize(size, Image.Resampling.BILINEAR))
    erosion = max(1, round(options.alpha_matting_erode_size / step))
    return trimap_from_mask(
        small,
        options.alpha_matting_foreground_threshold,
        options.alpha_matting_background_threshold,
        erosion,
    )
