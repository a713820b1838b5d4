"""Moving the edge of an alpha outwards or inwards."""

from __future__ import annotations

from math import ceil, isqrt

import numpy as np
import numpy.typing as npt

from rembolt.cutout.subject import surroundings
from rembolt.images.bands import BAND, for_bands

Alpha = npt.NDArray[np.uint8]


def shift(alpha: Alpha, pixels: float) -> Alpha:
    """Move the edge: grey dilation, or erosion, by a disc. Soft edges stay as soft as they are.

    A fraction of a pixel is a blend of the two whole shifts around it. Where the picture cuts the subject
    off, the subject is taken to go on: it does not come away from the picture's border.

    Args:
        alpha: `uint8` `(H, W)` in [0, 255].
        pixels: how far; outwards if positive, inwards if negative.

    Returns:
        `uint8` `(H, W)`.
    """
    result = alpha.copy()
    reach = ceil(abs(pixels))
    window = surroundings(alpha, reach)
    if window is None or reach == 0:
        return result
    before, after = alpha[window], result[window]
    height = len(before)
    flip = np.invert if pixels < 0 else np.asarray

    def work(top: int, bottom: int) -> None:
        first = max(top - reach, 0)
        rows = before[first : bottom + reach]
        if rows.min() != rows.max():
            after[top:bottom] = flip(_grown_by(flip(rows), abs(pixels)))[top - first : bottom - first]

    for_bands(work, height, max(BAND, 2 * reach))
    return result


def _grown_by(values: Alpha, pixels: float) -> Alpha:
    whole = int(pixels)
    share = round((pixels - whole) * 256)
    near = grow(values, whole)
    if share == 0:
        return near
    blend = grow(values, whole + 1).astype(np.uint16)
    blend *= share
    blend += near.astype(np.uint16) * (256 - share)
    blend += 128
    blend >>= 8
    return blend.astype(np.uint8)


def grow(values: Alpha, radius: int) -> Alpha:
    """Largest value within a disc around each pixel.

    Row by row of the disc: the farther from its middle, the shorter the stretch to look along. From one row
    to the next the stretches only become longer, so each is made from the one before.

    Args:
        values: `uint8` `(H, W)`.
        radius: of the disc in pixels; 1 is the pixel and the four beside it.

    Returns:
        `uint8` `(H, W)`; outside the picture there is nothing.
    """
    if radius == 0:
        return values
    result = np.zeros_like(values)
    line, half = values, 0
    for distance in range(radius, 0, -1):
        line, half = _stretched(line, half, _half_width(radius, distance))
        np.maximum(result[distance:], line[:-distance], out=result[distance:])
        np.maximum(result[:-distance], line[distance:], out=result[:-distance])
    line, _ = _stretched(line, half, radius)
    return np.maximum(result, line, out=result)


def _half_width(radius: int, distance: int) -> int:
    """Half the width of a disc, so many rows from its middle.

    The disc is a quarter of a pixel larger than its radius: straight edges of any slope then move by the
    radius, give or take half a pixel.
    """
    return isqrt((4 * radius + 1) ** 2 - (4 * distance) ** 2) // 4


def _stretched(line: Alpha, half: int, wanted: int) -> tuple[Alpha, int]:
    """From the largest value within `half` pixels to the left and right to that within `wanted`."""
    while half < wanted:
        step = min(half + 1, wanted - half)  # farther would leave a gap at the border
        longer = line.copy()
        np.maximum(longer[:, step:], line[:, :-step], out=longer[:, step:])
        np.maximum(longer[:, :-step], line[:, step:], out=longer[:, :-step])
        line, half = longer, half + step
    return line, half
