"""The subject's own colours where it is half transparent.

A soft edge shows a mix of subject and background. Blur fusion takes the background out with box blurs
alone: Forte & Pitié, "Approximate Fast Foreground Colour Estimation" (ICIP 2021), applied twice, first
with a wide window, then with a narrow one that brings the detail back.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image

Floats = npt.NDArray[np.float32]

WIDE, NARROW = 90, 6
"""Radii of the two passes in pixels, as in the paper."""


LARGEST_SIDE = 1024
"""Longest side in pixels that colours are estimated at. They change slowly, so more would only cost time
and memory: a photo of 90 megapixels would take minutes and gigabytes."""

BAND = 256
"""Rows recoloured at once."""


def decontaminate(image: Image.Image, mask: Image.Image) -> tuple[Image.Image, Image.Image]:
    """Estimate the foreground's colours by blur fusion, on a copy of at most `LARGEST_SIDE` pixels a side.

    Args:
        image: mode `RGB`.
        mask: mode `L`, of the same size.

    Returns:
        The copy before and after, for `recolour`.
    """
    factor = min(LARGEST_SIDE / max(image.size), 1.0)
    width, height = (max(1, round(side * factor)) for side in image.size)
    before = image.resize((width, height), Image.Resampling.BICUBIC, reducing_gap=2.0)
    alpha = mask.resize((width, height), Image.Resampling.BICUBIC, reducing_gap=2.0)
    return before, Image.fromarray(blur_fusion(np.asarray(before), np.asarray(alpha)))


def recolour(image: Image.Image, alpha: Image.Image, before: Image.Image, after: Image.Image) -> Image.Image:
    """Bring colours found on a smaller copy to the picture: its own pixels plus the copy's change.

    The picture's detail stays, since only the change, which is smooth, is enlarged.

    Args:
        image: mode `RGB`; not changed.
        alpha: mode `L`, of the same size; only what is half transparent is recoloured.
        before: the copy as it was, mode `RGB`, any size.
        after: the copy with the foreground's colours, of the size of `before`.

    Returns:
        Mode `RGB`, the size of `image`.
    """
    result = image.copy()
    scale = before.height / image.height
    for top in range(0, image.height, BAND):
        bottom = min(top + BAND, image.height)
        box = (0, top, image.width, bottom)
        opacity = np.asarray(alpha.crop(box))
        soft = (opacity > 0) & (opacity < 255)
        if not soft.any():
            continue
        source = (0.0, top * scale, float(before.width), bottom * scale)
        old, new = (
            np.asarray(copy.resize((image.width, bottom - top), Image.Resampling.BICUBIC, box=source))
            for copy in (before, after)
        )
        band = np.array(image.crop(box))
        change = new[soft].astype(np.int16) - old[soft]
        band[soft] = np.clip(band[soft] + change, 0, 255).astype(np.uint8)
        result.paste(Image.fromarray(band), box)
    return result


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
