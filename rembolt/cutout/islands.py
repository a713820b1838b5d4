"""Small parts apart from the subject, and small holes in it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from rembolt.cutout.components import Components, components

Mask = npt.NDArray[np.uint8]

FAINT = 8
"""Levels up to it join nothing: a network's background is often not quite 0, and would tie all together."""


def remove_islands(mask: Mask, percent: float) -> Mask:
    """Remove parts apart that are small.

    A part is what hangs together above `FAINT`, corners too; its area is the sum of its opacities. The
    largest part stays even when it is too small as well, since an empty result helps nobody. What is fainter
    goes where it hangs together with nothing that stays and is small too, so that no rim is left behind.

    Args:
        mask: `uint8` `(H, W)` in [0, 255].
        percent: of the picture's area, from 0 to 100; parts below it go.

    Returns:
        `uint8` `(H, W)`; each pixel is 0 or as it was.
    """
    result = mask.copy()
    stayed = np.zeros(mask.shape, bool)
    for level in (FAINT, 0):
        parts = components(result > level, 8)
        if not parts.count:
            continue
        areas = parts.sums(result)
        stays = (areas >= _least(mask, percent)) | _has(parts, stayed)
        if not stays.any():
            stays[np.argmax(areas)] = True
        parts.paint(result, ~stays, 0)
        stayed = result > FAINT
    return result


def fill_holes(mask: Mask, percent: float) -> Mask:
    """Fill holes that are small.

    A hole is what hangs together by its sides, is not opaque (by more than `FAINT`) and does not reach the
    picture's border; its area is the sum of its transparencies.

    Args:
        mask: `uint8` `(H, W)` in [0, 255].
        percent: of the picture's area, from 0 to 100; holes below it are filled.

    Returns:
        `uint8` `(H, W)`; each pixel is 255 or as it was.
    """
    clear = np.invert(mask, order="C")
    stayed = np.zeros(mask.shape, bool)
    for level in (FAINT, 0):
        parts = components(clear > level, 4)
        stays = (parts.sums(clear) >= _least(mask, percent)) | parts.touch_border() | _has(parts, stayed)
        parts.paint(clear, ~stays, 0)
        stayed = clear > FAINT
    return np.invert(clear, out=clear)


def _least(mask: Mask, percent: float) -> float:
    """The area below which a part is small, in levels."""
    return mask.size * 255 * percent / 100


def _has(parts: Components, region: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Say of each part whether any of it lies in a region."""
    return parts.sums(region) > 0
