"""The photo's own background, blurred, without the subject in it."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from PIL import Image

Bytes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]

_SMALL_SIGMA = 6
"""Least standard deviation in pixels of the copy that is blurred: what is so smooth loses nothing by it."""

_SUBJECT = 12
"""Alpha from which a pixel weighs nothing: its colour is in part the subject's, so others are taken."""

_LEAST = 16
"""Weight out of 255 that a pixel must have: below, 8 bits do not hold its colour well."""


def blurred(photo: Image.Image, alpha: Bytes, own: Bytes | None, percent: float) -> Image.Image:
    """Blur a photo's background.

    Only what is background is blurred, so the subject's colours do not run into it; where the subject was,
    the background around it goes on.

    Args:
        photo: mode `RGB`.
        alpha: the subject's, `uint8` `(H, W)`.
        own: the photo's own opacity, `uint8` `(H, W)`, or None: what was transparent has no colour either.
        percent: standard deviation of the blur, in percent of the longest side.

    Returns:
        An image of mode `RGB` and the photo's size.
    """
    sigma = max(photo.size) * percent / 100
    weighed = photo.convert("RGBA")
    weighed.putalpha(_weights(alpha, own))
    factor = max(1, int(sigma / _SMALL_SIGMA))
    # Pillow multiplies the colours by the weights for it.
    small = np.asarray(weighed.reduce(factor), np.float32)
    weights = small[:, :, 3:] / np.float32(255)
    if not weights.any():  # all of it is subject
        small = np.asarray(photo.reduce(factor), np.float32)
        weights = np.ones_like(small[:, :, :1])
    colours = _filled(small[:, :, :3], weights)
    for axis in (0, 1):
        colours = _smoothed(colours, sigma / factor, axis)
    pixels = np.rint(np.clip(colours, 0, 255)).astype(np.uint8)
    box = (0, 0, photo.width / factor, photo.height / factor)  # the last block may be a part of one
    return Image.fromarray(pixels).resize(photo.size, Image.Resampling.BICUBIC, box)


def _weights(alpha: Bytes, own: Bytes | None) -> Image.Image:
    table = np.rint(255 * np.clip(1 - np.arange(256) / _SUBJECT, 0, 1)).astype(np.uint8)
    table[table < _LEAST] = 0
    weights = table[alpha]
    if own is not None:
        weights = np.minimum(weights, own)
    return Image.fromarray(weights)


def _filled(colours: Floats, weights: Floats) -> Floats:
    """Colours where the weight is 1, and where it is not, those around them: push and pull.

    After Gortler and others, "The Lumigraph" (1996): means over 2 x 2 pixels, again and again, until
    every one has some colour; then back, each level filling the holes of the finer one.

    Args:
        colours: `float32` `(H, W, 3)`.
        weights: `float32` `(H, W, 1)` in [0, 1], not all 0.
    """
    height, width = weights.shape[:2]
    if height == width == 1 or weights.min() >= 1:
        return colours
    edges = ((0, height % 2), (0, width % 2), (0, 0))
    sums = _halved(np.pad(colours * weights, edges))
    total = _halved(np.pad(weights, edges))
    means = np.asarray(sums / np.maximum(total, np.float32(1e-6)), np.float32)
    coarse = _filled(means, np.asarray(np.minimum(total, 1), np.float32))
    finer = _doubled(_doubled(coarse, 0), 1)[:height, :width]
    return np.asarray(colours * weights + finer * (1 - weights), np.float32)


def _halved(values: Floats) -> Floats:
    """Sums of 2 x 2 pixels."""
    rows = values[0::2] + values[1::2]
    return np.asarray(rows[:, 0::2] + rows[:, 1::2])


def _doubled(values: Floats, axis: int) -> Floats:
    """Twice as many pixels along an axis, linear between those that are there."""
    before, after = (
        np.pad(values, [edge if each == axis else (0, 0) for each in range(3)], "edge")
        for edge in ((1, 0), (0, 1))
    )
    count = values.shape[axis]
    near = np.float32(0.75) * values
    pair = (
        near + np.float32(0.25) * before.take(range(count), axis),
        near + np.float32(0.25) * after.take(range(1, count + 1), axis),
    )
    shape = [2 * side if each == axis else side for each, side in enumerate(values.shape)]
    return np.stack(pair, axis + 1).reshape(shape)


def _smoothed(values: Floats, sigma: float, axis: int) -> Floats:
    """Gaussian blur along an axis; beyond the edges the values there go on."""
    reach = max(1, math.ceil(3 * sigma))
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / max(sigma, 1e-3)) ** 2)
    kernel /= kernel.sum()
    count = values.shape[axis]
    padded = np.pad(values, [(reach, reach) if each == axis else (0, 0) for each in range(3)], "edge")
    result = np.zeros_like(values)
    for start, weight in enumerate(kernel):
        part = padded[start : start + count] if axis == 0 else padded[:, start : start + count]
        result += np.float32(weight) * part
    return result
