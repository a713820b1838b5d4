"""The subject's own colours where it is half transparent.

A soft edge shows a mix of subject and background. Blur fusion takes the background out with box blurs
alone: Forte & Pitié, "Approximate Fast Foreground Colour Estimation" (ICIP 2021), applied twice, first
with a wide window, then with a narrow one that brings the detail back.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

WIDE, NARROW = 90, 6
"""Radii of the two passes in pixels, as in the paper."""


def blur_fusion(pixels: npt.NDArray[np.uint8], alpha: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Estimate the foreground's colours.

    Only the soft edge and what is near it is computed; elsewhere the photo's colours are the answer.

    Args:
        pixels: `uint8` RGB `(H, W, 3)`.
        alpha: `uint8` `(H, W)` in [0, 255].

    Returns:
        `uint8` RGB `(H, W, 3)`; equal to `pixels` where alpha is 0 or 255.
    """
    soft = (alpha > 0) & (alpha < 255)
    if not soft.any():
        return pixels
    window = _around(soft, WIDE)
    image = pixels[window].astype(np.float32) / np.float32(255)
    opacity = alpha[window].astype(np.float32)[..., np.newaxis] / np.float32(255)
    foreground, background = image, image
    for radius in (WIDE, NARROW):
        foreground, background = _fuse(image, foreground, background, opacity, radius)
    result = pixels.copy()
    inside = soft[window]
    result[window][inside] = np.rint(foreground[inside] * 255).astype(np.uint8)
    return result


def _fuse(
    image: Floats, foreground: Floats, background: Floats, alpha: Floats, radius: int
) -> tuple[Floats, Floats]:
    """One pass: average the colours of each side, weighted by how much they belong to it, then correct."""
    tiny = np.float32(1e-5)
    weight = _box_blur(alpha, radius)
    side = 1 - alpha
    foreground = _box_blur(foreground * alpha, radius) / (weight + tiny)
    background = _box_blur(background * side, radius) / (1 - weight + tiny)
    foreground = foreground + alpha * (image - alpha * foreground - side * background)
    return np.clip(foreground, 0, 1), background


def _box_blur(values: Floats, radius: int) -> Floats:
    """Mean over a square of side `2 * radius + 1`, the edges repeated outwards."""
    return _running_mean(_running_mean(values, radius).transpose(1, 0, 2), radius).transpose(1, 0, 2)


def _running_mean(values: Floats, radius: int) -> Floats:
    padded = np.pad(values, ((radius + 1, radius), (0, 0), (0, 0)), mode="edge")
    padded[0] = 0  # the running sum starts from nothing
    # float64: a float32 running sum over thousands of rows loses the last bits.
    total = np.cumsum(padded, axis=0, dtype=np.float64)
    size = 2 * radius + 1
    return ((total[size:] - total[:-size]) / size).astype(np.float32)


def _around(region: npt.NDArray[np.bool_], margin: int) -> tuple[slice, slice]:
    """The rectangle around a non-empty region, grown by `margin` pixels and cut at the image's border."""
    rows, columns = np.flatnonzero(region.any(axis=1)), np.flatnonzero(region.any(axis=0))
    return (
        slice(max(rows[0] - margin, 0), rows[-1] + 1 + margin),
        slice(max(columns[0] - margin, 0), columns[-1] + 1 + margin),
    )
