"""Cutting a picture down to its subject."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from rembolt.cutout.subject import Box

if TYPE_CHECKING:
    from rembolt.lengths import Margins

Bytes = npt.NDArray[np.uint8]


def with_margins(box: Box, margins: Margins) -> Box:
    """Widen a box; percents are of its height at top and bottom, of its width at the sides."""
    return Box(
        box.left - margins.left.pixels(box.width),
        box.top - margins.top.pixels(box.height),
        box.right + margins.right.pixels(box.width),
        box.bottom + margins.bottom.pixels(box.height),
    )


def crop(rgba: Bytes, box: Box) -> Bytes:
    """Cut a box out of a picture; what of it lies beyond the picture's edges is transparent.

    Args:
        rgba: `uint8` `(H, W, 4)`.
        box: must share a pixel with the picture.

    Returns:
        `uint8` `(box.height, box.width, 4)`, contiguous and not shared with `rgba`.
    """
    result = np.zeros((box.height, box.width, 4), np.uint8)
    left, top = max(0, box.left), max(0, box.top)
    part = rgba[top : max(0, box.bottom), left : max(0, box.right)]
    height, width = part.shape[:2]
    result[top - box.top :, left - box.left :][:height, :width] = part
    return result


def crop_mirrored(pixels: Bytes, box: Box) -> Bytes:
    """Cut a box out of a picture that goes on beyond its edges as in a mirror.

    Args:
        pixels: `uint8` `(H, W, C)`.
        box: may lie anywhere.

    Returns:
        `uint8` `(box.height, box.width, C)`.
    """
    height, width = pixels.shape[:2]
    if box.left >= 0 and box.top >= 0 and box.right <= width and box.bottom <= height:
        return pixels[box.top : box.bottom, box.left : box.right]
    rows = _mirrored(np.arange(box.top, box.bottom), height)
    columns = _mirrored(np.arange(box.left, box.right), width)
    return pixels[rows[:, None], columns]


def _mirrored(places: npt.NDArray[np.int_], count: int) -> npt.NDArray[np.int_]:
    """Places along an axis of `count` pixels that is mirrored at both its ends, again and again."""
    there = places % (2 * count)
    return np.minimum(there, 2 * count - 1 - there)
